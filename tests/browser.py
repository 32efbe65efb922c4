"""Pages in a real browser: Chromium, without a window, through Playwright. A plugin of pytest.

A test module that says ``pytest_plugins = ["browser"]`` has the fixture `open_page`. Where Playwright or a Chromium is
missing, its tests are skipped. ``CHROMIUM`` may name the browser's program; by default it is Playwright's own, or one
that is on the PATH.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE = "CHROMIUM"


@dataclass
class Opened:
    """A page, and what has happened in it.

    Attributes:
        page: Playwright's.
        problems: errors and warnings of its scripts.
        requests: all addresses that were asked for but the page's own.
    """

    page: Any
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda line: self.problems.append(f"{line.type}: {line.text}"))
        self.page.on("request", self._note)

    def _note(self, request: Any) -> None:
        # a data: address asks nobody
        if not request.url.startswith("data:") and not request.is_navigation_request():
            self.requests.append(request.url)


def _program() -> str | None:
    named = os.environ.get(VARIABLE)
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser, once for all tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with playwright.sync_playwright() as driver:
        try:
            # in a container there is no sandbox within
            browser = driver.chromium.launch(executable_path=_program(), args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: install one, or name it in {VARIABLE} ({str(error).splitlines()[0]})")
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Opens a file; keywords are Playwright's, as ``viewport``, ``color_scheme`` and ``reduced_motion``."""
    contexts = []

    def open_page(path: Path, **settings: Any) -> Opened:
        contexts.append(chromium.new_context(**settings))
        opened = Opened(contexts[-1].new_page())
        opened.page.goto(path.resolve().as_uri())
        return opened

    yield open_page
    for context in contexts:
        context.close()
