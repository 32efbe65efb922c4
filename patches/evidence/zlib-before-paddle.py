"""Where Paddle 2.6 is imported before zlib, paddlevideo and its tools end with a segmentation fault."""

import subprocess
import sys

from evidence import ROOT, cannot_be_shown, run, verdict


def died(code: str) -> bool:
    """Whether a signal ends this code."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"]
    return subprocess.run(command, capture_output=True, check=False).returncode < 0


if not died("import paddle, zlib; zlib.decompress(zlib.compress(b'a'))"):
    cannot_be_shown("this Paddle leaves Python's zlib alone")
dead = [] if not died("import paddlevideo.modeling") else ["import paddlevideo.modeling"]
for script in ("main.py", "tools/export_model.py", "tools/predict.py"):
    if (ROOT / script).is_file() and run(script, "--help")[0] < 0:
        dead.append(f"{script} --help")
verdict(not dead, f"ended by a signal: {', '.join(dead) or 'nothing'}")
