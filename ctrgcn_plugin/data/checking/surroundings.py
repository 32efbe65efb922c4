"""What is known of prepared data besides the files that hold them: card, layout, subjects."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepare.source import SPLITS
from ctrgcn_plugin.data.prepared import CARD, DATA, REPORT, Card, open_clips
from ctrgcn_plugin.errors import ClipError, ConfigError, one_line
from ctrgcn_plugin.layouts import Layout


@dataclass(frozen=True)
class Surroundings:
    """What is known of the data.

    Attributes:
        home: the folder of the card, or the one that was named.
        layout: None where none fits; `about_layout` says how it was found.
        subjects: clip -> subject, as far as the preparation reports them.
    """

    home: Path
    card: Card | None
    layout: Layout | None
    about_layout: str
    subjects: Mapping[str, str]


def surroundings(folder: Path, protocols: Sequence[Path], asked: str | None) -> Surroundings:
    """What belongs to the data in `folder`; `asked` is a layout that the user names.

    Raises:
        ClipError: card or report are damaged.
        ConfigError: there is no such layout.
    """
    home, card = folder, Card.read(folder)
    if card is None and list(protocols) == [folder]:
        # of a protocol's own folder the card is above it
        above = folder.resolve().parent
        card = Card.read(above)
        if card is not None and folder.resolve().name in card.protocols:
            home = above
        else:
            card = None
    layout, about = _layout(asked, card, home, protocols)
    return Surroundings(home, card, layout, about, dict(_subjects(home / REPORT)))


def _layout(asked: str | None, card: Card | None, home: Path, protocols: Sequence[Path]) -> tuple[Layout | None, str]:
    if asked is not None:
        return layouts.get(asked), "as asked for"
    if card is not None:
        try:
            return layouts.get(card.graph(home)), f"as {CARD} says"
        except ConfigError as error:
            raise ClipError(f"{home / CARD}: {error}") from error
    return _layout_by_shape(protocols)


def _layout_by_shape(protocols: Sequence[Path]) -> tuple[Layout | None, str]:
    """The shipped layout with as many joints as the first data file; of several the one with as many coordinates."""
    for data in (folder / DATA.format(split=split) for folder in protocols for split in SPLITS):
        try:
            _, coordinates, _, joints, _ = open_clips(data).shape
        except ClipError:
            continue
        names = layouts.with_joints(joints)
        fitting = [name for name in names if len(names) == 1 or layouts.get(name).dimensions == coordinates]
        listed = ", ".join(names) or "none"
        if len(fitting) == 1:
            by = f", and {coordinates} coordinates" if len(names) > 1 else ""
            return layouts.get(fitting[0]), f"by its {joints} joints{by}; with so many joints: {listed}"
        return None, f"shipped with {joints} joints: {listed}; name yours with --layout, and more can be checked"
    return None, "no data can be read"


def _subjects(path: Path) -> Iterator[tuple[str, str]]:
    """(clip, subject) of the preparation's report, where it knows the subject."""
    if not path.is_file():
        return
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("clip") and row.get("subject"):
                    yield row["clip"], row["subject"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ClipError(f"{path} is no report of a preparation: {one_line(error)}") from error
