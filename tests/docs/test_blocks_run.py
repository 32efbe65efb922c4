"""Blocks that a page marks `run` are run as a reader runs them: in the page's order, in one folder for each place."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import doc_pages
import pytest
from doc_pages import Block, blocks, name
from series import link_tree

RUNS = [
    (page, place)
    for page in doc_pages.pages()
    for place in doc_pages.PLACES
    # a page in Chinese has the same blocks: test_languages.py
    if "zh-CN" not in page.parts
    and page.name != "README_cn.md"
    and any(block.mark.kind == "run" and block.mark.value == place for block in blocks(page))
]
COMMANDS = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
# what differs from run to run: numbers, and how they are filled
_NUMBER = re.compile(r"\d+(?:\\?[.,]\d+)*(?:e[+-]?\d+)?")


@pytest.fixture(scope="session")
def places(request, ppvideo_root, tmp_path_factory):
    """Makes a new folder that is a page's place to run in."""

    def make(place: str) -> Path:
        folder = tmp_path_factory.mktemp("page") / place
        if place == "PaddleVideo":
            link_tree(ppvideo_root, folder)
        elif place == "quickstart":
            shutil.copytree(request.getfixturevalue("quickstart"), folder)
        else:
            folder.mkdir()
        return folder

    return make


@pytest.mark.parametrize(("page", "place"), RUNS, ids=[f"{name(page)} in {place}" for page, place in RUNS])
def test_page(page, place, places):
    folder = places(place)
    printed = None  # by the block before, if that was run
    for block in blocks(page):
        if not block.language and printed is not None:
            assert re.search(pattern(block.content), printed), f"{block} is not what was printed:\n{printed}"
        printed = None
        if block.mark.kind == "run" and block.mark.value == place:
            printed = follow(block, folder)


def test_numbers_in_what_is_printed_may_differ():
    said = "fused   92.59%  100.00%\n...\n54 clips, 6 classes\n"
    assert re.search(pattern(said), "x\nfused    7.5%   8.1%\nmore\n1 clips, 2 classes\n")
    assert not re.search(pattern(said), "x\nfused    7.5%   8.1%\nmore\n1 clips, 2 CLASSES\n")


def follow(block: Block, folder: Path) -> str | None:
    """Do what a reader does with a block; what was printed, None where that is to save a file."""
    content = block.shortened()
    if block.file:
        file = folder / block.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return None
    return run([*COMMANDS[block.language], content], folder)


def run(command: list[str], folder: Path) -> str:
    site = folder / ".site-packages"
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            # what a page installs goes beside it
            "PIP_TARGET": str(site),
            "PIP_NO_DEPS": "1",
            "PYTHONPATH": str(site),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-3000:]}"
    return done.stdout


def pattern(said: str) -> str:
    """For what a page says is printed: any numbers in the place of its numbers, any lines in the place of `...`."""
    lines = []
    for line in said.splitlines():
        words = [_NUMBER.sub(r"[\\d.,e+-]+", re.escape(word)) for word in line.split()]
        lines.append(r"(?:.*\n)*?" if words == [r"\.\.\."] else r"[ \t]*" + r"[ \t]+".join(words) + r".*\n")
    return "(?m:^)" + "".join(lines)
