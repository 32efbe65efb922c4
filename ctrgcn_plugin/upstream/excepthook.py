"""A user's mistake under upstream's scripts is shown as one line, as under our own commands."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Optional

from ctrgcn_plugin.errors import UserError

_previous = sys.excepthook


def install() -> None:
    """Take the place of ``sys.excepthook``; any other exception goes to the one before. Idempotent."""
    global _previous
    if sys.excepthook is not _show:
        _previous = sys.excepthook
        sys.excepthook = _show


def _show(kind: type[BaseException], error: BaseException, traceback: Optional[TracebackType]) -> None:
    if isinstance(error, UserError):
        sys.stderr.write(f"error: {error}\n")
    else:
        _previous(kind, error, traceback)
