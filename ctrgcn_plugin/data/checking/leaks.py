"""The checks between the splits of a protocol, and between the clips of one: who and what is there twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Union

import numpy as np

from ctrgcn_plugin.data.checking.findings import PROBLEM, WARNING, Finding
from ctrgcn_plugin.data.checking.splits import Protocol, Split
from ctrgcn_plugin.data.prepare.source import SPLITS

# protocol -> what none of its two sides may share; others are judged by whatever keeps them apart
DIVIDED_BY = {
    **dict.fromkeys(("xsub", "crosssubject"), "subject"),
    **dict.fromkeys(("xview", "crossview"), "view"),
    **dict.fromkeys(("xset", "xsetup", "crosssetup"), "setup"),
}
# how data sets name their clips: NTU RGB+D; NW-UCLA, UTD-MHAD and MSR Action3D
NAMES = (
    re.compile(r"S(?P<setup>\d{3})C(?P<view>\d{3})P(?P<subject>\d{3})R\d{3}A\d{3}"),
    re.compile(r"a\d+_s(?P<subject>\d+)_[et]\d+(_v(?P<view>\d+))?", re.IGNORECASE),
)

TRAITS = ("subject", "view", "setup")

Subjects = Mapping[str, str]
Values = Union[Sequence[str], np.ndarray]
Check = Callable[[Protocol, Subjects], Iterator[Finding]]


def sides(protocol: Protocol, _: Subjects) -> Iterator[Finding]:
    """Both splits are there, and can be fed to one network."""
    for fault in protocol.faults:
        yield Finding(PROBLEM, "file", fault, "prepare the data anew, or copy them again")
    missing = [split for split in SPLITS if split not in protocol.splits]
    if missing and not protocol.faults:
        yield Finding(
            WARNING, "splits", f"there is no {missing[0]} split", "a config names one to train and one to test"
        )
    for val, train in _both(protocol):
        (c, t, *others), (val_c, val_t, *val_others) = train.shape[1:], val.shape[1:]
        same = (c, *others) == (val_c, *val_others)
        if not same or t != val_t:
            what = f"(C, T, V, M) is {train.shape[1:]} in {train.name} and {val.shape[1:]} in {val.name}"
            # whatever their frames, clips are resampled to one length when they are read
            yield Finding(WARNING if same else PROBLEM, "splits", what, "prepare both in one go")


def divided(protocol: Protocol, subjects: Subjects) -> Iterator[Finding]:
    """Nobody, or no view or setup where the protocol is by these, is on both sides."""
    for sides in _both(protocol):
        val, train = ([_traits(name, subjects) for name in _names(split)] for split in sides)
        by = DIVIDED_BY.get(re.sub("[^a-z]", "", protocol.name.lower()))
        shared = {trait: _values(train, trait) & _values(val, trait) for trait in TRAITS if _values(val, trait)}
        trait = by or TRAITS[0]
        if not shared.get(trait) or (by is None and not all(shared.values())):
            continue
        clips = [
            split.clip(row, f"{trait} {traits[trait]}")
            for split, rows in zip(reversed(sides), (train, val))
            for row, traits in enumerate(rows)
            if traits.get(trait) in shared[trait]
        ]
        yield Finding(
            PROBLEM if by else WARNING,
            "leak",
            f"{len(shared[trait])} {trait}s are on both sides: {', '.join(sorted(shared[trait]))}",
            f"each {trait} belongs to one side, or the test accuracy says nothing of new ones",
            clips,
        )


def names(protocol: Protocol, _: Subjects) -> Iterator[Finding]:
    """Each name is there once."""
    for split, others in _pairs(protocol):
        clips = [split.clip(row) for row in _doubles(_names(split), _names(others), split is others)]
        if clips and split is others:
            what = f"{len(clips)} clips of {split.name} have an earlier one's name"
            yield Finding(WARNING, "names", what, "are clips there twice?", clips)
        elif clips:
            what = f"{len(clips)} clips of {split.name} have the name of one of {others.name}"
            yield Finding(PROBLEM, "leak", what, "leave them out of one side", clips)


def contents(protocol: Protocol, _: Subjects) -> Iterator[Finding]:
    """Each clip is there once."""
    for split, others in _pairs(protocol):
        within = split is others
        equal, contradicting = [], []
        for row, other in _doubles(split.facts.content, others.facts.content, within).items():
            labels = [_label(split, row), _label(others, other)]
            detail = f"equal to {others.clip(other)}"
            if not split.facts.frames[row]:
                continue  # empty clips are all equal, and found by a check of their own
            if labels[0] == labels[1]:
                equal.append(split.clip(row, detail))
            else:
                contradicting.append(split.clip(row, f"{detail}, labels {labels[0]} and {labels[1]}"))
        where = f"an earlier one of {split.name}" if within else f"one of {others.name}"
        what = f"{len(equal)} clips of {split.name} are equal to {where}"
        if equal and within:
            yield Finding(WARNING, "duplicates", what, "leave all but one out", equal)
        elif equal:
            yield Finding(PROBLEM, "leak", what, "leave them out of one side", equal)
        if contradicting:
            what = f"{len(contradicting)} clips of {split.name} are equal to {where} and have another label"
            advice = "one of the labels is wrong: correct it, or leave both clips out"
            yield Finding(PROBLEM, "contradiction", what, advice, contradicting)


def _both(protocol: Protocol) -> Iterator[tuple[Split, Split]]:
    """The split to test with the one to train, where both are there."""
    if len(protocol.splits) == len(SPLITS):
        train, val = (protocol.splits[name] for name in SPLITS)
        yield val, train


def _pairs(protocol: Protocol) -> Iterator[tuple[Split, Split]]:
    """Those within which, and between which, nothing may be twice."""
    yield from ((split, split) for split in protocol.splits.values())
    yield from _both(protocol)


def _doubles(values: Values, among: Values, earlier: bool) -> dict[int, int]:
    """Row -> the first row of an equal value in `among`; of an earlier one only, where both are the same."""
    return {
        row: first
        for row, first in enumerate(first_equal(values, among).tolist())
        if first >= 0 and not (earlier and first == row)
    }


def first_equal(values: Values, among: Values) -> np.ndarray:
    """(N,) for each value the first place in `among` that holds it; -1 where none does."""
    if not len(values) or not len(among):
        return np.full(len(values), -1)
    known, first = np.unique(np.asarray(among), return_index=True)
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[place] == np.asarray(values), first[place], -1)


def _label(split: Split, row: int) -> int | None:
    labels = split.labels.labels if split.labels else ()
    return int(labels[row]) if row < len(labels) else None


def _names(split: Split) -> Sequence[str]:
    return split.labels.names[: len(split)] if split.labels else ()


def _traits(name: str, subjects: Subjects) -> dict[str, str]:
    """What is known of a clip: subject, view, setup."""
    match = next(filter(None, (pattern.match(name) for pattern in NAMES)), None)
    traits = {trait: value for trait, value in (match.groupdict() if match else {}).items() if value}
    return {**traits, "subject": subjects[name]} if name in subjects else traits


def _values(rows: Sequence[Mapping[str, str]], trait: str) -> set[str]:
    return {traits[trait] for traits in rows if trait in traits}


CHECKS: tuple[Check, ...] = (sides, divided, names, contents)
