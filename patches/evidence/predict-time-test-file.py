"""predict.py --time_test_file without a benchmark takes the list of clips for a clip."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
from evidence import CLASSES, ROOT, WORK, clip, config_file, fault, need, verdict

need("tools/predict.py")
sys.path.insert(0, str(ROOT / "tools"))
sys.modules.setdefault("requests", ModuleType("requests"))  # needed by another fault
import predict  # noqa: E402, once its folder is known

seen: list[np.ndarray] = []
handle = SimpleNamespace(copy_from_cpu=seen.append, copy_to_cpu=lambda: np.zeros((1, CLASSES), "float32"))
predictor = SimpleNamespace(
    get_input_names=lambda: ["x"],
    get_output_names=lambda: ["y"],
    get_input_handle=lambda name: handle,
    get_output_handle=lambda name: handle,
    run=lambda: None,
)
predict.create_paddle_predictor = lambda args, cfg: (None, predictor)
for name in ("a", "b"):
    np.save(WORK / f"{name}.npy", clip(seed=ord(name)))
(WORK / "list.txt").write_text(f"{WORK / 'a.npy'}\n{WORK / 'b.npy'}\n\n")


def clips(path: str, *options: str) -> int:
    """How many different clips predict.py reads."""
    seen.clear()
    sys.argv = ["predict.py", "-c", str(config_file()), "--input_file", str(WORK / path), *options]
    predict.main()
    return len({array.tobytes() for array in seen})


try:
    two = clips("list.txt", "--time_test_file=True")
except ValueError as error:
    fault(error)
verdict((two, clips("a.npy")) == (2, 1), f"{two} clips are read from a list of 2")
