"""Every code block of README and docs is marked with what becomes of it, and every command in it is one that exists.

What is marked `run` is run by test_blocks_run.py; here only parsers are, ours and those of upstream's scripts.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import re
import shlex
from pathlib import Path

import doc_pages
import pytest
import yaml
from doc_pages import NEEDS, PLACES, ROOT, Block, command_lines, name, prose

from ctrgcn_plugin import configs
from ctrgcn_plugin.cli import parser

PAGES = doc_pages.pages()
BLOCKS = [block for page in PAGES for block in doc_pages.blocks(page) if block.language]
STOCK_CONFIGS = [
    f"configs/recognition/ctrgcn/ctrgcn_ntucs_{stream}.yaml" for stream in ("joint", "bone", "motion", "bone_motion")
]
SCRIPTS = ("main.py", "tools/export_model.py", "tools/predict.py")
# what any shell has, and what is not ours to check
OTHERS = {"cd", "git", "ls", "cat", "head", "mkdir", "cp", "mv", "unzip", "tar", "wget", "curl", "export", "source"}
OTHERS |= {"docker", "visualdl", "nvidia-smi", "echo", "for", "do", "done", "pytest", "chromium"}

every_block = pytest.mark.parametrize("block", BLOCKS, ids=str)
every_page = pytest.mark.parametrize("page", PAGES, ids=name)


@every_block
def test_is_marked(block):
    mark = block.mark
    if mark.kind == "run":
        assert mark.value in PLACES, f"{block}: no place {mark.value!r}; there are {PLACES}"
    elif mark.kind == "run by":
        file, _, test = mark.value.partition("::")
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{block}: there is no {mark.value}"
    elif mark.kind == "needs":
        assert set(mark.needs) <= set(NEEDS), f"{block}: needs {mark.needs}; there are {NEEDS}"
    else:
        assert mark == doc_pages.Mark("form"), f"{block}: no mark, or an unknown one; tests/doc_pages.py says which"


@every_block
def test_can_be_parsed(block, upstream_parsers):
    if block.language in ("bash", "shell", "sh"):
        for words in command_lines(block.content):
            Command(block, upstream_parsers).check(plain(words, block))
    elif block.language == "python":
        compile(block.content, str(block), "exec")
    elif block.language == "yaml":
        assert yaml.safe_load(block.content)
    elif block.language == "toml":
        assert pytest.importorskip("tomllib").loads(block.content)


@every_page
def test_inline_commands_exist(page):
    for code in re.findall(r"`(ctrgcn [^`]+)`", prose(page)):
        options = parser()
        for word in shlex.split(code.replace("\n", " "))[1:]:
            if word == "COMMAND":
                break
            commands = {} if word.startswith("-") else subcommands(options)
            assert not commands or word in commands or word.isupper() or word == "...", f"{name(page)}: {code}"
            options = commands.get(word, options)
            if word.startswith("-"):
                assert word in options._option_string_actions, f"{name(page)}: {code} has no option {word}"


@every_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        file, _, anchor = target.partition("#")
        if "://" in target:
            continue
        there = page.parent / file if file else page
        assert there.exists(), f"{name(page)}: {target}"
        assert not anchor or anchor.lower() in anchors(there), f"{name(page)}: {target}"


def test_every_kind_of_block_is_found():
    assert {block.language for block in BLOCKS} >= {"bash", "python", "yaml", "toml"}
    assert {block.mark.kind for block in BLOCKS} >= {"run", "needs", "form"}


@pytest.mark.parametrize(
    ("content", "commands"),
    [
        ("a b  # c\n", [["a", "b"]]),
        ("X=1 Y=2 a -o k=v > out.txt 2>&1\n", [["a", "-o", "k=v"]]),
        ("a \\\n  b && c; d | e\n", [["a", "b"], ["c"], ["d"], ["e"]]),
        ("python -c 'import x\nprint(1)' y\nz\n", [["python", "-c", "import x\nprint(1)", "y"], ["z"]]),
    ],
)
def test_command_lines(content, commands):
    assert [[word for word in words if word != "2"] for words in command_lines(content)] == commands


@pytest.mark.parametrize(
    "content",
    [
        "ctrgcn exprot -c CONFIG -p WEIGHTS",
        "ctrgcn export -c CONFIG --wieghts WEIGHTS",
        "ctrgcn export -c configs/recognition/ctrgcn/ctrgcn_ntucs_jiont.yaml -p WEIGHTS",
        "python main.py --tset -c CONFIG",
        "python -m paddle.distributed.launch --gpus=0,1 main.py --validate -c none.yaml",
        "python benchmarks/none.py",
        "make nothing",
        'pip install "ctrgcn-plugin[none]"',
        "bash test_tipc/prepare.sh test_tipc/configs/CTRGCN/none.txt lite_train_lite_infer",
        "unheard-of",
    ],
)
def test_a_wrong_command_is_found(content, upstream_parsers):
    block = Block(ROOT / "README.md", 1, "bash", content, doc_pages.Mark("needs", "weights"))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test_can_be_parsed(block, upstream_parsers)


@pytest.mark.parametrize("mark", ["", "run: nowhere", "needs: luck", "run by: tests/conftest.py::test_none", "from"])
def test_a_wrong_mark_is_found(mark):
    with pytest.raises(AssertionError):
        test_is_marked(Block(ROOT / "README.md", 1, "bash", "", doc_pages.Mark.read(mark)))


@pytest.fixture(scope="module")
def upstream_parsers(ppvideo_root, request):
    """Script -> upstream's own function that parses its command line, taken out of the script.

    PyPI's PaddleVideo has no tools; where there is no git checkout either, their options go unparsed.
    """
    roots = [ppvideo_root]
    with contextlib.suppress(pytest.skip.Exception):
        roots.append(request.getfixturevalue("checkout_root"))
    return {script: _parse_args(root / script) for root in roots for script in SCRIPTS if (root / script).is_file()}


def _parse_args(script: Path):
    (function,) = [
        node
        for node in ast.parse(script.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "parse_args"
    ]
    space: dict = {"argparse": argparse}
    exec(compile(ast.Module([function], []), str(script), "exec"), space)
    return space["parse_args"]


class Command:
    """The checks of one command line, by the program that it starts."""

    def __init__(self, block: Block, upstream_parsers: dict) -> None:
        self.block = block
        self.upstream_parsers = upstream_parsers

    def check(self, words: list[str]) -> None:
        program, arguments = words[0], words[1:]
        if program in OTHERS:
            return
        checks = {"ctrgcn": self._ctrgcn, "make": self._make, "pip": self._pip, "bash": self._script}
        checks |= dict.fromkeys(("python", "python3", "python3.7"), self._python)
        assert program in checks, f"{self.block}: how is {program!r} checked? test_commands.py does not know it"
        checks[program](arguments)

    def _ctrgcn(self, arguments: list[str]) -> None:
        if arguments[:1] == ["run"]:
            self._python(arguments[1:])
        try:
            options = parser().parse_args(arguments)
        except SystemExit as done:
            assert done.code == 0, f"{self.block}: ctrgcn {shlex.join(arguments)}"
            return
        if isinstance(getattr(options, "config", None), str):
            self._config(options.config)

    def _python(self, arguments: list[str]) -> None:
        while arguments and arguments[0] in ("-B", "-S", "-u"):
            arguments = arguments[1:]
        if arguments[:1] == ["-c"]:
            compile(arguments[1], str(self.block), "exec")
        elif arguments[:2] == ["-m", "ctrgcn_plugin"]:
            self._ctrgcn(arguments[2:])
        elif arguments[:2] == ["-m", "paddle.distributed.launch"]:
            self._python(arguments[2 + next(i for i, word in enumerate(arguments[2:]) if not word.startswith("--")) :])
        elif arguments[0] in ("-m", "--version") or self._made_on_the_page(arguments[0]):
            pass
        elif arguments[0] in SCRIPTS:
            self._upstream(arguments[0], arguments[1:])
        else:
            script = arguments[0].replace("path/to/", "")
            assert (ROOT / script).is_file(), f"{self.block}: no {script}"

    def _upstream(self, script: str, arguments: list[str]) -> None:
        if script in self.upstream_parsers and arguments != ["..."]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("sys.argv", [script, *arguments])
                try:
                    options = self.upstream_parsers[script]()
                except SystemExit:
                    pytest.fail(f"{self.block}: {script} {shlex.join(arguments)}")
            self._config(options.config)

    def _config(self, config: str) -> None:
        known = config in configs.shipped() or config in STOCK_CONFIGS or config == "quickstart.yaml"
        own = config.isupper() or "own data" in self.block.mark.needs
        assert known or own or self._made_on_the_page(config), f"{self.block}: no config {config}"

    def _made_on_the_page(self, file: str) -> bool:
        others = doc_pages.blocks(self.block.page)
        written = (words for other in others if other.language == "bash" for words in command_lines(other.content))
        return any(other.file == file for other in others) or any(
            words[:2] == ["ctrgcn", "configure"] and file in words for words in written
        )

    def _make(self, arguments: list[str]) -> None:
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)
        assert {word for word in arguments if "=" not in word} <= set(targets), f"{self.block}: make {arguments}"

    def _pip(self, arguments: list[str]) -> None:
        assert arguments[0] in ("install", "freeze")
        known = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), flags=re.M)
        for extras in re.findall(r"(?:ctrgcn-plugin|\.)\[([\w,]+)\]", " ".join(arguments)):
            assert set(extras.split(",")) <= set(known), f"{self.block}: extras {extras}"

    def _script(self, arguments: list[str]) -> None:
        configs_of_chains = [word for word in arguments if word.startswith("test_tipc/configs/")]
        assert all((ROOT / file).is_file() for file in configs_of_chains), f"{self.block}: bash {arguments}"


def plain(words: list[str], block: Block) -> list[str]:
    """A synopsis has brackets around what may be left out, and dots where more may follow."""
    if block.mark.kind != "form":
        return words
    return [bare for word in words if (bare := word.strip("[]").removesuffix("..."))]


def subcommands(options: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return next((dict(action.choices) for action in options._actions if action.nargs == argparse.PARSER), {})


def anchors(page: Path) -> list[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), flags=re.M)
    return [re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-").lower() for heading in headings]
