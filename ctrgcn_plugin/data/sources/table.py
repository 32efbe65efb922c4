"""CSV files by the line, for readers that say where a mistake is."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from ctrgcn_plugin.errors import UserError, one_line


def rows(path: Path, kind: type[UserError]) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its line (of its last, if a cell has line breaks).

    The first is the header; the others have as many cells. Blanks around cells are gone.

    Raises:
        UserError: of this kind: it cannot be read, or a row has too many or too few cells.
    """
    columns = 0
    if not path.is_file():
        raise kind(f"no file at {path}; give a CSV file")
    try:
        # the mark that spreadsheets put before UTF-8 is no part of the first column's name
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in reader:
                cells = [cell.strip() for cell in row]
                if not any(cells):
                    continue
                columns = columns or len(cells)
                if len(cells) != columns:
                    where = f"{path}, line {reader.line_num}"
                    raise kind(f"{where} has {len(cells)} columns where the header has {columns}; separate by commas")
                yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise kind(f"{path} cannot be read as CSV in UTF-8: {one_line(error)}") from error
