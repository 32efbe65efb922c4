"""What predict.py makes of clips that are not as expected: NaN gets a score, float64 fails in the predictor."""

import sys
from types import ModuleType

import numpy as np
from evidence import ROOT, WINDOW, WORK, clip, config_file, fault, need, verdict
from paddlevideo.utils import get_config

need("tools/predict.py")
sys.path.insert(0, str(ROOT / "tools"))
sys.modules.setdefault("requests", ModuleType("requests"))  # needed by another fault
from utils import build_inference_helper  # noqa: E402, once its folder is known

get_config(config_file(), show=False)  # as predict.py does first
helper = build_inference_helper({"name": "CTRGCN_Inference_helper", "window_size": WINDOW})
path, good = str(WORK / "clip.npy"), clip()


def given(array: np.ndarray) -> np.ndarray:
    """What the model is fed for this clip."""
    np.save(path, array)
    return helper.preprocess(path)[0]


def broken(value: float) -> np.ndarray:
    """The clip with this value in it."""
    array = good.copy()
    array[1, 3, 5, 0] = value
    return array


expected = given(good)
for kind in ("float64", "float16", "int32", "int64", "uint8"):
    whole = (10 * abs(good)).astype(kind)
    try:
        got = given(whole)
    except Exception as error:
        fault(f"{kind}: {type(error).__name__}: {error}")
    if got.dtype != np.float32 or not np.array_equal(got, given(whole.astype("float32"))):
        fault(f"a clip of {kind} reaches the model as {got.dtype}")
wrong = {
    "NaN": broken(np.nan),
    "inf": broken(np.inf),
    "too large": broken(1.0).astype("float64") * 1e300,
    "2 channels": good[:2],
    "17 joints": good[:, :, :17],
    "1 person": good[..., :1],
    "5 axes": good[None],
    "3 axes": good[..., 0],
    "no frame": good[:, :0],
    "text": good.astype(str),
}
said = []
for name, array in wrong.items():
    try:
        given(array)
    except ValueError as error:
        said.append(path in str(error))
    except Exception as error:
        fault(f"{name}: {type(error).__name__}: {error}")
    else:
        fault(f"{name}: no error")
same = expected.dtype == np.float32 and expected.shape == (1, 3, WINDOW, 25, 2)
verdict(same and all(said), f"{len(wrong)} wrong clips end with a ValueError that names the file: {all(said)}")
