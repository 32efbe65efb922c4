"""``paddle.io``: what goes wrong in a loader's thread or workers hangs the run, or hides behind Paddle's own words."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.upstream.fixes import dataloader_worker
from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix, always

PATIENCE = 5.0  # seconds for a worker to end when it is told to


def _end_the_run(module: ModuleType) -> None:
    for iterator in (module._DataLoaderIterSingleProcess, module._DataLoaderIterMultiProcess):
        _raise_where_batches_are_asked_for(iterator)
    _end_workers(module._DataLoaderIterMultiProcess)


def _raise_where_batches_are_asked_for(iterator: Any) -> None:
    loop, advance = iterator._thread_loop, iterator.__next__

    def thread_loop(self: Any, place: Any) -> None:
        try:
            loop(self, place)
        except Exception as error:
            # the reader thread dies silently and leaves the main thread waiting on its queue;
            # closing the queue wakes it
            self._failure = _without_its_traceback(error)
            self._exit_thread_unexpectedly()

    def next_batch(self: Any) -> Any:
        try:
            return advance(self)
        except (StopIteration, UserError):
            raise
        except Exception:
            # nothing here may hold what is raised: its traceback holds this iterator, whose end must not wait for
            # the garbage collector, see _end_workers
            self._failure = getattr(self, "_failure", None) or dataloader_worker.lost(getattr(self, "_workers", ()))
            if self._failure is None:
                raise
            raise vars(self).pop("_failure") from None

    iterator._thread_loop, iterator.__next__ = thread_loop, next_batch


def _end_workers(iterator: Any) -> None:
    """Wait for workers no longer than they take, and clean up after those that have failed.

    Before the garbage collector ends an iterator that is part of a cycle, it ends the queues through which the workers
    would learn of it.
    """
    shut_down = iterator._try_shutdown_all

    def try_shutdown_all(self: Any, timeout: Optional[float] = None) -> None:
        if self._shutdown:
            return
        shut_down(self, timeout or PATIENCE)
        for worker in self._workers:
            if worker.is_alive():
                worker.kill()
                worker.join()
            if worker.exitcode:
                dataloader_worker.forget_batches(worker.pid)

    iterator._try_shutdown_all = try_shutdown_all


def _without_its_traceback(error: Exception) -> Exception:
    """A mistake of the user's, which a worker hands on as the text of a traceback, as its one line again."""
    if not isinstance(error, UserError):
        return error
    kind, mark, said = str(error).strip().rpartition("\n")[2].partition(": ")
    return type(error)(said) if mark and kind.endswith(type(error).__name__) else error


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
