"""CTRGCN with in_channels: 2, for (x, y), has relations of no channel: size of filter should be greater than 0."""

import evidence
import paddle
from paddlevideo.modeling.backbones.ctrgcn import CTRGCN

clips = paddle.to_tensor(evidence.clip(16, 16)[None, :2])
try:
    net = CTRGCN(base_channel=8, in_channels=2)
    net.eval()
    plain = net(clips)[0]
except Exception as error:
    evidence.fault(error)
for name, value in net.state_dict().items():
    # the relations' share, which starts at nothing
    if name.startswith("l1.") and name.endswith(("alpha", "bn.weight")):
        value.set_value(paddle.ones(value.shape))
related = net(clips)[0]
widths = {CTRGCN(base_channel=8, in_channels=n).l1.gcn1.convs[0].rel_channels for n in (1, 2, 3, 7, 9)}
difference = float((related - plain).abs().max())
right = tuple(plain.shape) == (2, 32, 4, 25) and difference > 0 and widths == {8}
evidence.verdict(right, f"relations of {widths} channels, which change the features by {difference:.0e}")
