"""prepare.sh of TIPC knows no CTR-GCN: "Not added into TIPC yet.", no data, and no config for it."""

import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
from evidence import ROOT, WORK, cannot_be_shown, fault, need, verdict

template = need("test_tipc/configs/STGCN/train_infer_python.txt").read_text()
if shutil.which("bash") is None:
    cannot_be_shown("TIPC needs bash")
shutil.copytree(ROOT / "test_tipc", WORK / "test_tipc", ignore=shutil.ignore_patterns("output"))
own = WORK / "test_tipc" / "configs" / "CTRGCN" / "train_infer_python.txt"
config = own.read_text() if own.is_file() else template.replace("model_name:STGCN", "model_name:CTRGCN")
(WORK / "tipc.txt").write_text(config)
# nothing is installed or downloaded: pip and wget only say what they are told
(WORK / "bin").mkdir()
pip = f'[ "$2" = pip ] && echo "pip $*" && exit; exec {sys.executable} "$@"'
for name, code in (("python", pip), ("wget", 'echo "wget $*"')):
    (WORK / "bin" / name).write_text(f"#!/bin/sh\n{code}\n")
    (WORK / "bin" / name).chmod(0o755)
environment = {**os.environ, "PATH": f"{WORK / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def prepared(mode: str) -> str:
    """What prepare.sh prints."""
    command = ["bash", "test_tipc/prepare.sh", "tipc.txt", mode]
    return subprocess.run(command, cwd=WORK, env=environment, capture_output=True, text=True, check=False).stdout


for mode in ("lite_train_lite_infer", "lite_train_whole_infer", "whole_infer"):
    if "Not added into TIPC yet." in prepared(mode):
        fault(f"{mode}: Not added into TIPC yet.")
if not own.is_file():
    fault("test_tipc/configs/CTRGCN/train_infer_python.txt is missing")
folder, shapes = WORK / "data" / "ntu-rgb-d" / "xsub", []
for split in ("train", "val"):
    data = np.load(folder / f"{split}_data.npy")
    names, labels = pickle.loads((folder / f"{split}_label.pkl").read_bytes())
    shapes.append(data.shape)
    if data.dtype != np.float32 or not len(names) == len(labels) == len(data) or not 0 <= max(labels) < 60:
        fault(f"{split}: {data.dtype}, {len(names)} names, {len(labels)} labels")
before = (folder / "train_data.npy").stat().st_mtime_ns
prepared("lite_train_lite_infer")
kept = (folder / "train_data.npy").stat().st_mtime_ns == before
weights = "CTRGCN_ntucs_joint.pdparams" in prepared("whole_infer")
right = all(len(shape) == 5 and shape[1] == 3 and shape[3:] == (25, 2) for shape in shapes)
verdict(
    kept and weights and right,
    f"it makes clips {shapes}, keeps those that are there: {kept}, fetches weights: {weights}",
)
