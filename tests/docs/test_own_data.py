"""The guide to data of one's own: every block of it runs, and both languages say the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from series import link_tree

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = {language: DOCS / language / "own_data.md" for language in ("en", "zh-CN")}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.M | re.S)
# a test needs no good model, and fewer clips make one
SHORTER = {"--epochs 12": "--epochs 1", "range(12)": "range(4)"}


def text(language: str) -> str:
    return GUIDES[language].read_text(encoding="utf-8")


def blocks(language: str) -> list[tuple[str, str]]:
    """(language, content) of every fenced block."""
    return BLOCK.findall(text(language))


@pytest.fixture(scope="module")
def followed(ppvideo_root, tmp_path_factory):
    """The folder in which all blocks were run one after the other, and what they printed."""
    folder = tmp_path_factory.mktemp("guide") / "PaddleVideo"
    link_tree(ppvideo_root, folder)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    printed = []
    for language, content in blocks("en"):
        for long, short in SHORTER.items():
            content = content.replace(long, short)
        if language == "yaml":
            (folder / content.split()[1]).write_text(content, encoding="utf-8")
            continue
        command = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}[language]
        result = subprocess.run(
            [*command, content],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{content}\n{result.stdout[-3000:]}"
        printed.append(result.stdout)
    return folder, "\n".join(printed)


def test_the_guide_ends_with_two_streams_fused(followed):
    folder, printed = followed
    assert "split: 54 train, 18 val" in printed
    assert "nothing found" in printed  # by ctrgcn data check
    assert "equal to the trained model within" in printed
    (fused,) = [line.split() for line in printed.splitlines() if line.startswith("fused")]
    assert 0 <= float(fused[1].rstrip("%")) <= 100
    assert {path.name for path in folder.glob("joint_*.csv")} == {"joint_classes.csv", "joint_confusion.csv"}


def test_both_languages_say_the_same():
    assert blocks("zh-CN") == blocks("en")
    for pattern in (r"^#+ ", r"^\| `[^|]*`", r"`[^`\n]+`"):
        found = {language: re.findall(pattern, BLOCK.sub("", text(language)), flags=re.M) for language in GUIDES}
        assert sorted(found["en"]) == sorted(found["zh-CN"]), pattern
