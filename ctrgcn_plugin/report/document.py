"""A report on a test: all of its parts, and what programs get of them.

:meth:`Report.as_json` gives one object. Its keys, in version 1 of the :data:`SCHEMA`; shares are of 1, and what is not
known is null:

===============  =======================================================================================================
schema           the version; a new one may lack keys of this one, the same may have more
title            what it is about
clips, classes   how many clips; a list of the classes' names, or of "class 0" and so on
accuracy         ``top1`` and ``top5`` (null up to five classes), each with ``value``, ``right``, ``clips``, ``low`` and
                 ``high``; ``mean_class``; ``interval`` says what low and high are
duplicates       ``clips`` of the test that are also trained on, and ``top1_without`` them, as above; null if not known
per_class        a list by class: ``class``, ``name``, ``clips``, ``predicted``, ``right``, ``precision``, ``recall``,
                 ``f1``, ``confused_with`` (a class), ``confused`` (clips)
confusion        (K, K) clips of each class (row) taken for each (column)
confusions       a list, the most frequent first: ``true``, ``predicted``, ``clips``, ``of`` (clips of the class), and
                 ``worst``, the clips shown: ``row``, ``name``, ``probability`` of the wrong class, ``of_true``
calibration      ``ece``, ``nll``, ``brier``, ``confidence``, and ``bins`` with ``low``, ``high``, ``clips``,
                 ``confidence``, ``accuracy``
curves           a list by epoch of what the training has logged, see :mod:`ctrgcn_plugin.curves`; null if not known
model            facts by heading and name
latency          ``machine``, ``versions`` and ``cases`` of the benchmark; null if not given
left_out         sentences: what is not there, and what would give it
===============  =======================================================================================================
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple, Optional

import numpy as np

from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.data.scores import softmax
from ctrgcn_plugin.report.calibration import Calibration, calibrate
from ctrgcn_plugin.report.duplicates import in_training
from ctrgcn_plugin.report.material import Material
from ctrgcn_plugin.report.model_card import Facts, describe
from ctrgcn_plugin.report.results import LEVEL, Confusion, Results, Share, worst_clips

SCHEMA = 1
INTERVAL = f"Wilson score interval, {LEVEL:.0%}"
# confusions that are told of, and of how many of them how many clips are shown
CONFUSIONS, SHOWN, CLIPS_EACH = 20, 6, 1


class Worst(NamedTuple):
    """A clip that is taken for another class: its row among the scores, its name where known, two probabilities."""

    row: int
    name: str
    probability: float
    of_true: float


class Duplicates(NamedTuple):
    """How many clips of the test were trained on, and how often the others are right; None without others."""

    clips: int
    top1_without: Optional[Share]


@dataclass(frozen=True, eq=False)
class Report:
    """What there is to say.

    Attributes:
        duplicates: None where the training clips are not known.
        worst: by confusion, the first :data:`SHOWN` of them: its clips with the largest probability of the wrong class.
        model: facts by heading.
        left_out: what is not there, and what would give it.
    """

    material: Material
    results: Results
    calibration: Calibration
    duplicates: Optional[Duplicates]
    worst: Mapping[Confusion, Sequence[Worst]]
    model: Facts
    left_out: Sequence[str]

    @property
    def title(self) -> str:
        """The model's name, as the config has it, else as it was exported, else as the scores are called."""
        exported = (card.model for card in self.material.exported.values())
        return self.material.model_name or next(exported, self.material.source.stem)

    @property
    def subtitle(self) -> str:
        """The data and their protocol, where known."""
        tested = self.material.tested
        return f"{tested.card.name}, {tested.protocol}" if tested and tested.card else ""

    @property
    def summary(self) -> str:
        """One line."""
        shares = {"top-1": self.results.top1, "top-5": self.results.top5}
        told = [f"{name} {share.value:.2%}" for name, share in shares.items() if share]
        low, high = self.results.top1.interval
        told[0] += f" ({low:.1%} to {high:.1%})"
        repeated = self.duplicates.clips if self.duplicates else 0
        warning = f"; {repeated} of them were trained on" if repeated else ""
        return (
            f"{', '.join(told)}, mean class {self.results.mean_class:.2%}, of {self.results.top1.total} clips{warning}"
        )

    @property
    def names(self) -> list[str]:
        """What to call each class."""
        return [class_names.label(self.material.names, index) for index in range(len(self.results.taken))]

    def as_json(self) -> str:
        """For programs, see above."""
        results, names, benchmark = self.results, self.names, self.material.benchmark
        duplicates, curves = self.duplicates, self.material.curves
        found = {
            "schema": SCHEMA,
            "title": self.title,
            "clips": results.top1.total,
            "classes": names,
            "accuracy": {
                "top1": _share(results.top1),
                "top5": _share(results.top5),
                "mean_class": results.mean_class,
                "interval": INTERVAL,
            },
            "duplicates": duplicates and {"clips": duplicates.clips, "top1_without": _share(duplicates.top1_without)},
            "per_class": [
                {
                    "class": one.index,
                    "name": names[one.index],
                    **{key: getattr(one, key) for key in ("clips", "predicted", "right", "precision", "recall", "f1")},
                    "confused_with": one.confused_with,
                    "confused": one.confused,
                }
                for one in results.classes
            ],
            "confusion": results.taken.tolist(),
            "confusions": [
                {
                    **{"true": pair.true, "predicted": pair.predicted, "clips": pair.clips, "of": pair.total},
                    "worst": [worst._asdict() for worst in self.worst.get(pair, ())],
                }
                for pair in results.confusions(CONFUSIONS)
            ],
            "calibration": asdict(self.calibration),
            "curves": curves and [{key: _finite(value) for key, value in row.items()} for row in curves.epochs],
            "model": {heading: {fact.name: fact.value for fact in facts} for heading, facts in self.model.items()},
            "latency": benchmark and {key: benchmark.get(key) for key in ("machine", "versions", "cases")},
            "left_out": list(self.left_out),
        }
        return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)


def make(material: Material) -> Report:
    """The report on what there is."""
    values, labels = material.scores.values, material.scores.labels
    assert labels is not None  # material has them
    results = Results.of(values, labels)
    model = describe(material)
    duplicates = _duplicates(material, labels)
    return Report(
        material=material,
        results=results,
        calibration=calibrate(values, labels),
        duplicates=duplicates,
        worst=_worst(material, labels, results),
        model=model,
        # describing, and looking for duplicates, may have found more
        left_out=list(material.missing.sentences),
    )


def _worst(material: Material, labels: np.ndarray, results: Results) -> dict[Confusion, list[Worst]]:
    probabilities = softmax(material.scores.values.astype(np.float64))
    return {
        pair: [
            Worst(
                row,
                material.clips[row] if len(material.clips) else "",
                float(probabilities[row, pair.predicted]),
                float(probabilities[row, pair.true]),
            )
            for row in worst_clips(probabilities, labels, pair, CLIPS_EACH)
        ]
        for pair in results.confusions(SHOWN)
    }


def _duplicates(material: Material, labels: np.ndarray) -> Optional[Duplicates]:
    tested = material.tested
    if tested is None:
        return None  # which is said where the clips are missed
    train = tested.files.train
    if train is None or not train.is_file():
        material.missing.add("Duplicates", f"there is no {train}" if train else "training clips are not given")
        return None
    with material.missing.unless_named("Duplicates", None):
        known = in_training(tested.files.clips, train)[tested.rows]
        right = (material.scores.values.argmax(axis=1) == labels)[~known]
        return Duplicates(int(known.sum()), Share(int(right.sum()), len(right)) if len(right) else None)
    return None


def _share(share: Optional[Share]) -> Optional[dict[str, float]]:
    if share is None:
        return None
    low, high = share.interval
    return {"value": share.value, "right": share.right, "clips": share.total, "low": low, "high": high}


def _finite(value: Optional[float]) -> Optional[float]:
    """A loss that has become NaN is none that JSON can say."""
    return value if value is not None and math.isfinite(value) else None
