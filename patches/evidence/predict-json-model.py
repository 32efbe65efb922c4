"""predict.py cannot load what Paddle 3 exports: a .json in place of .pdmodel, and memory_optimize_pass."""

import sys
from types import ModuleType

import evidence
import numpy as np
import paddle
from evidence import ROOT, WORK, cannot_be_shown, config_file, fault, last_line, need
from paddlevideo.utils import get_config

need("tools/predict.py")
sys.path.insert(0, str(ROOT / "tools"))
sys.modules.setdefault("requests", ModuleType("requests"))  # needed by another fault
import predict  # noqa: E402, once its folder is known

layer, data = paddle.nn.Linear(4, 3), np.arange(8, dtype="float32").reshape(2, 4)
paddle.jit.save(layer, str(WORK / "model"), input_spec=[paddle.static.InputSpec([None, 4], "float32")])
if not (WORK / "model.json").is_file():
    cannot_be_shown("this Paddle exports .pdmodel")
for name in ("model.pdmodel", "model.json"):
    files = ["--model_file", str(WORK / name), "--params_file", str(WORK / "model.pdiparams")]
    sys.argv = ["predict.py", *files, "--use_gpu=False"]
    try:
        predictor = predict.create_paddle_predictor(predict.parse_args(), get_config(config_file(), show=False))[1]
    except Exception as error:
        fault(f"{name}: {last_line(str(error).split('[Hint')[0])}")
    predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(data)
    predictor.run()
    got = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
    if not np.allclose(got, layer(paddle.to_tensor(data)).numpy(), atol=1e-5):
        fault(f"{name} is loaded, but computes something else")
evidence.verdict(True, "the exported model is loaded as model.pdmodel and as model.json, and computes the same")
