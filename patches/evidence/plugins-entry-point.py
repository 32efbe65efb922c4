"""PaddleVideo calls no plugin: a backbone in a package of one's own needs an edit of PaddleVideo, or of its scripts."""

import os
import subprocess
import sys

import evidence

GOOD = """
def register():
    from paddlevideo.modeling.registry import BACKBONES
    print("good was called")
    BACKBONES.register(type("GoodBackbone", (), {}))
"""
# the switch is set after the import, so that nothing but PaddleVideo itself acts on it
SCRIPT = """
import os, sys, zlib
from paddlevideo.utils import get_config
os.environ.pop("PADDLEVIDEO_PLUGINS")
if len(sys.argv) > 1:
    os.environ["PADDLEVIDEO_PLUGINS"] = sys.argv[1]
model_names = [get_config("config.yaml", show=False).model_name for _ in range(2)]
from paddlevideo.modeling.registry import BACKBONES
print("read", *model_names, "GoodBackbone" in BACKBONES)
"""


def distribution(folder, name, entry_points, module):
    information = evidence.WORK / folder / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(entry_points)
    (evidence.WORK / folder / f"{name}.py").write_text(module)


def output(*setting):
    path = os.pathsep.join([str(evidence.ROOT), "first", "second", os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "PADDLEVIDEO_PLUGINS": "0"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *setting], env=environment, text=True, check=False, **pipes
    ).stdout


distribution("first", "malformed", "no section = here\n[[", "")
distribution("first", "bad", "[paddlevideo.plugins]\nbad = bad:register\n", "def register():\n    1 / 0\n")
distribution("first", "good", "[paddlevideo.plugins]\ngood = good:register\n", GOOD)
distribution(
    "second", "shadowed", "[paddlevideo.plugins]\ngood = shadowed:register\n", "raise SystemExit('shadowed')\n"
)
evidence.config_file()
every, none, named = output(), output("0"), output("good, other")
if "read CTRGCN CTRGCN False" not in none:
    evidence.cannot_be_shown(evidence.last_line(none))
if "read CTRGCN CTRGCN True" not in every:
    evidence.fault(f"an installed plugin is not called: {evidence.last_line(every)}")
report = next((line for line in every.splitlines() if "'bad'" in line), "")
right = {
    "called once": every.count("good was called") == named.count("good was called") == 1 and "shadowed" not in every,
    "a failure reported": all(word in report for word in ("bad:register", "ZeroDivisionError", "PADDLEVIDEO_PLUGINS")),
    "none if switched off": "called" not in none and "'bad'" not in none and "read CTRGCN CTRGCN False" in none,
    "only those named": "'bad'" not in named and "read CTRGCN CTRGCN True" in named,
}
wrong = ", ".join(name for name, is_right in right.items() if not is_right)
evidence.verdict(not wrong, f"not so: {wrong}" if wrong else ", ".join(right))
