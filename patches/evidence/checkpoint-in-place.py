"""A process that is killed while it saves a checkpoint leaves none: the old one is gone, the new one is half."""

import os
import signal
from pathlib import Path

import evidence
import numpy as np
import paddle
from evidence import fault, verdict
from paddlevideo.utils import save

CHECKPOINT = Path("output", "model.pdparams")
LARGE = np.ones(100_000, "float32")


class Killed:
    """Ends the process where it is saved."""

    def __reduce__(self):
        os.kill(os.getpid(), signal.SIGKILL)
        return str, ()


class Failed:
    """Cannot be saved, as what does not fit on the disk."""

    def __reduce__(self):
        raise OSError("No space left on device")


def weights() -> float:
    """Of the checkpoint; whatever is wrong with it is the fault."""
    try:
        return float(paddle.load(str(CHECKPOINT))["weight"][0])
    except Exception as error:
        fault(f"the checkpoint that was there cannot be loaded: {type(error).__name__}: {error}")


evidence.on_cpu()
CHECKPOINT.parent.mkdir()
save({"weight": LARGE}, str(CHECKPOINT))
child = os.fork()
if not child:
    save({"weight": 2 * LARGE, "end": Killed()}, str(CHECKPOINT))
os.waitpid(child, 0)
after_kill = weights()
try:
    save({"weight": 3 * LARGE, "end": Failed()}, str(CHECKPOINT))
except Exception as error:
    print(f"saving failed with {type(error).__name__}")
after_error = weights()
save({"weight": 4 * LARGE}, str(CHECKPOINT))
verdict(
    (after_kill, after_error, weights()) == (1, 1, 4),
    f"after a kill the checkpoint is {after_kill}, after an error {after_error}, of 1; then saved: {weights()} of 4",
)
