"""A function over many things on all cores, where what it returns is too much to wait in memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# for each process: one that it works at, one that waits for it
AHEAD = 2


def results(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result, None, None]:
    """What `function` returns for each of `items`, as it comes, in no order. To be closed by who does not want all.

    Args:
        function: goes to each process once.
        workers: processes; with 1 all is done in this one.

    Raises:
        concurrent.futures.process.BrokenProcessPool: a process has died.
    """
    items = iter(items)
    if workers <= 1:
        return (function(item) for item in items)
    # fork, where there is such a thing, needs no new interpreter
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else None)
    pool = ProcessPoolExecutor(workers, context, _begin, (function,))
    # the processes start here, before the caller has threads: one of a progress bar, say
    started = {pool.submit(_call, item) for _, item in zip(range(AHEAD * workers), items)}
    return _collected(pool, started, items)


def _collected(pool: ProcessPoolExecutor, running: set[Future], items: Iterator[Any]) -> Generator[Any, None, None]:
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            # the next ones first, so that nobody waits for what is done with these results
            running |= {pool.submit(_call, item) for _, item in zip(done, items)}
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


_function: Callable[[Any], Any]


def _begin(function: Callable[[Any], Any]) -> None:
    global _function
    _function = function
    # a Ctrl-C is the parent's to answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _call(item: Any) -> Any:
    return _function(item)
