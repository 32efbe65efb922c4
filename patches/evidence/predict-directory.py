"""A folder of .npy clips as --input_file of predict.py: nothing is printed, and the exit status is 0."""

import sys
from types import ModuleType

from evidence import ROOT, WORK, config_file, need, verdict
from paddlevideo.utils import get_config

need("tools/predict.py")
sys.path.insert(0, str(ROOT / "tools"))
sys.modules.setdefault("requests", ModuleType("requests"))  # needed by another fault
import predict  # noqa: E402, once its folder is known

get_config(config_file(), show=False)  # as main does first
names = ["b.npy", "a.npy", "d.mp4", "c.avi", "e.npy", "notes.txt"]
(WORK / "clips").mkdir()
for name in names:
    (WORK / "clips" / name).touch()
# the order of a file system is its own
predict.os.listdir = lambda path: names
got = [path[len(str(WORK / "clips")) + 1 :] for path in predict.parse_file_paths(str(WORK / "clips"))]
single = predict.parse_file_paths(str(WORK / "clips" / "notes.txt"))
verdict(
    got == ["a.npy", "b.npy", "c.avi", "d.mp4", "e.npy"] and single == [str(WORK / "clips" / "notes.txt")],
    f"of a folder with {', '.join(names)} it takes {', '.join(got)}",
)
