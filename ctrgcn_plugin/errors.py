"""Errors that a user can act on: each is one line saying what was asked, what there is, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in what the user gave. Shown as one line, without a traceback, with exit status 1."""


class ConfigError(UserError, ValueError):
    """A config names something that does not exist or has a value that cannot work."""


class ClipError(UserError, ValueError):
    """A clip or prepared data are missing, unreadable or not of the shape that is needed."""


class CheckpointError(UserError):
    """A checkpoint is missing, unreadable or belongs to another model."""


class EnvironmentSetupError(UserError):
    """Paddle or PaddleVideo is missing, too old or unusable."""


def unknown(kind: str, asked: object, available: Iterable[str], advice: str = "") -> ConfigError:
    """A :class:`ConfigError` for a name that is not there, with the nearest name that is."""
    names = sorted(map(str, available))
    near = difflib.get_close_matches(str(asked), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    advice = f" {advice}" if advice else ""
    return ConfigError(f"unknown {kind} {asked!r}; available: {', '.join(names) or 'none'}.{hint}{advice}")


def one_line(error: object) -> str:
    """What an error of someone else's says, its line breaks and runs of blanks as one blank each."""
    return " ".join(str(error).split())
