"""Which samples are in the batch at hand: a loader gives a training tensors, and makes them ahead of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any


def noting(sampler: Any) -> Any:
    """A batch sampler, the same object with its settings, that notes the batches it hands out.

    It has two names more. ``take()`` gives the samples' places in the data; to be called once for each batch, in whose
    order loaders keep them. ``step`` is the number of the batch that was taken last in this epoch, from 0.
    """
    kind: Any = type(sampler)

    class Noting(kind):
        step = -1

        def __iter__(self) -> Iterator[list[int]]:
            # the reader of an epoch that was broken off goes on for a while, with a queue of its own
            ahead = self._ahead = deque[list[int]]()
            self.step = -1
            for batch in super().__iter__():
                ahead.append(batch)
                yield batch

        def take(self) -> list[int]:
            self.step += 1
            return self._ahead.popleft()

    sampler.__class__ = Noting
    return sampler
