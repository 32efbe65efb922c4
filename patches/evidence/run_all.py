"""All evidence, one line each, in the order of the series: run in the folder of a PaddleVideo.

The exit status is 1 if any fault is there.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
VERDICTS = ("FAULT: ", "fine: ", "cannot be shown: ")

faults = 0
for patch in sorted(FOLDER.parent.glob("*.patch")):
    number, _, name = patch.stem.partition("-")
    ended = subprocess.run([sys.executable, FOLDER / f"{name}.py"], capture_output=True, text=True, check=False)
    lines = [line for line in ended.stdout.splitlines() if line.startswith(VERDICTS)]
    print(f"{number} {name:28} {lines[-1] if lines else ended.stderr.strip().splitlines()[-1]}", flush=True)
    faults += ended.returncode == 1
sys.exit(min(faults, 1))
