"""What commands show: to people at a terminal, to programs, and as much as was asked for."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctrgcn_plugin import terminal
from ctrgcn_plugin.terminal import Level


@pytest.fixture(autouse=True)
def level_as_before():
    yield
    terminal.set_level(Level.NORMAL)


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize("level, notes, details", [(Level.QUIET, 0, 0), (Level.NORMAL, 1, 0), (Level.VERBOSE, 1, 1)])
def test_levels(level, notes, details, capsys):
    terminal.set_level(level)
    terminal.say("result")
    terminal.note("note")
    terminal.detail("detail")
    shown = capsys.readouterr()
    assert shown.out == "result\n"
    assert (shown.err.count("note\n"), shown.err.count("detail\n")) == (notes, details)


def test_lines_fit_a_terminal_and_are_whole_for_programs(monkeypatch):
    text = "  " + "a rather long line of words that go on and on " * 4
    monkeypatch.setenv("COLUMNS", "50")
    for stream, longest in ((Screen(), 50), (io.StringIO(), len(text))):
        monkeypatch.setattr(sys, "stdout", stream)
        terminal.say(text)
        lines = stream.getvalue().splitlines()
        assert max(map(len, lines)) <= longest and " ".join(" ".join(lines).split()) == " ".join(text.split())
        assert all(line.startswith("  ") for line in lines)
    monkeypatch.setattr(sys, "stdout", screen := Screen())
    terminal.hand_over(text)
    assert screen.getvalue() == text + "\n"


@pytest.mark.parametrize(
    "stream, variables, coloured",
    [
        (Screen(), {}, True),
        (io.StringIO(), {}, False),
        (Screen(), {"NO_COLOR": "1"}, False),
        (Screen(), {"TERM": "dumb"}, False),
    ],
    ids=["terminal", "pipe", "NO_COLOR", "dumb"],
)
def test_colour_only_where_it_is_seen(stream, variables, coloured, monkeypatch):
    for name, value in {"NO_COLOR": "", "TERM": "xterm", **variables}.items():
        monkeypatch.setenv(name, value)
    assert terminal.style("x", "red", stream) == ("\033[31mx\033[0m" if coloured else "x")


@given(st.floats(-1, 2), st.integers(1, 60))
def test_a_bar_is_as_long_as_its_share(share, columns):
    bar = terminal.bar(share, columns)
    assert len(bar) == columns
    eighths = sum(terminal.BLOCKS.index(block) for block in bar)
    assert abs(eighths / 8 - min(max(share, 0), 1) * columns) <= 1 / 16 + 1e-9


def test_a_bar_without_block_characters(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert terminal.bar(0.5, 10) == "#####     "


def test_tables_are_aligned_also_with_wide_characters():
    lines = terminal.table(("name", "share"), [("喝水", "5"), ("sit down", "12.5")])
    assert lines == ["name      share", "喝水          5", "sit down   12.5"]
    lines = terminal.table(("case", "ms", "MB"), [("a", "1", "2"), ("b", "failed: a long reason")])
    assert lines == ["case  ms  MB", "a      1   2", "b     failed: a long reason"]


def test_progress_only_on_a_terminal_and_not_when_quiet(monkeypatch):
    for stream, level, seen in (
        (Screen(), Level.NORMAL, True),
        (Screen(), Level.QUIET, False),
        (io.StringIO(), Level.NORMAL, False),
    ):
        terminal.set_level(level)
        monkeypatch.setattr(sys, "stderr", stream)
        assert list(terminal.progress(range(3), unit="clip", text="work", mininterval=0)) == [0, 1, 2]
        assert ("work" in stream.getvalue()) is seen


def at_a_terminal(arguments, columns):
    """What a command shows at a terminal of so many columns."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "ctrgcn_plugin", *arguments]
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(master)
    return process.returncode, shown.decode().replace("\r\n", "\n")


def test_an_error_at_a_terminal_is_red_and_elsewhere_plain():
    status, shown = at_a_terminal(["data", "check", "nowhere"], 80)
    assert status == 1 and "\033[31merror:\033[0m no folder nowhere" in shown
    done = subprocess.run(
        [sys.executable, "-m", "ctrgcn_plugin", "data", "check", "nowhere", "--json"], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("ctrgcn: error: no folder nowhere")
    assert "\033" not in done.stderr and not done.stdout
