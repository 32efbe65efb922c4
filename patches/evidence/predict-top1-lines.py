"""predict.py prints a class and its score as arrays: compare_results.py of TIPC, which reads numbers, ends."""

import contextlib
import sys
from types import ModuleType

import numpy as np
from evidence import ROOT, WORK, config_file, fault, need, verdict
from paddlevideo.utils import get_config

need("test_tipc/compare_results.py")
reference = need("test_tipc/results/AGCN/python_ppvideo_AGCN_results_fp32.txt")
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "test_tipc")]
sys.modules.setdefault("requests", ModuleType("requests"))  # needed by another fault
import compare_results  # noqa: E402, once its folder is known
from utils import build_inference_helper  # noqa: E402

get_config(config_file(), show=False)  # as predict.py does first
wanted = compare_results.load_gt_from_file(str(reference))
best, score = wanted["top-1 class"], wanted["top-1 score"]
probabilities = np.full((1, 60), (1 - score) / 59)
probabilities[0, best] = score
log = WORK / "python_infer_fp32.log"  # compare_results.py tells a log by its name


def printed(top_k: int) -> list[dict]:
    """Have the helper of predict.py print into the log; its results."""
    helper = build_inference_helper({"name": "CTRGCN_Inference_helper", "top_k": top_k})
    helper.input_file = ["clip.npy"]
    with log.open("w") as file, contextlib.redirect_stdout(file):
        return helper.postprocess([np.log(probabilities).astype("float32")], return_result=True)


printed(5)
five = [line.split(": ")[1] for line in log.read_text().splitlines() if "top-5" in line]
arrays = len(five) == 2 and all(line.startswith("[") and len(line[1:-1].split()) == 5 for line in five)
results = printed(1)[0]
arrays = arrays and len(results["topk_class"]) == len(results["topk_scores"]) == 1
try:
    got = compare_results.parser_results_from_log_by_name(str(log), wanted.keys())
except ValueError as error:
    fault(f"compare_results.py on the log of predict.py: {error}")
read, read_score = got["top-1 class"], got["top-1 score"]
same = read == best and abs(read_score - score) < 1e-6
verdict(
    same and arrays,
    f"compare_results.py reads class {read} and score {read_score:.6f} of {best} and {score:.6f}; "
    f"arrays as before with top_k=5 and in the results: {arrays}",
)
