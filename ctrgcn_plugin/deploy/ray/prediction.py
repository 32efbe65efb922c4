"""Clips answered on a Ray cluster, each of them once, as they come; and written as Parquet."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, Optional

import numpy as np

from ctrgcn_plugin.deploy.ray.cluster import Cluster
from ctrgcn_plugin.deploy.ray.worker import Job, Worker, reason, schema, table
from ctrgcn_plugin.errors import EnvironmentSetupError, one_line

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 256  # clips, at most, that travel together, and are answered again when an actor dies over them
SHARE = 8  # blocks, at least, for each actor, so that all end at about the same time
AGAIN = 2  # times that a block is tried once more
FOREVER = -1  # restarts of an actor: Ray Data would wait without end for one that has used up its own
ROW_GROUP = 16384  # rows of a Parquet file that are written at once
LOST = f"its actor ended each of the {AGAIN + 1} times that it was given this clip, killed or out of memory"


def predict(
    clips: Sequence[Path], job: Job, model: Mapping[str, bytes], file: IO[bytes], cluster: Cluster
) -> Generator[pa.Table, None, None]:
    """Answers to `clips`, with the columns of :func:`~ctrgcn_plugin.deploy.ray.worker.schema`, in no order.

    What has been yielded is in `file`, as Parquet, when there is no more. The model goes to the nodes through Ray;
    they open clips by their absolute paths, and so need a shared file system. A clip that cannot be answered gets a
    row that says why. Every clip has one row, whatever dies: a block of clips whose actor ends is given to another;
    the clips of one that ends :data:`AGAIN` + 1 actors are tried alone.

    Args:
        model: of :func:`~ctrgcn_plugin.deploy.ray.worker.packed`.

    Raises:
        UserError: there is no such cluster, or the model does not run on its nodes.
        OSError: `file` cannot be written.
    """
    with cluster.joined(job.threads) as (ray, actors):
        reference = ray.put(model)
        _require_that_it_loads(ray, job, reference)
        yield from _written(_answers(ray, clips, job, reference, actors), file)


def _answers(ray: ModuleType, clips: Sequence[Path], job: Job, model: Any, actors: int) -> Iterator[pa.Table]:
    missing = np.ones(len(clips), bool)
    block = max(1, min(BLOCK, len(clips) // (actors * SHARE)))
    # what waits at an actor that ends has one try less, too: the second time nothing waits
    for size, waiting in ((block, None), (1, 1)):
        left = np.flatnonzero(missing)
        blocks = [_block(clips, left[start : start + size]) for start in range(0, len(left), size)]
        for answered in _mapped(ray, blocks, job, model, actors, waiting) if blocks else ():
            numbers = answered["number"].to_numpy()
            fresh, missing[numbers] = missing[numbers], False
            yield answered.filter(fresh)
    if missing.any():
        yield table({"number": n, "clip": _name(clips[n]), "error": LOST} for n in np.flatnonzero(missing).tolist())


def _written(answers: Iterable[pa.Table], file: IO[bytes]) -> Iterator[pa.Table]:
    """The same tables; their rows are gathered into row groups of a good size."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetWriter(file, schema()) as writer:
        waiting: list[pa.Table] = []
        for answered in answers:
            waiting.append(answered)
            if sum(map(len, waiting)) >= ROW_GROUP:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
            yield answered
        writer.write_table(pa.concat_tables([schema().empty_table(), *waiting]))


def _mapped(
    ray: ModuleType, blocks: Sequence[pa.Table], job: Job, model: Any, actors: int, waiting: Optional[int]
) -> Iterator[pa.Table]:
    context = ray.data.DataContext.get_current()
    # a block that is given up is an error that Ray logs, and clips that `answers` misses
    context.max_errored_blocks = -1
    context.enable_progress_bars = False
    if not logging.getLogger("ray").isEnabledFor(logging.INFO):
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    pool = ray.data.ActorPoolStrategy(size=min(actors, len(blocks)), max_tasks_in_flight_per_actor=waiting)
    with warnings.catch_warnings():
        # of the two options for Ray's actors, which are to go in 2.64
        warnings.simplefilter("ignore")
        mapped = ray.data.from_arrow(blocks).map_batches(
            _Actor,
            fn_constructor_args=(job, [model]),
            batch_size=None,
            batch_format="pyarrow",
            compute=pool,
            num_cpus=job.threads,
            max_restarts=FOREVER,
            max_task_retries=AGAIN,
        )
    with _told(ray):
        # not by iter_batches, whose threads outlive an interrupted run
        for bundle in mapped.iter_internal_ref_bundles():
            for block in bundle.block_refs:
                yield ray.get(block)


def _require_that_it_loads(ray: ModuleType, job: Job, model: Any) -> None:
    """Load the model on some node, once: an actor that cannot is started again and again."""
    with _told(ray):
        ray.get(ray.remote(num_cpus=job.threads, max_retries=0)(_load).remote(job, [model]))


def _load(job: Job, model: Sequence[Any]) -> None:
    _Actor(job, model)


class _Actor(Worker):
    """A worker that has the model from Ray's object store; in a list, its reference comes as one."""

    def __init__(self, job: Job, model: Sequence[Any]) -> None:
        import ray

        super().__init__(job, ray.get(model[0]))


def _block(clips: Sequence[Path], numbers: np.ndarray) -> pa.Table:
    import pyarrow as pa

    some = [clips[number] for number in numbers]
    return pa.table(
        {
            "number": pa.array(numbers, pa.int64()),
            "clip": [_name(clip) for clip in some],
            "path": pa.array([os.fsencode(clip.absolute()) for clip in some], pa.binary()),
        }
    )


def _name(clip: Path) -> str:
    """What to call a clip: its path, which may hold bytes that are no text."""
    return os.fsencode(clip).decode("utf-8", "replace")


@contextmanager
def _told(ray: ModuleType) -> Iterator[None]:
    """What ends on the nodes in an error, in one line."""
    try:
        yield
    except (ray.exceptions.RayError, OSError) as error:
        # OSError: the cluster itself is gone
        raise EnvironmentSetupError(f"Ray's nodes cannot answer: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What an error of Ray's says: that of the task; of one in an actor's constructor, the traceback's last line."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):
        return reason(cause)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return one_line(lines[-1] if "creation task" in lines[0] else lines[0])
