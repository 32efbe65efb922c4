"""In multi-card validation RecognizerDistillation gives the accuracy of one card's data, not of all."""

import json
import os
import subprocess
import sys

import evidence

WORKER = """
import importlib, json
import zlib  # before paddle
import paddle
from paddlevideo.modeling.framework.recognizers import RecognizerDistillation
def validate():
    paddle.distributed.init_parallel_env()
    rank = paddle.distributed.get_rank()
    # the first process is right about both of its samples, the second about none
    scores, labels = paddle.eye(2, 8), paddle.to_tensor([[0], [1]]) + 6 * rank
    found = [float(value) for value in RecognizerDistillation.get_acc(None, scores, [labels], mode="Val")]
    open(f"rank{rank}.json", "w").write(json.dumps(found))
if __name__ == "__main__":
    paddle.set_device("cpu")
    paddle.distributed.spawn(validate, nprocs=2, backend="gloo")
"""

(evidence.WORK / "worker.py").write_text(WORKER)
path = os.pathsep.join([str(evidence.ROOT), os.environ.get("PYTHONPATH", "")])
command, environment = [sys.executable, "worker.py"], {**os.environ, "PYTHONPATH": path}
result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
found = [json.loads(path.read_text()) for path in sorted(evidence.WORK.glob("rank*.json"))]
if len(found) < 2:
    if "libpaddle.task" in result.stderr:
        evidence.fault(evidence.last_line(result.stderr))
    evidence.cannot_be_shown(f"two processes with gloo: {evidence.last_line(result.stderr)}")
top1 = [top1 for top1, _ in found]
evidence.verdict(top1 == [0.5, 0.5], f"top 1 of two processes, one right and one wrong: {top1}")
