"""Made ``.skeleton`` files, and upstream's three scripts, which prepare such files for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ctrgcn_plugin.data import ntu

# each frame: the bodies in it, (id, joints (25, 3))
Frames = Sequence[Sequence[tuple[str, np.ndarray]]]

# a joint's place in the depth and the colour picture, its orientation and state, of which nothing is used
REST = "284.4 192.0 1056.7 NaN 0 0 0 0 2"

RUN = """
import runpy, sys, types
import numpy as np
# what the scripts ask for and NumPy 2 no longer has, and a module that they import and do not use
np.int, np.string_ = int, np.bytes_
sys.modules["sklearn"] = types.ModuleType("sklearn")
sys.modules["sklearn.model_selection"] = unused = types.ModuleType("sklearn.model_selection")
unused.train_test_split = None
for script in sys.argv[1:]:
    runpy.run_path(script, run_name="__main__")
"""
SCRIPTS = ("get_raw_skes_data", "get_raw_denoised_data", "seq_transformation")
# the lists that the scripts read, and where in a clip's name what they hold is
LISTS = {"setup": 1, "camera": 5, "performer": 9, "replication": 13, "label": 17}


def text_of(frames: Frames) -> str:
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for name, joints in bodies:
            lines += [f"{name} 0 1 1 1 1 0 -0.02 0.1 2", str(len(joints))]
            lines += [f"{x:.9g} {y:.9g} {z:.9g} {REST}" for x, y, z in joints]
    return "\n".join(lines) + "\n"


def scene(total: int, **bodies: tuple[int, np.ndarray]) -> list[list[tuple[str, np.ndarray]]]:
    """Frames 0 to `total`: each body is there from its start on, as long as it has joints (T, 25, 3)."""
    return [
        [(name, joints[t - start]) for name, (start, joints) in bodies.items() if start <= t < start + len(joints)]
        for t in range(total)
    ]


def random_scene(rng: np.random.Generator) -> Frames:
    """Several bodies that come, go, come back, are partly wide and sometimes zero."""
    total = int(rng.integers(20, 50))
    bodies = {}
    for name in "abcde"[: rng.integers(1, 6)]:
        start = int(rng.integers(0, total - 1))
        length = int(rng.integers(1, total - start + 1))
        joints = rng.normal(0, 1, (length, 25, 3)) * rng.choice([0.1, 0.5]) + [0, 0, 3]
        joints[:, :, 0] *= np.where(rng.random((length, 1)) < rng.random(), 1.5, 0.3)
        joints[1:][rng.random(length - 1) < 0.05] = 0
        bodies[name] = (start, joints)
    frames = scene(total, **bodies)
    return [[body for body in present if rng.random() < 0.95] for present in frames]


def stops_upstream(frames: Frames) -> bool:
    """Nobody, and several bodies of which all are short, end the scripts with an error."""
    lengths = Counter(name for bodies in frames for name, _ in bodies)
    return not lengths or (len(lengths) > 1 and max(lengths.values()) <= ntu.SHORT)


def write(folder: Path, clips: Mapping[str, Frames]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frames in clips.items():
        (folder / f"{name}.skeleton").write_text(text_of(frames))


def prepare_upstream(checkout: Path, python: Callable, folder: Path, clips: Mapping[str, Frames]) -> Path:
    """What upstream's three scripts make of clips, by name sorted: in `folder`, xsub and xview are there afterwards."""
    write(folder / "ntu-rgb-d/nturgb+d_skeletons", clips)
    work = folder / "ntu-rgb-d"
    (work / "statistics").mkdir()
    names = sorted(clips)
    (work / "statistics/skes_available_name.txt").write_text("\n".join(names))
    for part, place in LISTS.items():
        (work / f"statistics/{part}.txt").write_text("\n".join(str(int(name[place : place + 3])) for name in names))
    done = python(["-c", RUN, *(checkout / "data/ntu-rgb-d" / f"{script}.py" for script in SCRIPTS)], work)
    assert done.returncode == 0, done.stdout
    return work
