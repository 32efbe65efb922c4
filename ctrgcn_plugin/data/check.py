"""Prepared data looked at before a training: what would spoil it, and a copy in which some of that is mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Optional

import numpy as np

from ctrgcn_plugin.data import mend
from ctrgcn_plugin.data.checking import clips, leaks, sets
from ctrgcn_plugin.data.checking.findings import NOTE, Finding, Overview, Report
from ctrgcn_plugin.data.checking.splits import Protocol, protocol_folders, read_protocol
from ctrgcn_plugin.data.checking.surroundings import Surroundings, surroundings
from ctrgcn_plugin.data.prepared import CARD

__all__ = ["Report", "check"]

TOP_K = 5  # of the metric that upstream prints


def check(folder: Path, layout: Optional[str] = None, fixed: Optional[Path] = None) -> Report:
    """Look at prepared data, with one pass over each file.

    Args:
        folder: with ``train_data.npy`` and the like, or with a folder for each protocol that has them.
        layout: a skeleton layout's name or file; by default what the preparation has noted, else what fits the shape.
        fixed: gets a copy with gaps filled and hopeless clips left out, which is then looked at, too.

    Raises:
        ClipError: there are no data, or `fixed` cannot be written to.
        ConfigError: there is no such layout.
    """
    folders = protocol_folders(folder)
    if fixed is not None:
        mend.check_target(folder, fixed)
    known = surroundings(folder, folders, layout)
    protocols = [read_protocol(path, known.layout) for path in folders]
    name = known.layout.name if known.layout else "unknown"
    report = Report(folder, f"{name} ({known.about_layout})")
    for protocol in protocols:
        report.overview.update(_overview(protocol))
        report.findings += _findings(protocol, known)
    if fixed is not None:
        report.mended = mend.write(protocols, known, fixed)
        report.after = check(fixed, layout)
    return report


def _overview(protocol: Protocol) -> Overview:
    rows: Overview = {}
    for name, split in protocol.splits.items():
        lengths = np.sort(split.facts.frames)
        values = split.labels.labels if split.labels else ()
        rows[f"{protocol.name}/{name}"] = {
            "clips": len(split),
            "C x T x V x M": " x ".join(map(str, split.shape[1:])),
            "values": str(split.dtype),
            "frames": f"{lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}" if len(lengths) else "",
            "persons": int(split.facts.persons.any(axis=0).sum()),
            "classes": len(np.unique(values)),
            "trunk": f"{split.facts.typical_trunk:.3g}",
        }
    return rows


def _findings(protocol: Protocol, known: Surroundings) -> Iterator[Finding]:
    for of_protocol in leaks.CHECKS:
        for finding in of_protocol(protocol, known.subjects):
            yield replace(finding, where=protocol.name)
    classes = len(known.card.classes) if known.card else protocol.classes
    if 0 < classes < TOP_K:
        what = f"there are {classes} classes, so top-{TOP_K} accuracy says nothing"
        yield Finding(NOTE, "classes", what, where=protocol.name)
    for name, split in protocol.splits.items():
        expected = _expected(known, protocol.name, name, classes)
        of_sets = (finding for of_set in sets.CHECKS for finding in of_set(split, expected))
        of_clips = (finding for of_clip in clips.CHECKS for finding in of_clip(split))
        for finding in chain(of_sets, of_clips):
            yield replace(finding, where=f"{protocol.name}/{name}")


def _expected(known: Surroundings, protocol: str, split: str, classes: int) -> sets.Expected:
    card, layout = known.card, known.layout
    shape = {"V": layout.num_joints} if layout else {}
    if card is None:
        return sets.Expected(shape, "the layout", classes, layout)
    shape.update(C=card.coordinates, T=card.frames, M=card.persons)
    if split in card.protocols.get(protocol, {}):
        shape["N"] = card.protocols[protocol][split]
    return sets.Expected(shape, f"{CARD} with its layout", classes, layout, card.unit)
