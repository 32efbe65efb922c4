"""Holds an exported model against the network it was made from.

Paddle's default CPU settings have computed wrong scores for models of this family without a word
(oneDNN fuses a matmul into the convolution before it, Paddle 2.6 to 3.3), so no model is trusted that
has not been compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Callable

import numpy as np

from ctrgcn_plugin.errors import UserError

LIMIT = 1e-4
BATCHES = (1, 8)

# clips (N, C, T, V, M) -> scores (N, K)
Runner = Callable[[np.ndarray], np.ndarray]


class ExportError(UserError):
    """An exported model does not compute what its network computes."""


@dataclass(frozen=True)
class Clips:
    """Clips to compare on.

    Attributes:
        kind: ``skeleton`` or ``noise``.
        persons: how many there are in each clip; the rest of M is zero.
        x: (N, C, T, V, M) float32.
    """

    kind: str
    persons: int
    x: np.ndarray


@dataclass(frozen=True)
class Check:
    """One comparison; `error` is :func:`relative_error`."""

    setting: str
    clips: str
    batch: int
    persons: int
    error: float


def relative_error(scores: np.ndarray, expected: np.ndarray) -> float:
    """max|scores - expected| / max|expected|; infinite for scores of another shape."""
    if scores.shape != expected.shape:
        return float("inf")
    largest = float(np.abs(expected).max())
    difference = float(np.abs(scores - expected).max())
    return difference / largest if largest else (float("inf") if difference else 0.0)


def skeletons(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """Clips (N, C, T, V, M) that move as bodies do: joints around a place, metres, smooth in time."""
    n, c, t, v, m = shape
    time = np.linspace(0, 1, t).reshape(1, 1, t, 1, 1)
    place = rng.normal(0, 1, (n, c, 1, 1, m))
    rest = rng.normal(0, 0.4, (n, c, 1, v, m))
    reach = rng.uniform(0, 0.3, (n, c, 1, v, m))
    swings = rng.uniform(0.5, 3, (n, 1, 1, v, m))
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1, v, m))
    return place + rest + reach * np.sin(2 * np.pi * swings * time + phase)


def noise(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """Clips (N, C, T, V, M) of independent normal values."""
    return rng.standard_normal(shape)


KINDS: Mapping[str, Callable[[np.random.Generator, Sequence[int]], np.ndarray]] = {
    "skeleton": skeletons,
    "noise": noise,
}


def make_clips(clip_shape: Sequence[int], count: int, seed: int = 0) -> Iterator[Clips]:
    """`count` clips of shape (C, T, V, M) of every kind, with all persons and with one."""
    for number, (kind, make) in enumerate(KINDS.items()):
        everyone = make(np.random.default_rng([seed, number]), (count, *clip_shape)).astype(np.float32)
        for persons in sorted({clip_shape[-1], 1}, reverse=True):
            x = everyone.copy()
            x[..., persons:] = 0
            yield Clips(kind, persons, x)


def compare(
    network: Runner,
    engines: Mapping[str, Runner],
    clip_shape: Sequence[int],
    batches: Sequence[int] = BATCHES,
    seed: int = 0,
) -> list[Check]:
    """Run `network` and every engine on the same clips of shape (C, T, V, M).

    Args:
        network: what is right.
        engines: setting -> the exported model in that setting.
        batches: how many clips at once.

    Raises:
        ExportError: the network's own scores are not finite, so that nothing can be compared.
    """
    checks = []
    for clips in make_clips(clip_shape, max(batches), seed):
        expected = network(clips.x)
        if not np.isfinite(expected).all():
            raise ExportError(
                f"the network itself gives NaN or infinite scores on {clips.kind} clips with these weights; "
                "give the checkpoint of a training that did not diverge"
            )
        for setting, run in engines.items():
            for batch in batches:
                error = relative_error(run(clips.x[:batch]), expected[:batch])
                checks.append(Check(setting, clips.kind, batch, clips.persons, error))
    return checks


def worst(checks: Iterable[Check]) -> Check:
    """The check with the largest error; NaN counts as infinite."""
    return max(checks, key=lambda check: float("inf") if np.isnan(check.error) else check.error)


def require(checks: Iterable[Check], limit: float = LIMIT) -> None:
    """Raise an :class:`ExportError` that names the setting, if any check is above `limit`."""
    failed = [check for check in checks if not check.error <= limit]  # so that NaN fails
    if not failed:
        return
    check = worst(failed)
    settings = " and ".join(dict.fromkeys(check.setting for check in failed))
    raise ExportError(
        f"the exported model is wrong with engine setting {settings}: on {check.clips} clips (batch {check.batch}, "
        f"persons {check.persons}) its scores are off by {check.error:.2g} of the network's largest, "
        f"the limit is {limit:.0e}; it was not kept"
    )
