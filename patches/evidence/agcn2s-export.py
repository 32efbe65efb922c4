"""AGCN2s cannot be exported: reshape_ is used on what a static graph takes for a view."""

import evidence
import numpy as np
import paddle
from paddlevideo.modeling.backbones import AGCN2s

paddle.seed(0)
net = AGCN2s()
net.eval()
# of one clip, as tools/export_model.py exports it
x = paddle.to_tensor(evidence.clip(16, 16)[None])
want = net(x).numpy()
spec = [paddle.static.InputSpec(x.shape, "float32")]
try:
    paddle.jit.save(paddle.jit.to_static(net, input_spec=spec, full_graph=True), str(evidence.WORK / "net"))
    got = paddle.jit.load(str(evidence.WORK / "net"))(x).numpy()
except Exception as error:
    evidence.fault(evidence.last_line(str(error)))
difference = float(np.abs(got - want).max() / np.abs(want).max())
right = got.shape == (2, 256, 4, 25) and difference < 1e-4
evidence.verdict(right, f"the exported features {got.shape} are off by {difference:.0e} of the largest")
