"""Of a clip with empty frames in its middle as many frames at its end are silently dropped."""

import numpy as np
from evidence import clip, fault, verdict
from paddlevideo.loader.pipelines import SketeonCropSample


def crop(data, window):
    """With as many frames as the window has, cropping keeps them all."""
    return SketeonCropSample(window_size=window, p_interval=[1])({"data": data.copy()})["data"]


whole = clip(30, 40)
if not np.allclose(crop(whole, 30), whole[:, :30], atol=1e-5):
    fault("a clip without a gap is cropped otherwise than it was")
gap = whole.copy()
gap[:, 10:18] = 0
cropped = crop(gap, 30)
if not np.allclose(cropped, gap[:, :30], atol=1e-5):
    first = float(np.abs(cropped[:, -1] - gap[:, 21]).max()) < 0.5
    fault(f"of 30 frames with a gap of 8 the crop ends at frame {22 if first else 'unknown'}, not at 30")
# a frame whose values add up to nothing is not empty
balanced = np.zeros((3, 20, 25, 2), "float32")
balanced[:, :12, 0], balanced[:, :12, 1] = 1, -1
verdict(np.allclose(crop(balanced, 12), balanced[:, :12], atol=1e-5), "crops end at the last frame with a skeleton")
