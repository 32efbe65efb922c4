"""With adaptive: False CTRGCN calls .cuda() in its forward pass: No available device found, on a CPU build."""

import evidence
import paddle
from paddlevideo.modeling.backbones.ctrgcn import CTRGCN

adaptive, fixed = CTRGCN(base_channel=8), CTRGCN(base_channel=8, adaptive=False)
fixed.set_state_dict({key.replace(".PA", ".A"): value for key, value in adaptive.state_dict().items()})
adaptive.eval()
fixed.eval()
clips = paddle.to_tensor(evidence.clip(16, 16)[None])
try:
    features, _, persons = fixed(clips)
except Exception as error:
    evidence.fault(error)
if paddle.is_compiled_with_cuda():
    evidence.cannot_be_shown("this Paddle is built for GPUs")
frozen = sum(parameter.stop_gradient for parameter in fixed.parameters() if tuple(parameter.shape) == (3, 25, 25))
difference = float((adaptive(clips)[0] - features).abs().max())
right = difference < 1e-5 and frozen == 10 and persons == 2
evidence.verdict(right, f"a fixed topology differs by {difference:.0e} from a learned one of its values")
