"""Where Paddle 2.6 is imported before zlib, paddlevideo and its tools end with a segmentation fault."""

import subprocess
import sys

from evidence import ROOT, cannot_be_shown, run, verdict


def status(code: str) -> int:
    """The exit status of this code, below 0 where a signal ends it."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"]
    return subprocess.run(command, capture_output=True, check=False).returncode


if status("import paddle, zlib; zlib.decompress(zlib.compress(b'a'))") >= 0:
    cannot_be_shown("this Paddle leaves Python's zlib alone")
imported = status("import paddlevideo.modeling")
if imported > 0:
    cannot_be_shown("this PaddleVideo cannot be imported with this Paddle")
dead = ["import paddlevideo.modeling"] if imported < 0 else []
for script in ("main.py", "tools/export_model.py", "tools/predict.py"):
    if (ROOT / script).is_file() and run(script, "--help")[0] < 0:
        dead.append(f"{script} --help")
verdict(not dead, f"ended by a signal: {', '.join(dead) or 'nothing'}")
