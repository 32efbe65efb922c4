"""The list of clips, classes and splits that goes with skeletons of one's own: a CSV file.

Its first line names the columns: ``clip``, ``label``, ``split`` and, if wanted, ``subject``, in any order. A clip is
named by its path within the folder of clips, with or without suffix. Labels are names, which become classes in
alphabetical order, or whole numbers from 0, of which none below the largest may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ctrgcn_plugin.data.sources import table
from ctrgcn_plugin.errors import ConfigError, unknown

NEEDED, OPTIONAL = ("clip", "label", "split"), ("subject",)
# what a split may be called, and what the training calls it
SPLITS = {"train": "train", "val": "val", "test": "val"}
NUMBER = re.compile(r"[0-9]{1,9}")


class Row(NamedTuple):
    """A clip of the list; `line` is that of the file, from 1, `label` from 0."""

    line: int
    clip: str
    label: int
    split: str
    subject: str


class LabelList(NamedTuple):
    """A list as read: rows in their order, and the classes' names by label."""

    rows: Sequence[Row]
    classes: Sequence[str]


def read(path: Path) -> LabelList:
    """The list in a CSV file: UTF-8, commas.

    Raises:
        ConfigError: it is no such file; names the line.
    """
    lines = table.rows(path, ConfigError)
    _, header = next(lines, (0, []))
    columns = _columns(path, header)
    rows: list[Row] = []
    labels: list[str] = []
    seen: dict[str, int] = {}
    for line, cells in lines:
        row = {column: cells[place] for column, place in columns.items()}
        for column in NEEDED:
            if not row[column]:
                raise ConfigError(f"{path}, line {line} has no {column}")
        if row["split"] not in SPLITS:
            raise unknown(f"split in {path}, line {line}:", row["split"], SPLITS)
        if row["clip"] in seen:
            raise ConfigError(f"{path}, line {line} has clip {row['clip']!r} again; it is in line {seen[row['clip']]}")
        seen[row["clip"]] = line
        labels.append(row["label"])
        rows.append(Row(line, row["clip"], 0, SPLITS[row["split"]], row.get("subject", "")))
    if not rows:
        raise ConfigError(f"{path} lists no clip; give a line of {','.join(NEEDED)} for each")
    classes, numbers = _numbered(path, rows, labels)
    return LabelList([row._replace(label=number) for row, number in zip(rows, numbers)], classes)


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    """Which column is where."""
    columns = {name.lower(): place for place, name in enumerate(header)}
    for name in columns:
        if name not in NEEDED + OPTIONAL:
            raise unknown(
                f"column in {path}:", name, NEEDED + OPTIONAL, "The first line names the columns, with commas."
            )
    if len(columns) < len(header):
        raise ConfigError(f"{path} names a column twice: {','.join(header)}")
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise ConfigError(
            f"{path} has no column {' and no '.join(missing)}; its first line has to name {', '.join(NEEDED)}, "
            f"where a split is {' or '.join(SPLITS)}"
        )
    return columns


def _numbered(path: Path, rows: Sequence[Row], labels: Sequence[str]) -> tuple[list[str], list[int]]:
    """The classes, and the label of each row."""
    are_numbers = [bool(NUMBER.fullmatch(label)) for label in labels]
    if not any(are_numbers):
        classes = sorted(set(labels))
        place = {name: number for number, name in enumerate(classes)}
        return classes, [place[label] for label in labels]
    if not all(are_numbers):
        odd = are_numbers.index(not are_numbers[0])
        raise ConfigError(
            f"{path}, line {rows[odd].line} has label {labels[odd]!r} where the lines before have the likes of "
            f"{labels[0]!r}; give names, or whole numbers from 0"
        )
    numbers = [int(label) for label in labels]
    used = sorted(set(numbers))
    for number, found in enumerate(used):
        if number != found:
            raise ConfigError(f"{path} has labels up to {used[-1]} and none is {number}; number from 0, or give names")
    return [str(number) for number in used], numbers
