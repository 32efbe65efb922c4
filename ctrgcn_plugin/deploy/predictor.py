"""Predictions of an exported model: made once, called many times, from any thread."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import numpy as np
import paddle

from ctrgcn_plugin.data.sample import centre_crop_resample, check_clip, read_clip
from ctrgcn_plugin.deploy.card import CARD_SUFFIX, Card, ModelError
from ctrgcn_plugin.deploy.engine import MODEL_SUFFIXES, PARAMS_SUFFIX, PaddleEngine
from ctrgcn_plugin.errors import UserError

SHOWN = 8

Clip = Union[np.ndarray, str, "os.PathLike[str]"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The scores of one clip.

    Attributes:
        source: the clip's path, or its place among those given.
        scores: (K,) probabilities, their sum is 1.
    """

    source: str
    scores: np.ndarray

    def top(self, k: int = 1) -> list[tuple[int, float]]:
        """(class index, probability) of the `k` likeliest classes, likeliest first; all K where `k` is larger."""
        order = np.argsort(-self.scores, kind="stable")[: max(k, 0)]
        return [(int(index), float(self.scores[index])) for index in order]


class Predictor:
    """An exported model with its card.

    Clips are sampled as upstream's predictor samples them and are otherwise taken as they are: a model
    that was trained on bones or motion needs clips of bones or motion.

    Args:
        path: the model file, or a folder with one model.
        threads: of the CPU, for one run.

    Attributes:
        card: what was exported.
        onednn: whether Paddle's oneDNN kernels are used.
    """

    def __init__(self, path: Union[str, os.PathLike[str]], *, threads: int = 1) -> None:
        model = find_model(path)
        self.card = Card.read(model.with_suffix(CARD_SUFFIX))
        self.onednn = _onednn_is_proven(self.card)
        self._engine = PaddleEngine(model, model.with_suffix(PARAMS_SUFFIX), onednn=self.onednn, threads=threads)

    def predict(self, clips: Sequence[Clip], batch_size: int = 1) -> list[Prediction]:
        """One prediction for each clip, in their order. May be called from several threads.

        Args:
            clips: arrays (C, T, V, M) of any T, or paths of ``.npy`` files with one.
            batch_size: clips to run at once.

        Raises:
            ClipError: a clip cannot be used; the first that cannot.
        """
        if batch_size < 1:
            raise UserError(f"batch_size must be at least 1, got {batch_size}")
        predictions = []
        named = [(_source(index, clip), clip) for index, clip in enumerate(clips)]
        for start in range(0, len(named), batch_size):
            batch = named[start : start + batch_size]
            x = np.stack([self._sample(source, clip) for source, clip in batch])
            scores = softmax(self._engine.run(x))
            predictions += [Prediction(source, row) for (source, _), row in zip(batch, scores)]
        return predictions

    def _sample(self, source: str, clip: Clip) -> np.ndarray:
        shape = self.card.clip_shape
        values = check_clip(clip, shape, source) if isinstance(clip, np.ndarray) else read_clip(clip, shape)
        return centre_crop_resample(values, self.card.frames, self.card.p_interval[0])


def find_model(path: Union[str, os.PathLike[str]]) -> Path:
    """The model file that `path` is, or that the folder `path` has one of."""
    path = Path(path)
    if path.is_file():
        if path.suffix not in MODEL_SUFFIXES:
            raise ModelError(f"{path} is no exported model; give a {' or '.join(MODEL_SUFFIXES)} file or its folder")
        return path
    if not path.is_dir():
        raise ModelError(f"no model at {path}; give an exported model or its folder")
    files = sorted(file for file in path.iterdir() if not file.name.startswith("."))
    models = [file for file in files if file.suffix in MODEL_SUFFIXES and file.with_suffix(PARAMS_SUFFIX).is_file()]
    if not models:
        there = ", ".join(file.name for file in files[:SHOWN]) + (", ..." if len(files) > SHOWN else "")
        raise ModelError(
            f"no model in {path}, which takes NAME{' or NAME'.join(MODEL_SUFFIXES)} with NAME{PARAMS_SUFFIX}; "
            f"there is: {there or 'nothing'}"
        )
    if len(models) > 1:
        names = ", ".join(file.name for file in models)
        raise ModelError(f"several models in {path}: {names}; give the path of one")
    return models[0]


def softmax(scores: np.ndarray) -> np.ndarray:
    """(N, K) -> (N, K), each row of sum 1."""
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _onednn_is_proven(card: Card) -> bool:
    """Whether Paddle's default settings, which are oneDNN on, may be used."""
    # Safe because the gate has compared this very model in this very setting with its network. The fault
    # that it looks for is one of Paddle's graph passes, so the proof holds for that Paddle only.
    if "default" not in card.verified:
        return False
    if card.paddle != paddle.__version__:
        logging.getLogger(__name__).warning(
            "%s was verified on Paddle %s and this is %s: oneDNN stays off, which is slower; export again to use it",
            card.model,
            card.paddle,
            paddle.__version__,
        )
        return False
    return True


def _source(index: int, clip: Clip) -> str:
    return f"clip {index}" if isinstance(clip, np.ndarray) else os.fspath(clip)
