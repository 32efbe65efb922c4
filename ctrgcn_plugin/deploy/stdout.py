"""Keeping what libraries print by themselves, in C++, out of what a command prints."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def without(chatter: re.Pattern[bytes]) -> Iterator[None]:
    """Keep lines that `chatter` matches off file descriptor 1; whatever else is written meanwhile gets there."""
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as caught:
        try:
            stdout = os.dup(1)
        except OSError:  # a process without a standard output
            yield
            return
        if sys.stdout is not None:
            sys.stdout.flush()
        os.dup2(caught.fileno(), 1)
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
            os.dup2(stdout, 1)
            os.close(stdout)
            caught.seek(0)
            for line in caught:
                if not chatter.match(line.strip()):
                    os.write(1, line)
