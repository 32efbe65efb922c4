"""predict.py --enable_benchmark without auto_log ends with UnboundLocalError, not with what is missing."""

import sys
from types import ModuleType, SimpleNamespace

from evidence import ROOT, WORK, config_file, fault, need, verdict

need("tools/predict.py")
sys.path.insert(0, str(ROOT / "tools"))
sys.modules.setdefault("requests", ModuleType("requests"))  # needed by another fault
import predict  # noqa: E402, once its folder is known

sys.modules["auto_log"] = None  # as where it is not installed
predict.create_paddle_predictor = lambda args, cfg: (
    None,
    SimpleNamespace(get_input_names=lambda: [], get_output_names=lambda: []),
)
(WORK / "clip.npy").touch()
sys.argv = ["predict.py", "-c", str(config_file()), "-i", str(WORK / "clip.npy"), "--enable_benchmark=True"]
try:
    predict.main()
except (ImportError, SystemExit) as error:
    verdict(str(error) not in ("", "0", "None"), f"it ends with {type(error).__name__}: {error}")
except Exception as error:
    fault(f"{type(error).__name__}: {error}")
fault("a benchmark without auto_log ends well")
