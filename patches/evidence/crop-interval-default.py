"""SketeonCropSample cannot be used with its default p_interval=1: object of type 'int' has no len()."""

import numpy as np
from evidence import clip, fault, verdict
from paddlevideo.loader.pipelines import SketeonCropSample


def crop(**settings):
    return SketeonCropSample(window_size=16, **settings)({"data": clip(30, 40)})["data"]


try:
    pairs = [(crop(), crop(p_interval=[1])), (crop(p_interval=0.5), crop(p_interval=[0.5]))]
except TypeError as error:
    fault(error)
same = all(number.shape == (3, 16, 25, 2) and np.array_equal(number, array) for number, array in pairs)
verdict(same and not np.array_equal(pairs[0][0], pairs[1][0]), "a number crops as a list of that number does")
