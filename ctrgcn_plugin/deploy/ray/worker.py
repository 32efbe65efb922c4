"""What an actor does: it loads the model once, and answers every clip that it is given, or says why it cannot."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from ctrgcn_plugin import __version__
from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.data.clips import opened
from ctrgcn_plugin.data.footage import Needs
from ctrgcn_plugin.data.sample import persons_in
from ctrgcn_plugin.deploy import engines
from ctrgcn_plugin.deploy.card import Card, card_of
from ctrgcn_plugin.deploy.predictor import Predictor
from ctrgcn_plugin.errors import ConfigError, EnvironmentSetupError, UserError, one_line

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Job:
    """What all actors are told.

    Attributes:
        names: of the classes.
        layout: of the model, where it does not say a shipped one.
        keypoints, image_size: of the clips, see :func:`~ctrgcn_plugin.data.clips.opened`.
        version: of this package, which has to be the actor's.
    """

    engine: str
    threads: int
    batch_size: int
    names: Sequence[str] = ()
    layout: Optional[str] = None
    keypoints: Optional[str] = None
    image_size: Optional[str] = None
    version: str = __version__

    def __post_init__(self) -> None:
        for what in ("threads", "batch_size"):
            if getattr(self, what) < 1:
                raise ConfigError(f"{what} must be at least 1, got {getattr(self, what)}")


def packed(models: Iterable[Path]) -> dict[str, bytes]:
    """The files of one model, in its formats, by name: what an actor gets. A ModelError where they are not whole."""
    content = {}
    for model in models:
        Card.read(model).require_intact(model)
        content.update({part.name: part.read_bytes() for part in (*engines.files_of(model), card_of(model))})
    return content


def schema() -> pa.Schema:
    """The columns of answers.

    ``number``: the clip's place among those given, from 0. ``clip``: as it was named. ``class``, ``name`` and
    ``probability`` of the likeliest class; ``scores``: (K,) probabilities; ``persons``: who are in the clip. ``node``:
    the machine that answered. ``error``: why there is no answer; then all but the first two and the node are null.
    """
    import pyarrow as pa

    return pa.schema(
        {
            "number": pa.int64(),
            "clip": pa.string(),
            "class": pa.int32(),
            "name": pa.string(),
            "probability": pa.float32(),
            "persons": pa.int32(),
            "scores": pa.list_(pa.float32()),
            "node": pa.string(),
            "error": pa.string(),
        }.items()
    )


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Answers as a table; null where a row says nothing."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=schema())


def unanswered(answers: pa.Table) -> Iterator[tuple[str, str]]:
    """(clip, why) of every one without an answer."""
    for clip, error in zip(answers["clip"].to_pylist(), answers["error"].to_pylist()):
        if error is not None:
            yield clip, error


class Worker:
    """A predictor, for Ray Data's ``map_batches``.

    Args:
        model: of :func:`packed`.

    Raises:
        UserError: this node has another version of the package, or nothing that runs the model.
    """

    def __init__(self, job: Job, model: Mapping[str, bytes]) -> None:
        if job.version != __version__:
            raise EnvironmentSetupError(f"ctrgcn-plugin is {__version__} on {platform.node()}, not {job.version}")
        self.job = job
        with tempfile.TemporaryDirectory(prefix="ctrgcn-model-") as folder:
            for name, content in model.items():
                (Path(folder) / name).write_bytes(content)
            self.predictor = Predictor(folder, engine=job.engine, threads=job.threads)
        needs = self.predictor.needs
        self.needs = Needs(needs.clip_shape, job.layout, needs.unit) if job.layout else needs

    def __call__(self, clips: pa.Table) -> pa.Table:
        """Columns ``number``, ``clip`` and ``path`` (bytes) -> those of :func:`schema`, a row for each clip."""
        rows = [{**row, "node": platform.node()} for row in clips.to_pylist()]
        size = self.job.batch_size
        for start in range(0, len(rows), size):
            self._answer(rows[start : start + size])
        return table(rows)

    def _answer(self, rows: Sequence[dict[str, Any]]) -> None:
        read: list[tuple[dict[str, Any], np.ndarray]] = []
        for row in rows:
            try:
                read.append((row, self._read(os.fsdecode(row["path"]))))
            except Exception as error:
                # whatever a clip does to its reader, the others are answered
                row["error"] = reason(error)
        try:
            predictions = self.predictor.predict([clip for _, clip in read], self.job.batch_size)
        except Exception as error:
            for row, _ in read:
                row["error"] = reason(error)
            return
        for (row, clip), prediction in zip(read, predictions):
            ((best, share),) = prediction.top()
            row.update({"class": best, "name": class_names.label(self.job.names, best), "probability": share})
            row.update(persons=persons_in(clip), scores=prediction.scores)

    def _read(self, path: str) -> np.ndarray:
        return opened(path, self.needs, form=self.job.keypoints, image_size=self.job.image_size).clip()


def reason(error: Exception) -> str:
    """What an error says, in a line; of an unforeseen one also what it is."""
    text = one_line(error)
    return text if isinstance(error, UserError) else f"{type(error).__name__}{text and ': '}{text}"
