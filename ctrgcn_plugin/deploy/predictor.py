"""Predictions of an exported model: made once, called many times, from any thread."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

import numpy as np

from ctrgcn_plugin.data.clips import opened
from ctrgcn_plugin.data.footage import Footage, Needs
from ctrgcn_plugin.data.sample import centre_crop_resample, check_clip, persons_in
from ctrgcn_plugin.data.scores import softmax
from ctrgcn_plugin.deploy import selection
from ctrgcn_plugin.deploy.engines import AUTO
from ctrgcn_plugin.errors import ClipError, UserError

Clip = Union[np.ndarray, str, "os.PathLike[str]", Footage]
Refused = Callable[[str, ClipError], None]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The scores of one clip.

    Attributes:
        source: the clip's path, or its place among those given.
        scores: (K,) probabilities, their sum is 1.
        names: of the K classes; empty where the model does not know them.
    """

    source: str
    scores: np.ndarray
    names: Sequence[str] = ()

    def top(self, k: int = 1) -> list[tuple[int, float]]:
        """(class index, probability) of the `k` likeliest classes, likeliest first; all K where `k` is larger."""
        order = np.argsort(-self.scores, kind="stable")[: max(k, 0)]
        return [(int(index), float(self.scores[index])) for index in order]


class Predictor:
    """An exported model with its card.

    Clips are clips of joints. They are sampled as upstream's predictor samples them, and of a model that was trained
    on bones or motion become those.

    Args:
        path: the model file, or a folder with one model; it may have that model for several engines.
        engine: one of :data:`~ctrgcn_plugin.deploy.engines.ENGINES`, or ``auto`` for the fastest one that is
            right on this machine.
        threads: of the CPU, for one run.

    Attributes:
        card: what was exported.
        setting: the engine and how it is set.
        model: the file that runs.
        needs: what its clips are.

    Raises:
        ModelError, EngineError: there is no such model, it is damaged, or no engine runs it rightly.
    """

    def __init__(self, path: Union[str, os.PathLike[str]], *, engine: str = AUTO, threads: int = 1) -> None:
        chosen = selection.choose(Path(path), engine, threads)
        self.card, self.setting, self.model = chosen.card, chosen.setting, chosen.model
        self.needs = Needs(self.card.clip_shape, self.card.layout, self.card.unit)
        self._modality = chosen.card.stream
        self._engine = chosen.engine

    def predict(self, clips: Iterable[Clip], batch_size: int = 1) -> list[Prediction]:
        """One prediction for each clip, in their order. May be called from several threads.

        Args:
            clips: arrays (C, T, V, M) of any T, paths of clip files, see :mod:`ctrgcn_plugin.data.clips`, or what
                these have opened.
            batch_size: clips to run at once.

        Raises:
            ClipError: a clip cannot be used; the first that cannot.
        """
        return list(self.stream(clips, batch_size))

    def stream(
        self, clips: Iterable[Clip], batch_size: int = 1, refused: Optional[Refused] = None
    ) -> Iterator[Prediction]:
        """The same, one after the other as they come: `clips` may be endless.

        Args:
            refused: is told the source of every clip that cannot be used, and why; the others are answered. Without
                it the first such clip ends the stream with its error.
        """
        if batch_size < 1:
            raise UserError(f"batch_size must be at least 1, got {batch_size}")
        sampled = self._sampled(clips, refused)
        while batch := list(itertools.islice(sampled, batch_size)):
            sources, inputs = zip(*batch)
            for source, scores in zip(sources, softmax(self.scores(np.stack(inputs)))):
                yield Prediction(source, scores, self.card.names)

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Sampled clips (N, C, T, V, M) of the model's stream -> the network's scores (N, K)."""
        if not self.card.skips_absent:
            return self._engine.run(x)
        # somebody who is all zero adds a constant, which the model knows
        there = np.array([persons_in(clip) for clip in x])
        scores = np.empty((len(x), self.card.classes), np.float32)
        for persons in np.unique(there):
            of_them = there == persons
            scores[of_them] = self._engine.run(x[of_them][..., :persons])
        return scores

    def _sampled(self, clips: Iterable[Clip], refused: Optional[Refused]) -> Iterator[tuple[str, np.ndarray]]:
        """(source, what the network is given) of every clip that can be used."""
        for index, clip in enumerate(clips):
            source = _source(index, clip)
            try:
                x = self._sample(source, clip)
            except ClipError as error:
                if refused is None:
                    raise
                refused(source, error)
            else:
                yield source, x

    def _sample(self, source: str, clip: Clip) -> np.ndarray:
        if isinstance(clip, np.ndarray):
            values = check_clip(clip, self.card.clip_shape, source)
        else:
            values = (opened(clip, self.needs) if isinstance(clip, (str, os.PathLike)) else clip).clip()
        return self._modality(centre_crop_resample(values, self.card.frames, self.card.p_interval[0]))


def _source(index: int, clip: Clip) -> str:
    if isinstance(clip, np.ndarray):
        return f"clip {index}"
    return os.fspath(clip) if isinstance(clip, (str, os.PathLike)) else clip.source
