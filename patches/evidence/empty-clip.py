"""A clip without anybody in it cannot be cropped: received shape[3] is 0."""

import numpy as np
from evidence import fault, verdict
from paddlevideo.loader.pipelines import SketeonCropSample

try:
    cropped = SketeonCropSample(window_size=16, p_interval=[0.95])({"data": np.zeros((3, 9, 25, 2), "float32")})["data"]
except Exception as error:
    fault(error)
verdict(cropped.shape == (3, 16, 25, 2) and not cropped.any(), f"an empty clip is cropped to {cropped.shape}")
