"""``paddle.io``: an exception in a sample, without worker processes, hangs the run for ever."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix, always


def _end_the_run(module: ModuleType) -> None:
    iterator = module._DataLoaderIterSingleProcess
    loop, advance = iterator._thread_loop, iterator.__next__

    def thread_loop(self: Any, place: Any) -> None:
        try:
            loop(self, place)
        except Exception as error:
            # the reader thread dies silently and leaves the main thread waiting on its queue;
            # closing the queue wakes it
            self._failure = error
            self._exit_thread_unexpectedly()

    def next_batch(self: Any) -> Any:
        try:
            return advance(self)
        except StopIteration:
            raise
        except Exception:
            failure = getattr(self, "_failure", None)
            if failure is None:
                raise
            raise failure from None

    iterator._thread_loop, iterator.__next__ = thread_loop, next_batch


FIXES = (
    Fix(
        "sample-exception-hangs",
        "paddle.io.dataloader.dataloader_iter",
        "paddle: io/dataloader/dataloader_iter.py:251 (3.3.1)",
        "with num_workers=0 the run hangs for ever when a sample cannot be made; only kill -9 ends it",
        STOPS,
        always,
        _end_the_run,
    ),
)
