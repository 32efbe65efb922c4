"""The bone and motion configs of CTR-GCN say `joint: Fasle`, which is true: they train and test on joints."""

import numpy as np
from evidence import ROOT, clip, fault, need, verdict
from paddlevideo.loader.pipelines import SketeonModalityTransform
from paddlevideo.utils.config import parse_config

need("configs/recognition/ctrgcn/ctrgcn_ntucs_bone.yaml")
joints = clip(length=40)
bones = np.zeros_like(joints)
for end, start in SketeonModalityTransform(bone=True, motion=False).bone_pairs:
    bones[:, :, end - 1] = joints[:, :, end - 1] - joints[:, :, start - 1]


def motion(data: np.ndarray) -> np.ndarray:
    """From each frame to the next, none from the last."""
    return np.concatenate([data[:, 1:] - data[:, :-1], 0 * data[:, :1]], axis=1)


expected = {"bone": bones, "motion": motion(joints), "bone_motion": motion(bones), "joint": joints}
if any(np.allclose(expected[one], expected[other]) for one, other in zip(expected, list(expected)[1:])):
    raise AssertionError("two modalities of this clip are alike")
for name in expected:
    cfg = parse_config(str(ROOT / "configs" / "recognition" / "ctrgcn" / f"ctrgcn_ntucs_{name}.yaml"))
    for mode in ("train", "valid", "test"):
        steps = {key: value for step in cfg.PIPELINE[mode].transform for key, value in step.items()}
        arguments = steps["SketeonModalityTransform"]
        got = SketeonModalityTransform(**arguments)({"data": joints.copy()})["data"]
        same = [key for key, other in expected.items() if np.allclose(got, other)]
        if same != [name]:
            fault(f"ctrgcn_ntucs_{name}.yaml {mode}s on {' '.join(same)}: {dict(arguments)}")
verdict(True, f"each of the {len(expected)} configs trains, validates and tests on its modality")
