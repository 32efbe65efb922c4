"""build_model fails with a plain dict: 'dict' object has no attribute 'name'."""

import evidence
import paddle
from paddlevideo.modeling.builder import build_model
from paddlevideo.utils.config import AttrDict, create_attr_dict

section = evidence.config()["MODEL"]
try:
    model = build_model(section)
except AttributeError as error:
    evidence.fault(error)
attributes = AttrDict(evidence.config()["MODEL"])
create_attr_dict(attributes)
same = build_model(attributes)
model.eval()
same.eval()
same.set_state_dict(model.state_dict())
x = paddle.to_tensor(evidence.clip(16, 16)[None])
scores = model([x])
right = tuple(scores.shape) == (1, 6) and float((scores - same([x])).abs().max()) < 1e-6
names = model.head_name == same.head_name == "CTRGCNHead"
unchanged = section == evidence.config()["MODEL"]
evidence.verdict(right and names and unchanged, "a plain dict builds the model that an AttrDict does")
