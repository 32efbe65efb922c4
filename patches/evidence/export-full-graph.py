"""export_model.py warns that full_graph=False does not support the input_spec that it gives."""

import sys
import warnings

import evidence
import numpy as np
import paddle
from evidence import ROOT, WORK, cannot_be_shown, clip, config_file, fault, need
from paddlevideo.modeling.builder import build_model
from paddlevideo.utils import get_config

need("tools/export_model.py")
sys.path.insert(0, str(ROOT / "tools"))
import export_model  # noqa: E402, once its folder is known

inference = {"num_channels": 3, "window_size": 16, "vertex_nums": 25, "person_nums": 2}
path = config_file(INFERENCE=inference)
model = build_model(get_config(path, show=False).MODEL)
paddle.save(model.state_dict(), str(WORK / "weights.pdparams"))
sys.argv = ["export_model.py", "-c", str(path), "-p", str(WORK / "weights.pdparams"), "-o", str(WORK / "exported")]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    paddle.jit.to_static(paddle.nn.Linear(2, 2), input_spec=[paddle.static.InputSpec([None, 2])])
    if not any("full_graph" in str(warning.message) for warning in caught):
        cannot_be_shown("to_static of this Paddle does not warn of input_spec")
    caught.clear()
    export_model.main()
    told = [str(warning.message) for warning in caught if "full_graph" in str(warning.message)]
if told:
    fault(told[0])
model.eval()
data = paddle.to_tensor(clip(frames=16, length=16)[None])
with paddle.no_grad():
    expected = model([data], mode="infer").numpy()
    got = paddle.jit.load(str(WORK / "exported" / "CTRGCN"))(data).numpy()
error = float(np.abs(got - expected).max() / np.abs(expected).max())
evidence.verdict(error < 1e-4, f"exported without the warning; relative error of the exported model: {error}")
