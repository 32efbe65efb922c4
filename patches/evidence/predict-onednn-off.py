"""predict.py --enable_mkldnn=False leaves oneDNN on, as it is on by default."""

import sys
from types import ModuleType

from evidence import ROOT, WORK, cannot_be_shown, config_file, need, verdict
from paddlevideo.utils import get_config

need("tools/predict.py")
sys.path.insert(0, str(ROOT / "tools"))
sys.modules.setdefault("requests", ModuleType("requests"))  # needed by another fault
import predict  # noqa: E402, once its folder is known


def enabled(option: str) -> bool:
    """Whether the predictor would be made with oneDNN."""
    files = ["--model_file", str(WORK / "x.pdmodel"), "--params_file", str(WORK / "x.pdiparams")]
    sys.argv = ["predict.py", *files, "--use_gpu=False", f"--enable_mkldnn={option}"]
    return predict.create_paddle_predictor(predict.parse_args(), cfg)[0].mkldnn_enabled()


cfg = get_config(config_file(), show=False)
predict.create_predictor = lambda config: None
for suffix in ("pdmodel", "pdiparams"):
    (WORK / f"x.{suffix}").touch()
if not predict.Config().mkldnn_enabled():
    cannot_be_shown("oneDNN is off by default in this Paddle")
off, on = enabled("False"), enabled("True")
verdict(not off and on, f"--enable_mkldnn=False: oneDNN is {'on' if off else 'off'}, True: {'on' if on else 'off'}")
