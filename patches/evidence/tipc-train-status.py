"""TIPC reports "Run successfully" for a training, and an export, whose interpreter does not even exist."""

import shutil
import subprocess
import sys

from evidence import ROOT, WORK, cannot_be_shown, fault, need, verdict

template = need("test_tipc/configs/STGCN/train_infer_python.txt").read_text()
if shutil.which("bash") is None:
    cannot_be_shown("TIPC needs bash")
shutil.copytree(ROOT / "test_tipc", WORK / "test_tipc", ignore=shutil.ignore_patterns("output"))
(WORK / "nothing.py").touch()


def reported(python: str, mode: str, stage: str) -> str:
    """What the log of TIPC says of this stage, whose script is one that does nothing."""
    lines = template.replace("python:python3.7", f"python:{python}").splitlines()
    scripts = {"norm_train": "nothing.py", "eval": "null", "norm_export": "null", "infer_export": "nothing.py"}
    changed = {**scripts, "inference": "nothing.py", "gpu_list": "-1", "--use_gpu": "False"}
    lines = [f"{key}:{changed[key]}" if (key := line.split(":")[0]) in changed else line for line in lines]
    (WORK / "tipc.txt").write_text("\n".join(lines) + "\n")
    command = ["bash", "test_tipc/test_train_inference_python.sh", "tipc.txt", mode]
    subprocess.run(command, cwd=WORK, capture_output=True, check=False)
    log = WORK / "test_tipc" / "output" / "STGCN" / mode / "results_python.log"
    told = [line for line in log.read_text().splitlines() if stage in line]
    log.unlink()
    return told[0].split("\033[33m")[-1].strip() if told else "nothing"


for mode, stage in (("lite_train_lite_infer", "train.log"), ("whole_infer", "-p=./data")):
    failed = reported("/nonexistent/python", mode, stage)
    if not failed.startswith("Run failed"):
        fault(failed)
    passed = reported(sys.executable, mode, stage)
    if not passed.startswith("Run successfully"):
        fault(f"{mode}: {passed}")
verdict(True, failed)
