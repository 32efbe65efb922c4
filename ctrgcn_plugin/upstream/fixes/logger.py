"""``paddlevideo.utils.logger``: importing upstream writes a log file into the current folder."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin.upstream.fixes.code import mentions, wrapping
from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix

CAUGHT = ("OSError", "IOError", "EnvironmentError", "PermissionError", "Exception")


def _needs_a_file(module: ModuleType) -> bool:
    # not tried out: making a logger leaves it, its handlers and its folders behind
    return mentions(module.setup_logger, "FileHandler") and not any(
        mentions(module.setup_logger, name) for name in CAUGHT
    )


def _or_console_only(original: Callable) -> Callable:
    def setup_logger(output: Optional[str] = None, name: str = "paddlevideo", level: str = "INFO") -> Any:
        logger = logging.getLogger(name)
        handlers = logger.handlers[:]
        try:
            return original(output, name, level)
        except OSError as error:
            sys.stderr.write(f"ctrgcn: no log file is written, the log goes to the console only: {error}\n")
            # upstream has added the console's handler by then, and would add it again
            logger.handlers[:] = handlers
            return original(None, name, level)

    return setup_logger


FIXES = (
    Fix(
        "log-file",
        "paddlevideo.utils.logger",
        "utils/logger.py:100, utils/config.py:20",
        "PermissionError: .log.txt, in a folder that cannot be written, as soon as paddlevideo is imported",
        STOPS,
        _needs_a_file,
        wrapping("setup_logger", _or_console_only),
    ),
)
