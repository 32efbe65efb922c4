"""With two values in p_interval every sample fails: only 0-dimensional arrays can be converted, with NumPy 2.4."""

import numpy as np
from evidence import clip, fault, verdict
from paddlevideo.loader.pipelines import SketeonCropSample

# without resizing a crop shows which frames it took
LENGTH, WINDOW = 100, 70


def draws(seed):
    """The first frame of the crop, drawn as PaddleVideo has always drawn it."""
    np.random.seed(seed)
    length = min(max(int(np.floor(LENGTH * (np.random.rand(1)[0] * 0 + 0.7))), 64), LENGTH)
    return np.random.randint(0, LENGTH - length + 1), np.random.rand()


crop = SketeonCropSample(window_size=WINDOW, p_interval=[0.7, 0.7])
data = clip(LENGTH, LENGTH)
for seed in range(5):
    begin, following = draws(seed)
    np.random.seed(seed)
    try:
        cropped = crop({"data": data.copy()})["data"]
    except TypeError as error:
        fault(error)
    if np.random.rand() != following or not np.allclose(cropped, data[:, begin : begin + WINDOW], atol=1e-5):
        fault(f"seed {seed} gives another clip than it always gave")
verdict(cropped.shape == (3, WINDOW, 25, 2), f"random crops of {cropped.shape}, those that a seed always gave")
