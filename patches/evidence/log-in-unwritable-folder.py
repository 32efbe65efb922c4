"""Importing paddlevideo writes ./.log.txt: in a folder that cannot be written, the import fails."""

import os
import subprocess
import sys
from pathlib import Path

from evidence import ROOT, WORK, cannot_be_shown, fault, last_line, verdict

CODE = (
    "import zlib; from paddlevideo.utils import get_logger; get_logger('paddlevideo').info('this goes to the console')"
)


def imported(folder: Path) -> tuple[int, str]:
    """(exit status, output) of importing paddlevideo.utils there."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", CODE], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return result.returncode, result.stdout + result.stderr


def writable(folder: Path) -> bool:
    """Whether a file can be created there; root can in any folder of a disk."""
    try:
        (folder / "probe").touch()
    except OSError:
        return False
    return True


closed = WORK / "closed"
closed.mkdir(mode=0o555)
folders = [folder for folder in (closed, Path("/proc/self"), Path("/sys")) if folder.is_dir() and not writable(folder)]
if not folders:
    cannot_be_shown("every folder here can be written")
status, output = imported(folders[0])
if status:
    fault(f"{folders[0]}: {last_line(output)}")
said = "this goes to the console" in output and ".log.txt" in output
(WORK / "open").mkdir()
status, output = imported(WORK / "open")
log = (WORK / "open" / ".log.txt").read_text()
verdict(
    said and status == 0 and "this goes to the console" in log,
    f"in {folders[0]} it logs to the console and says why: {said}; elsewhere to .log.txt: {bool(log)}",
)
