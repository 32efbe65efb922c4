"""The quickstart with one pass over its data: every step real, the same numbers twice, all files there, and used on."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import doc_pages
import pytest

from ctrgcn_plugin.cli import COMMANDS

pytest_plugins = ["browser"]
# the quickstart itself; what gets a PaddleVideo from the network
RUN_ELSEWHERE = ("quickstart", "upstream")


@pytest.fixture(scope="module")
def again(tmp_path_factory, request):
    """The folder of a second quickstart with the same seed, made while the first is."""
    folder = tmp_path_factory.mktemp("again")
    command = [sys.executable, "-m", "ctrgcn_plugin", "quickstart", "--epochs", "1", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        request.getfixturevalue("quickstart")
        printed, _ = process.communicate()
    assert process.returncode == 0, printed[-4000:]
    return folder


@pytest.fixture(scope="module")
def folder(quickstart, tmp_path_factory):
    """A copy of the folder, to work in."""
    return shutil.copytree(quickstart, tmp_path_factory.mktemp("used") / "quickstart")


def test_a_seed_gives_the_same_numbers_again(again, quickstart):
    first, second = (json.loads((made / "summary.json").read_text()) for made in (quickstart, again))
    first.pop("seconds"), second.pop("seconds")
    assert first == second


def test_leaves_what_it_promises(quickstart):
    for file in (
        *("quickstart.yaml", "summary.json", "clip.npy", "logs/train.log", "data/xsub/train_data.npy"),
        *("data/dataset.yaml", "clips/labels.csv", "scores.npz", "output/CTRGCN_lightV2_quickstart/curves/epochs.csv"),
    ):
        assert (quickstart / file).is_file(), file
    assert (quickstart / "clip.png").read_bytes().startswith(b"\x89PNG")
    assert list((quickstart / "inference").glob("*.pdiparams"))


def test_the_numbers_are_those_of_the_logs(quickstart):
    summary = json.loads((quickstart / "summary.json").read_text())
    assert summary["actions"] == 10 and summary["train_clips"] == 450 and summary["test_clips"] == 150
    assert f"avg_acc1= {summary['top1']}" in (quickstart / "logs" / "test.log").read_text()
    # after one pass it has only begun, but it has: chance is 0.1
    assert summary["top1"] > 0.2
    assert 0 < summary["export_error"] < 1e-4
    assert f"top-1 {summary['top1']:.2%}" in (quickstart / "printed.txt").read_text(encoding="utf-8")


def test_every_command_is_shown_ready_to_paste(quickstart, folder):
    printed = (quickstart / "printed.txt").read_text(encoding="utf-8")
    commands = [line[2:] for line in printed.splitlines() if line.startswith("$ ")]
    steps = ("--validate", "--test", " export ", " predict ", " visualize ", " report ")
    assert [step for line in commands for step in steps if step in line] == [*steps[:5], *steps[4:]]
    (predict,) = (line for line in commands if " predict " in line)
    again = subprocess.run(predict, shell=True, capture_output=True, text=True, check=True)
    (answer,) = map(json.loads, again.stdout.splitlines())
    assert answer["clip"] == "clip.npy"
    # named, although nobody has said the names to this command: the model carries them
    assert f"    {answer['top'][0]['name']}" in printed


def test_its_pages_open_in_a_browser(quickstart, open_page):
    summary = json.loads((quickstart / "summary.json").read_text())
    for file, texts in (
        ("report.html", (f"{summary['top1']:.1%}", "walk toward each other")),
        ("clip.html", (f"predicted: {summary['predicted']}", f"true: {summary['action']}")),
    ):
        opened = open_page(quickstart / file)
        shown = opened.page.inner_text("body")
        assert all(text in shown for text in texts), file
        assert (opened.problems, opened.requests) == ([], [])


def test_pages_that_say_so_have_these_examples():
    examples = {line for command in COMMANDS for line in command.example.splitlines()}
    said = [
        line
        for page in doc_pages.pages()
        for block in doc_pages.blocks(page)
        if block.mark.kind == "run by" and "test_the_example_of_each_command" in block.mark.value
        for line in block.content.splitlines()
    ]
    assert len(said) > 10 and {re.split(r" +# ", line)[0] for line in said} <= examples


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.name not in RUN_ELSEWHERE], ids=lambda c: c.name)
def test_the_example_of_each_command(command, folder):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # the example's results must not be those of the quickstart
    kept = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.example],
        cwd=folder,
        env={**os.environ, "PATH": path, "PADDLEVIDEO_ROOT": str(folder / "ppvideo-2.3.1" / "ppvideo")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    changed = any(kept.get(file) != file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file())
    assert done.stdout.strip() or changed
