"""What goes wrong while batches are made, a bad clip or a worker that is killed: one line, and nothing left over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

LOADER = """
    import gc, glob, multiprocessing, os, signal, subprocess, time
    from paddle.io import DataLoader, Dataset
    from ctrgcn_plugin.errors import ClipError

    class Clips(Dataset):
        def __len__(self):
            return 400
        def __getitem__(self, index):
            if index == {bad}:
                raise ClipError("clip 20 is bad; mend it")
            return np.full(1000, index, "float32")

    def ended(do):
        start = time.monotonic()
        try:
            do()
        except Exception as error:
            return dict(kind=type(error).__name__, said=str(error), seconds=time.monotonic() - start)

    batches = iter(DataLoader(Clips(), batch_size=2, num_workers={workers}))
    next(batches)
    workers = [child.pid for child in multiprocessing.active_children()]
"""
LEFT = """
    # the loader's thread looks every five seconds
    deadline = time.monotonic() + 20
    while multiprocessing.active_children() and time.monotonic() < deadline:
        gc.collect()
        # Paddle looks at its workers whenever a process ends, and says again what it finds
        subprocess.run(["true"])
        time.sleep(0.1)
    children = [child.pid for child in multiprocessing.active_children()]
    files = [file for pid in workers for file in glob.glob(f"/dev/shm/paddle_{pid}_*")]
    answer(**end, children=children, files=files)
"""
FAIL = """
    end = ended(lambda: list(batches))
    del batches
"""
LOST = "a loader worker was killed, as systems do that run out of memory; "


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_clip_is_one_line(probe, workers):
    code = LOADER.format(bad=20, workers=workers) + FAIL + LEFT
    answered, printed = probe(code)
    assert answered is not None, printed[-3000:]
    assert (answered["kind"], answered["said"]) == ("ClipError", "clip 20 is bad; mend it")
    assert "Traceback" not in printed and answered["seconds"] < 20 and answered["children"] == []


KILLED = """
    os.kill(workers[0], signal.SIGKILL)
    end = ended(lambda: {do})
    {leave}
"""
WAIT, COMPUTE = "list(batches)", "time.sleep(60)"
DROP, TANGLE = "del batches", "batches.itself = batches; del batches; gc.collect()"


@pytest.mark.parametrize(
    ("do", "leave"),
    [
        pytest.param(WAIT, DROP, id="waiting for a batch"),
        pytest.param(COMPUTE, DROP, id="elsewhere"),
        # which ends the queues, through which workers are told to end, before it ends the iterator
        pytest.param(WAIT, TANGLE, id="left to the garbage collector"),
    ],
)
def test_a_killed_worker_is_one_line_and_leaves_nothing(probe, do, leave):
    answered, printed = probe(LOADER.format(bad=None, workers=2) + KILLED.format(do=do, leave=leave) + LEFT)
    assert answered is not None, printed[-3000:]
    assert answered["kind"] == "LostWorkerError" and answered["said"].startswith(LOST)
    assert "\n" not in answered["said"] and answered["seconds"] < 30
    assert answered["children"] == answered["files"] == []


def test_without_the_fix_it_is_a_fatal_error_of_paddles(probe):
    code = LOADER.format(bad=None, workers=2) + KILLED.format(do=COMPUTE, leave=DROP) + LEFT
    answered, printed = probe(code, off="lost-worker")
    assert answered is not None, printed[-3000:]
    assert answered["kind"] == "SystemError" and "(Fatal) DataLoader process" in answered["said"]


# the short form of benchmarks/soak.py, and what ends its long form

SOAK = """
import random, sys, time
sys.path.insert(0, {folder!r})
import soak
from soaking import rounds
{code}
"""


@pytest.fixture
def soaked(preloaded, ppvideo_root, tmp_path):
    """Run code with the script as the module ``soak``: (exit status, what was printed)."""

    def run(code: str) -> tuple[int, str]:
        script = tmp_path / "run.py"
        script.write_text(SOAK.format(folder=str(BENCHMARKS), code=code))
        return preloaded(script, tmp_path, tmp_path / "soak.log", PADDLEVIDEO_ROOT=str(ppvideo_root))

    return run


def test_every_fault_of_the_soak(soaked, tmp_path):
    options = "--minutes 0 --rounds 5 --epoch 60 --workers 2 --parts load --seed 7 --json result.json"
    status, printed = soaked(f"sys.exit(soak.main({options.split()}))")
    assert status == 0, printed[-3000:]
    result = json.loads((tmp_path / "result.json").read_text())
    assert "seed 7" in printed and result["seed"] == 7 and result["command"].endswith(options)
    for row in result["parts"]:
        faults = {name: count for name, count in row["counts"].items() if name.startswith("epochs, ")}
        assert faults == dict.fromkeys(
            (f"epochs, {fault}" for fault in ("kill", "none", "replace", "shorten", "vanish")), 1
        )
        assert row["problems"] == 0 and row["slowest_end_seconds"] > 0
    assert [row["part"] for row in result["parts"]] == [
        f"load {form}, 2 workers" for form in ("MappedSkeletonDataset", "SkeletonDataset")
    ]


def test_a_hang_ends_the_soak(soaked):
    code = """
class Hanging(rounds.Part):
    def round(self):
        time.sleep(60)
rounds.LONGEST = 1
rounds.go_on(Hanging("hanging", random.Random(0)), 0, 1, print)
"""
    status, printed = soaked(code)
    assert status == 1 and "Timeout" in printed and "in round" in printed
