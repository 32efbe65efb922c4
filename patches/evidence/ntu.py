"""What the evidence about the NTU-RGB+D scripts shares: clips in NTU's format, and the three scripts run on them."""

import pickle
import subprocess
import sys

import numpy as np
from evidence import ROOT, WORK, fault, last_line, need

# np.int, np.string_ and sklearn are needed by another fault
OLD_NUMPY = """
import sys, types, numpy
numpy.int, numpy.string_ = int, numpy.bytes_
sys.modules["sklearn"] = types.ModuleType("sklearn")
sys.modules["sklearn.model_selection"] = types.SimpleNamespace(train_test_split=None)
"""
FOLDER = WORK / "ntu-rgb-d"
LISTS = {"setup": 1, "camera": 5, "performer": 9, "replication": 13, "label": 17}


def prepare(clips: dict, before: str = "") -> dict:
    """What the three scripts make of clips {name: (persons, frames, 25, 3)}: {"xsub/train": (data, names, labels)}.

    A person is not there in frames of NaN. `before` is code that each script's process runs first.
    """
    need("data/ntu-rgb-d/seq_transformation.py")
    for folder in ("nturgb+d_skeletons", "statistics"):
        (FOLDER / folder).mkdir(parents=True)
    (FOLDER / "statistics" / "skes_available_name.txt").write_text("".join(f"{name}\n" for name in clips))
    for key, place in LISTS.items():
        (FOLDER / "statistics" / f"{key}.txt").write_text(
            "".join(f"{int(name[place : place + 3])}\n" for name in clips)
        )
    for name, bodies in clips.items():
        lines = [str(bodies.shape[1])]
        for frame in bodies.swapaxes(0, 1):
            seen = [index for index, joints in enumerate(frame) if not np.isnan(joints).any()]
            lines.append(str(len(seen)))
            for index in seen:
                lines += [f"{72057594037930000 + index} 0 1 1 1 1 0 0 0 2", "25"]
                lines += [" ".join(f"{value:.6f}" for value in joint) + " 0 0 0 0 0 0 0 0 2" for joint in frame[index]]
        (FOLDER / "nturgb+d_skeletons" / f"{name}.skeleton").write_text("\n".join(lines) + "\n")
    for script in ("get_raw_skes_data.py", "get_raw_denoised_data.py", "seq_transformation.py"):
        path = str(ROOT / "data" / "ntu-rgb-d" / script)
        code = f"{before}\nimport runpy; runpy.run_path({path!r}, run_name='__main__')"
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
        if result.returncode:
            errors = [line for line in result.stderr.splitlines() if "Error: " in line]
            fault(f"{script}: {errors[0] if errors else last_line(result.stderr)}")
    made = {}
    for part in ("xsub/train", "xsub/val", "xview/train", "xview/val"):
        names, labels = pickle.loads((FOLDER / f"{part}_label.pkl").read_bytes())
        made[part] = np.load(FOLDER / f"{part}_data.npy"), list(names), list(labels)
    return made


def bodies(persons: int, frames: int, seed: int) -> np.ndarray:
    """Persons of these many frames, taller than wide."""
    joints = np.random.default_rng(seed).standard_normal((persons, frames, 25, 3)).round(3)
    return (joints * [0.1, 1.0, 0.3] + 3.0).round(6)


def moved(persons: np.ndarray) -> np.ndarray:
    """As a clip (3, T, 25, 2), from the second joint of the first frame of the first person."""
    clip = np.zeros((3, persons.shape[1], 25, 2))
    for index, joints in enumerate(persons):
        clip[..., index] = (joints - persons[0, 0, 1]).transpose(2, 0, 1)
    return clip
