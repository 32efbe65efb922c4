"""Troubleshooting by error message: what it quotes of this package is what this package says, and no fix is missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from doc_pages import ROOT, blocks, prose

from ctrgcn_plugin.cli import main
from ctrgcn_plugin.data.prepared import Card
from ctrgcn_plugin.data.scores import Scores
from ctrgcn_plugin.upstream.fixes import FIXES

# the page in Chinese quotes the same: test_languages.py
PAGE = ROOT / "docs" / "en" / "troubleshooting.md"
# a block without a language quotes this package; what others say stands in tables
QUOTED = [block.content.strip() for block in blocks(PAGE) if not block.language]
CAPITALS = re.compile(r"\b[A-Z]+\b")  # stand for what is the reader's
FIX = re.compile(r"`([a-z][a-z0-9-]+)`")
# a text of fewer letters may be in a message by chance
FEWEST = 12
# of a message, how much must be found in the source; the rest are short texts that are put into it at run time
SHARE = 0.75

# what a text of the source says literally, in the parts between its placeholders
Parts = tuple[str, ...]


@pytest.fixture(scope="module")
def texts() -> set[Parts]:
    sources = (ROOT / "ctrgcn_plugin").rglob("*.py")
    trees = [ast.parse(source.read_text(encoding="utf-8")) for source in sources]
    found = {parts for tree in trees for node in nodes(tree) for parts in said(node)}
    return {parts for parts in found if sum(map(len, parts)) >= FEWEST}


def nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A tree, but for the parts of a text with placeholders, which are no texts."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from nodes(child)


def said(node: ast.AST) -> Iterator[Parts]:
    """The text that a node is, if it is one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield tuple(node.value.strip().split("%s"))
    elif isinstance(node, ast.JoinedStr):
        yield literally(node)
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "unknown":
        kind, advice = literally(node.args[0]), literally(node.args[3]) if node.args[3:] else ("",)
        yield (f"unknown {kind[0]}", *kind[1:], "; available: ", ".", *advice)


def literally(node: ast.AST) -> Parts:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return tuple("".join(part.value if isinstance(part, ast.Constant) else "\0" for part in parts).strip().split("\0"))


def share(quoted: str, texts: set[Parts]) -> float:
    """How much of a message is in the source: of its letters that are not the reader's own."""
    blank = CAPITALS.sub(lambda found: "\0" * len(found[0]), quoted)
    needed = {place for place, letter in enumerate(blank) if letter != "\0"}
    missing = set(needed)
    for parts in texts:
        if all(part in quoted for part in parts):
            found = re.search("(.*?)".join(f"({re.escape(part)})" for part in parts), quoted)
            for group in range(1, 2 * len(parts), 2) if found else ():
                missing.difference_update(range(*found.span(group)))
    return 1 - len(missing) / len(needed)


@pytest.mark.parametrize("quoted", QUOTED)
def test_what_is_quoted_is_what_this_package_says(quoted, texts):
    assert share(quoted, texts) >= SHARE


def test_what_it_never_says_would_be_seen(texts):
    for quoted in ("no checkpoint at FILE; buy one", "the loss does not rise: N in the first half, N then"):
        assert share(quoted, texts) < SHARE


def test_every_fix_is_on_the_page_and_no_other():
    assert {name for cell in cells("Cured by") for name in FIX.findall(cell)} == {fix.name for fix in FIXES}


def cells(heading: str) -> Iterator[str]:
    """What stands in the last column of the tables in which that is called so."""
    last = ""
    for line in prose(PAGE).splitlines():
        row = line.strip(" |").split(" | ")
        if not line.startswith("|"):
            last = ""
        elif not last:
            last = row[-1]
        elif last == heading:
            yield row[-1]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A work folder with some of what people have, and the mistakes in it."""
    monkeypatch.chdir(tmp_path)
    Path("clips").mkdir()
    rng = np.random.default_rng(0)
    for name in "abc":
        np.save(f"clips/{name}.npy", rng.standard_normal((8, 17, 2)))
    for file, rows in {
        "labels.csv": "clip,label,split\na,wave,train\nb,bow,test\n",
        "semicolons.csv": "clip;label;split\na;wave;train\n",
        "other.csv": "clip,label,split\na,wave,train\nz,bow,test\n",
        "one_side.csv": "clip,label,split\na,wave,train\nb,bow,train\n",
    }.items():
        Path(file).write_text(rows, encoding="utf-8")
    for file, row in {"joint.npz": ["a", "b"], "bone.npz": ["a", "c"]}.items():
        Scores(np.eye(2, 3, dtype=np.float32), np.array([0, 1]), np.array(row)).save(Path(file))
    for name in ("model.json", "model.pdiparams", "broken.pdparams"):
        Path(name).write_text("{}", encoding="utf-8")
    Path("damaged").mkdir()
    Path("damaged/dataset.yaml").write_text("name: [", encoding="utf-8")
    return tmp_path


PREPARE = ["prepare", "plain", "clips", "out", "--workers", "1"]
EXPORT = ["export", "-c", "configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint.yaml", "-p"]


@pytest.mark.parametrize(
    ("quoted", "arguments"),
    [
        ("clip FILE has shape SHAPE; layout", [*PREPARE, "--labels", "labels.csv", "--layout", "openpose"]),
        ("unknown column in FILE", [*PREPARE, "--labels", "semicolons.csv", "--layout", "coco"]),
        ("FILE, line N: no clip", [*PREPARE, "--labels", "other.csv", "--layout", "coco"]),
        ("DIR: no protocol has clips", [*PREPARE, "--labels", "one_side.csv", "--layout", "coco"]),
        ("DIR has no .skeleton files", ["prepare", "ntu", "clips", "out"]),
        ("no dataset.yaml in DIR", ["configure", "clips", "own.yaml"]),
        ("FILE is no description", ["configure", "damaged", "own.yaml"]),
        ("no checkpoint at FILE", [*EXPORT, "model.pdparams"]),
        ("FILE cannot be read as a .pdparams file", [*EXPORT, "broken.pdparams"]),
        ("no card at FILE", ["predict", "-m", "model.json", "-i", "clips/a.npy"]),
        ("no scores at FILE", ["ensemble", "motion.npz"]),
        ("names of FILE differ", ["ensemble", "joint.npz", "bone.npz"]),
    ],
)
def test_what_is_quoted_is_what_is_printed(quoted, arguments, folder, capsys):
    assert main(arguments) == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("ctrgcn: error: "))
    (found,) = (known for known in QUOTED if known.startswith(quoted))
    assert re.match(CAPITALS.sub(".+", re.escape(found)), line.removeprefix("ctrgcn: error: ")), line


def test_data_of_other_options_are_not_overwritten(folder, capsys):
    assert main([*PREPARE, "--labels", "labels.csv", "--layout", "coco"]) == 0
    card = Card.read(folder / "out")
    assert main([*PREPARE, "--labels", "labels.csv", "--layout", "coco", "--persons", "2"]) == 1
    (found,) = (known for known in QUOTED if "already holds" in known)
    assert re.search(CAPITALS.sub(".+", re.escape(found)), capsys.readouterr().err)
    assert Card.read(folder / "out") == card
