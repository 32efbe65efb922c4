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

from ctrgcn_plugin.data.modality import JOINTS, Modality
from ctrgcn_plugin.errors import UserError

BATCHES = (1, 8)


@dataclass(frozen=True)
class Tolerance:
    """What an exported model may differ by.

    Attributes:
        limit: of :func:`relative_error`.
        same_top1: whether the likeliest class of every clip must be the same as well.
    """

    limit: float
    same_top1: bool


# by the precision that weights are stored in
TOLERANCES: Mapping[str, Tolerance] = {"fp32": Tolerance(1e-4, False), "fp16": Tolerance(1e-2, True)}

# clips (N, C, T, V, M) -> scores (N, K)
Runner = Callable[[np.ndarray], np.ndarray]


class ExportError(UserError):
    """An exported model does not compute what its network computes."""


@dataclass(frozen=True)
class Clips:
    """Clips to compare on.

    Attributes:
        kind: ``skeleton``, ``noise``, or ``given`` by the user.
        persons: how many there are in each clip; the rest of M is zero.
        x: (N, C, T, V, M) float32.
    """

    kind: str
    persons: int
    x: np.ndarray


@dataclass(frozen=True)
class Reference:
    """Clips and the network's scores (N, K) for them."""

    clips: Clips
    scores: np.ndarray


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        error: :func:`relative_error`.
        same_top1: whether every clip has the same likeliest class.
    """

    setting: str
    clips: str
    batch: int
    persons: int
    error: float
    same_top1: bool = True

    def passes(self, tolerance: Tolerance) -> bool:
        # written so that NaN fails
        return self.error <= tolerance.limit and (self.same_top1 or not tolerance.same_top1)


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


def probes(clip_shape: Sequence[int]) -> np.ndarray:
    """Two clips (2, C, T, V, M) float32, with all persons and with one, the same on every machine.

    They are what a card keeps the network's scores for, so that whoever loads a model can check it. Sines of
    multiples of irrational numbers: no random generator promises its stream for ever.
    """
    channels, frames, joints, persons = clip_shape
    tracks = np.arange(channels * joints * persons).reshape(1, channels, 1, joints, persons)
    time = np.linspace(0, 1, frames).reshape(1, 1, frames, 1, 1)
    clip = np.arange(2).reshape(2, 1, 1, 1, 1)
    phase, swings, place = ((tracks + clip + 1) * root % 1 for root in (2**0.5, 3**0.5, 5**0.5))
    x = 2 * place - 1 + 0.3 * np.sin(2 * np.pi * (phase + (0.5 + 2.5 * swings) * time))
    x[1, ..., 1:] = 0
    return x.astype(np.float32)


def make_clips(clip_shape: Sequence[int], count: int, seed: int = 0, *, modality: Modality = JOINTS) -> Iterator[Clips]:
    """`count` clips of shape (C, T, V, M) of every kind, with all persons and with one.

    Args:
        modality: the stream that is made of them.
    """
    for number, (kind, make) in enumerate(KINDS.items()):
        everyone = make(np.random.default_rng([seed, number]), (count, *clip_shape)).astype(np.float32)
        for persons in sorted({clip_shape[-1], 1}, reverse=True):
            x = everyone.copy()
            x[..., persons:] = 0
            yield Clips(kind, persons, modality(x))


def references(network: Runner, clips: Iterable[Clips]) -> list[Reference]:
    """Clips with what is right for them.

    Raises:
        ExportError: the network's own scores are not finite, so that nothing can be compared.
    """
    found = []
    for some in clips:
        expected = network(some.x)
        if not np.isfinite(expected).all():
            raise ExportError(
                f"the network itself gives NaN or infinite scores on {some.kind} clips with these weights; "
                "give the checkpoint of a training that did not diverge"
            )
        found.append(Reference(some, expected))
    return found


def compare(
    setting: str,
    run: Runner,
    against: Iterable[Reference],
    *,
    batches: Sequence[int] = BATCHES,
    skips_absent: bool = False,
) -> list[Check]:
    """Hold an exported model, loaded in `setting`, against the network.

    Args:
        batches: how many clips at once.
        skips_absent: also leave out the persons who are not there, which the model must allow.
    """
    checks = []
    for clips, expected in ((reference.clips, reference.scores) for reference in against):
        forms = {clips.kind: clips.x}
        if skips_absent and clips.persons < clips.x.shape[-1]:
            forms[f"{clips.kind} (absent persons left out)"] = np.ascontiguousarray(clips.x[..., : clips.persons])
        for kind, x in forms.items():
            for batch in sorted({min(batch, len(x)) for batch in batches}):
                scores, right = run(x[:batch]), expected[:batch]
                error = relative_error(scores, right)
                same = bool(np.isfinite(error)) and bool((scores.argmax(1) == right.argmax(1)).all())
                checks.append(Check(setting, kind, batch, clips.persons, error, same))
    return checks


def worst(checks: Iterable[Check]) -> Check:
    """The check with the largest error; NaN counts as infinite."""
    return max(checks, key=lambda check: float("inf") if np.isnan(check.error) else check.error)


def require(checks: Iterable[Check], tolerance: Tolerance, right_in: Iterable[str] = ()) -> None:
    """Raise an :class:`ExportError` that names the settings in which the model is wrong, if there are any.

    Args:
        right_in: other settings, for the error to name.
    """
    failed = [check for check in checks if not check.passes(tolerance)]
    if not failed:
        return
    check = worst(failed)
    settings = " and ".join(dict.fromkeys(check.setting for check in failed))
    reason = f"the limit is {tolerance.limit:.0e}"
    if check.error <= tolerance.limit:
        reason += ", but another class is the likeliest"
    others = " and ".join(right_in)
    advice = f". It is right in {others}: to have it for that alone, require that setting" if others else ""
    raise ExportError(
        f"the exported model is wrong with engine setting {settings}: on {check.clips} clips (batch {check.batch}, "
        f"persons {check.persons}) its scores are off by {check.error:.2g} of the network's largest, "
        f"{reason}; it was not kept{advice}"
    )
