"""The student that distillation saves has keys 0.* and 1.*: a recognizer that loads it stays random."""

import evidence
import numpy as np
import paddle
from evidence import CLASSES, WORK, clip, fault
from paddlevideo.modeling.builder import build_model
from paddlevideo.utils import save
from paddlevideo.utils.config import AttrDict, create_attr_dict


def model(framework: str, **sections: object) -> paddle.nn.Layer:
    """A model as build_model gives it."""
    cfg = AttrDict(framework=framework, **sections)
    create_attr_dict(cfg)
    built = build_model(cfg)
    built.eval()
    return built


def parts() -> dict:
    """The backbone and the head of a small CTRGCN."""
    head = {"name": "CTRGCNHead", "in_channels": 8, "num_classes": CLASSES}
    return {"backbone": {"name": "CTRGCN", "base_channel": 8}, "head": head}


loss = [{"name": "DistillationCELoss", "model_name_pairs": ["Student", "GroundTruth"]}]
models = [AttrDict(Teacher=AttrDict(parts())), AttrDict(Student=AttrDict(parts()))]
both = model("RecognizerDistillation", models=models, loss=AttrDict(Train=loss))
save(both.state_dict(), str(WORK / "x.pdparams"), save_student_model=True)
student = paddle.load(str(WORK / "x_student.pdparams"))
plain = model("RecognizerGCN", **parts())
if set(student) != set(plain.state_dict()):
    fault(f"keys of the saved student: {sorted(student)[0]}, of the recognizer: {sorted(plain.state_dict())[0]}")
plain.set_state_dict(student)
data = paddle.to_tensor(clip(frames=16, length=16)[None])
with paddle.no_grad():
    expected, got = both.Student(data).numpy(), plain([data], mode="infer").numpy()
error = float(np.abs(expected - got).max())
evidence.verdict(
    error < 1e-5 * np.abs(expected).max(), f"the recognizer that loads the student differs from it by {error}"
)
