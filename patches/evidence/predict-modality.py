"""predict.py feeds joints to the bone and motion models of CTR-GCN, as its helper knows no modality."""

import sys
from types import ModuleType

import numpy as np
from evidence import ROOT, WINDOW, WORK, clip, fault, need, verdict
from paddlevideo.loader.pipelines import SketeonCropSample, SketeonModalityTransform
from paddlevideo.utils import get_config

need("tools/predict.py")
need("configs/recognition/ctrgcn/ctrgcn_ntucs_bone.yaml")
sys.path[:0] = [str(ROOT / "tools")]
sys.modules.setdefault("requests", ModuleType("requests"))  # needed by another fault
from utils import build_inference_helper  # noqa: E402, once its folder is known

pairs = SketeonModalityTransform(bone=True, motion=False).bone_pairs
np.save(WORK / "clip.npy", clip())
crop = SketeonCropSample(window_size=WINDOW, p_interval=[0.95])
joints = crop({"data": np.load(WORK / "clip.npy")})["data"]
bones = np.zeros_like(joints)
for end, start in pairs:
    bones[:, :, end - 1] = joints[:, :, end - 1] - joints[:, :, start - 1]


def motion(data: np.ndarray) -> np.ndarray:
    """From each frame to the next, none from the last."""
    return np.concatenate([data[:, 1:] - data[:, :-1], 0 * data[:, :1]], axis=1)


expected = {"joint": joints, "bone": bones, "motion": motion(joints), "bone_motion": motion(bones)}
for name, values in expected.items():
    cfg = get_config(str(ROOT / "configs" / "recognition" / "ctrgcn" / f"ctrgcn_ntucs_{name}.yaml"), show=False)
    steps = {key: value for step in cfg.PIPELINE.test.transform for key, value in step.items()}
    wanted = steps["SketeonModalityTransform"]
    # Fasle, which is true, is another fault
    told = [cfg.INFERENCE.get(key, key == "joint") for key in ("joint", "bone", "motion")]
    cfg.INFERENCE.window_size = WINDOW
    got = build_inference_helper(cfg.INFERENCE).preprocess(str(WORK / "clip.npy"))[0]
    if told != [wanted[key] is True for key in ("joint", "bone", "motion")] or not np.allclose(got[0], values):
        same = [key for key, other in expected.items() if np.allclose(got[0], other)]
        fault(f"predict.py feeds {' '.join(same) or 'something else'} to the {name} model")
helper = build_inference_helper({"name": "CTRGCN_Inference_helper", "window_size": WINDOW})
kept = np.allclose(helper.preprocess(str(WORK / "clip.npy"))[0][0], joints)
verdict(kept, f"each of the {len(expected)} models is fed its modality; without one, joints: {kept}")
