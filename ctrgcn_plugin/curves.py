"""Training curves: what a training has noted of every step and epoch, as CSV files in its output folder.

``curves/steps.csv`` gains a row with each training step, ``curves/epochs.csv`` one with each epoch. What is not
known is empty. A kill at any time leaves files that can be read.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from ctrgcn_plugin.errors import UserError, one_line
from ctrgcn_plugin.files import replacing

FOLDER = "curves"
EPOCHS, STEPS = "epochs.csv", "steps.csv"
COLUMNS = {
    EPOCHS: (
        *("epoch", "lr", "train_loss", "train_top1", "train_top5", "valid_loss", "valid_top1", "valid_top5"),
        "seconds",
    ),
    STEPS: ("epoch", "step", "loss", "top1", "top5", "lr", "seconds"),
}
# what counts, from 1; a row has it
NUMBERS = ("epoch", "step")

Row = dict[str, Optional[float]]


@dataclass(frozen=True)
class Curves:
    """What a training has noted; None is what it did not know.

    Attributes:
        epochs: a row an epoch: ``epoch`` from 1; ``lr`` of its last step; the means ``train_loss``, ``train_top1``,
            ``train_top5`` and those of the validation, ``valid_...``; ``seconds`` of its steps, validation included.
        steps: a row a training step: ``epoch``; ``step`` from 1, through all epochs; ``loss``, ``top1``, ``top5`` of
            its batch; ``lr``; ``seconds``, loading included. Accuracies are shares of 1.
    """

    epochs: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)

    def until(self, epoch: int) -> Curves:
        """The rows up to and with an epoch."""
        return Curves(*([row for row in rows if (row["epoch"] or 0) <= epoch] for rows in (self.epochs, self.steps)))

    @property
    def last_step(self) -> int:
        """Number of the last step, 0 where there is none."""
        return int(self.steps[-1]["step"] or 0) if self.steps else 0


def read(run_folder: str | os.PathLike[str]) -> Optional[Curves]:
    """The curves in a training's output folder, ``output/<model_name>``; None where there are none.

    Raises:
        UserError: a file cannot be read, or is not what :class:`CsvFiles` writes.
    """
    files = [Path(run_folder) / FOLDER / name for name in (EPOCHS, STEPS)]
    if not any(file.is_file() for file in files):
        return None
    return Curves(*map(_read, files))


class CsvFiles:
    """The files of a training, written while it trains: as soon as a row is known, it is in its file.

    Args:
        run_folder: the training's output folder.
        kept: rows to begin with, those of the epochs that a resumed training does not repeat.
    """

    def __init__(self, run_folder: str | os.PathLike[str], kept: Curves) -> None:
        self._folder = Path(run_folder) / FOLDER
        self._epochs = {row["epoch"]: row for row in kept.epochs}
        _write(self._folder / EPOCHS, self._epochs.values())
        _write(self._folder / STEPS, kept.steps)
        # line-buffered: a row is with the system once it is written
        self._file = (self._folder / STEPS).open("a", buffering=1, encoding="utf-8", newline="")
        self._steps = csv.writer(self._file, lineterminator="\n")

    def step(self, row: Mapping[str, Optional[float]]) -> None:
        """Add a step."""
        self._steps.writerow(_cells(STEPS, row))

    def epoch(self, row: Mapping[str, Optional[float]]) -> None:
        """Add an epoch, or to the row of that epoch what was learned since."""
        self._epochs[row["epoch"]] = {**self._epochs.get(row["epoch"], {}), **row}
        _write(self._folder / EPOCHS, self._epochs.values())

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()


def _cells(name: str, row: Mapping[str, Optional[float]]) -> list[str]:
    # nine digits tell any two float32 apart
    return ["" if value is None else f"{value:.9g}" for value in map(row.get, COLUMNS[name])]


def _write(file: Path, rows: Iterable[Mapping[str, Optional[float]]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS[file.name])
    writer.writerows(_cells(file.name, row) for row in rows)
    with replacing(file) as new:
        new.write(text.getvalue().encode())


def _read(file: Path) -> list[Row]:
    if not file.is_file():
        return []
    columns = COLUMNS[file.name]
    try:
        text = file.read_text(encoding="utf-8-sig")
        # a last line without its end is what a full disk has left of a row
        header, *rows = csv.reader(io.StringIO(text[: text.rfind("\n") + 1]))
        if tuple(header) != columns:
            raise ValueError(f"its columns are not {','.join(columns)}")
        return [_row(columns, cells, line) for line, cells in enumerate(rows, 2)]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"the curves {file} cannot be read: {one_line(error)}; remove the file, or mend it") from error


def _row(columns: tuple[str, ...], cells: list[str], line: int) -> Row:
    if len(cells) != len(columns):
        raise ValueError(f"row {line} has {len(cells)} values, not {len(columns)}")
    row: Row = {}
    for name, cell in zip(columns, cells):
        try:
            row[name] = value = float(cell) if cell else None
        except ValueError:
            raise ValueError(f"row {line}: {name} is {cell[:20]!r}, not a number") from None
        if name in NUMBERS and (value is None or value < 1 or not value.is_integer()):
            raise ValueError(f"row {line}: {name} is {cell[:20]!r}, not 1, 2, 3, ...")
    return row
