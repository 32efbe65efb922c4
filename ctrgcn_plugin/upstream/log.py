"""Upstream's logger, which is where a user of main.py looks."""

from __future__ import annotations

import logging


def logger() -> logging.Logger:
    """The logger ``paddlevideo``: upstream configures it when it is imported."""
    return logging.getLogger("paddlevideo")
