"""``deploy/paddle2onnx/predict_onnx.py``: a fault that it shares with ``tools/predict.py``."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType, SimpleNamespace

from ctrgcn_plugin.upstream.fixes import predict
from ctrgcn_plugin.upstream.fixes.code import wrapping

SCRIPT = "deploy/paddle2onnx/predict_onnx.py"


def _goes_on_without_auto_log(main: ModuleType) -> bool:
    names = [SimpleNamespace(name="")]
    engine = SimpleNamespace(get_inputs=lambda: names, get_outputs=lambda: names)
    return predict.goes_on_without_auto_log(main, create_onnx_predictor=lambda *args: (None, engine))


# under the name, and so the off-switch, of the fault's fix in tools/predict.py: a process runs one of the scripts
SHARED = (
    replace(
        predict.AUTO_LOG,
        module=SCRIPT,
        where="deploy/paddle2onnx/predict_onnx.py:113",
        faulty=_goes_on_without_auto_log,
        cure=wrapping("create_onnx_predictor", predict.with_auto_log),
    ),
)
