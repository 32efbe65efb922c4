"""A report as files, each in the format that its name ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.report.document import Report


def _html(report: Report) -> str:
    from ctrgcn_plugin.report.webpage import as_html

    return as_html(report)


def _json(report: Report) -> str:
    return report.as_json() + "\n"


def _markdown(report: Report) -> str:
    from ctrgcn_plugin.report.markdown import as_markdown

    return as_markdown(report)


FORMATS: Mapping[str, Callable[[Report], str]] = {".html": _html, ".json": _json, ".md": _markdown}
NAME = "report"


def targets(outputs: Sequence[Path]) -> list[Path]:
    """The files to write: of a folder, which ends in a slash or has no suffix, one in each format.

    Raises:
        UserError: one has a suffix of no format, or is a folder where a file is meant.
        EnvironmentSetupError: HTML is asked for, and jinja2 is not installed.
    """
    files = []
    for path in outputs:
        if path.suffix in FORMATS and not path.is_dir():
            files.append(path)
        elif path.is_dir() or not path.suffix:
            files += [path / f"{NAME}{suffix}" for suffix in FORMATS]
        else:
            raise UserError(f"no report can be written as {path}; give a file that ends with {', '.join(FORMATS)}")
    if any(file.suffix == ".html" for file in files):
        require_library("jinja2", "plot", "a report in HTML")
    return list(dict.fromkeys(files))


def write(report: Report, files: Sequence[Path]) -> None:
    """Write the files that :func:`targets` names, each whole or not at all.

    Raises:
        UserError: one cannot be written.
    """
    for path in files:
        text = FORMATS[path.suffix](report)
        try:
            with replacing(path) as file:
                file.write(text.encode("utf-8"))
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}; give another file") from error
