"""``paddle.io``: loader workers outlive a run that is killed.

They are to ask every few seconds whether their parent lives, but hand the seconds to ``Queue.get`` as
its first argument, which is not the time to wait: they wait for ever. Stock PaddleVideo kills its whole
process group instead, see ``signal-handlers``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import ENDANGERS, Fix


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
    return result


def _waits_for_ever(module: ModuleType) -> bool:
    loop = module._worker_loop
    return mentions(loop, "MP_STATUS_CHECK_INTERVAL") and not mentions(loop, "timeout")


def _wait_for_seconds(module: ModuleType) -> None:
    module._worker_loop = partial(_watch_parent, module._worker_loop)  # type: ignore[attr-defined]


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
)
