"""``paddle.io``: loader workers that outlive a run, and those that end before it.

The former are to ask every few seconds whether their parent lives, but hand the seconds to ``Queue.get`` as
its first argument, which is not the time to wait: they wait for ever. Stock PaddleVideo kills its whole
process group instead, see ``signal-handlers``.

The latter may also never end. A run that stops sends its workers SIGTERM and waits for them. Where one is still inside
fork(), Paddle's handler of a training's process answers: it allocates memory, and waits for the allocator's lock, which
the fork holds until it is over.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin.errors import UserError, one_line
from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import ENDANGERS, MISLEADS, STOPS, Fix, always
from ctrgcn_plugin.upstream.fixes.proxy import Proxy

SHARED_MEMORY = Path("/dev/shm")
# by what the system calls the signal that has ended a worker
CAUSES = {
    "Killed": "was killed, as systems do that run out of memory; lower DATASET.num_workers or DATASET.batch_size",
    "Bus error": "found no room in /dev/shm; enlarge it (docker run --shm-size=8g) or set DATASET.num_workers: 0",
}


class LostWorkerError(UserError):
    """A process that makes batches has ended.

    Args:
        said: what is known of how.
    """

    def __init__(self, said: str) -> None:
        how = next((cause for name, cause in CAUSES.items() if name in said), f"has ended: {said}")
        super().__init__(f"a loader worker {how}; go on from the last checkpoint")


def lost(workers: Iterable[Any]) -> Optional[LostWorkerError]:
    """What to say of the first of these processes that has failed; None where there is none."""
    status = next((worker.exitcode for worker in workers if worker.exitcode), None)
    if status is None:
        return None
    return LostWorkerError((status < 0 and signal.strsignal(-status)) or f"exit status {status}")


def forget_batches(worker: int) -> None:
    """Remove what a process that has ended has left in shared memory, where nobody will read it."""
    for batch in SHARED_MEMORY.glob(f"paddle_{worker}_*"):
        batch.unlink(missing_ok=True)


class _Waiting:
    """A queue whose ``get(seconds)`` waits that long."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def get(self, seconds: float) -> Any:
        return self._queue.get(timeout=seconds)


# a function of the module, because where processes do not fork it is pickled
def _watch_parent(
    loop: Callable, dataset: Any, kind: Any, indices: Any, batches: Any, *args: Any, **kwargs: Any
) -> Any:
    parent = os.getppid()
    result = loop(dataset, kind, _Waiting(indices), batches, *args, **kwargs)
    if os.getppid() != parent:
        # nobody is left to read what has been made
        batches.cancel_join_thread()
        forget_batches(os.getpid())
    return result


def _waits_for_ever(module: ModuleType) -> bool:
    loop = module._worker_loop
    return mentions(loop, "MP_STATUS_CHECK_INTERVAL") and not mentions(loop, "timeout")


def _wait_for_seconds(module: ModuleType) -> None:
    module._worker_loop = partial(_watch_parent, module._worker_loop)  # type: ignore[attr-defined]


# a function of the module, too
def _take_signals(loop: Callable, *args: Any, **kwargs: Any) -> Any:
    """What a worker does first: see that it is Paddle's handler for workers that answers, which allocates nothing."""
    from paddle.base import core

    core._set_process_signal_handler()  # type: ignore[attr-defined]
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    return loop(*args, **kwargs)


def _hold_signals_back(module: ModuleType) -> None:
    iterator = module._DataLoaderIterMultiProcess
    start = iterator._init_workers

    def init_workers(self: Any) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            start(self)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    iterator._init_workers = init_workers
    module._worker_loop = partial(_take_signals, module._worker_loop)  # type: ignore[attr-defined]


def _once_in_one_line(original: Callable[[], None]) -> Callable[[], None]:
    known = set()

    def throw_error_if_process_failed() -> None:
        try:
            original()
        except Exception as error:
            said = one_line(error)
            # asked whenever any process ends that this one has started, also while a lost worker's loader is shut down
            if said not in known:
                known.add(said)
                raise LostWorkerError(said) from None

    return throw_error_if_process_failed


def _say_how(module: ModuleType) -> None:
    core = module.core
    module.core = Proxy(  # type: ignore[attr-defined]
        core, _throw_error_if_process_failed=_once_in_one_line(core._throw_error_if_process_failed)
    )


FIXES = (
    Fix(
        "orphaned-workers",
        "paddle.io.dataloader.dataloader_iter",
        "paddle: io/dataloader/worker.py:345 (3.3.1)",
        "with num_workers above 0 a run that is killed leaves its loader workers behind, for ever",
        ENDANGERS,
        _waits_for_ever,
        _wait_for_seconds,
    ),
    # after orphaned-workers, which looks at the loop that this one replaces
    Fix(
        "signalled-workers",
        "paddle.io.dataloader.dataloader_iter",
        "paddle: io/dataloader/dataloader_iter.py:488 (3.3.1)",
        "a run that is stopped as an epoch's loader workers start waits for one of them, for ever",
        STOPS,
        always,
        _hold_signals_back,
    ),
    Fix(
        "lost-worker",
        "paddle.io.multiprocess_utils",
        "paddle: io/multiprocess_utils.py:133 (3.3.1)",
        "SystemError from anywhere in the training, where a loader worker was killed; of a full /dev/shm garbled",
        MISLEADS,
        always,
        _say_how,
    ),
)
