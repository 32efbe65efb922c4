"""The quickstart with one pass over its data: every step real, the same numbers twice, all files there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs with one seed, at the same time: (work folder, what was printed)."""
    folders = [tmp_path_factory.mktemp(f"quickstart{number}") for number in range(2)]
    command = [sys.executable, "-m", "ctrgcn_plugin", "quickstart", "--epochs", "1", "--dir"]
    started = [
        subprocess.Popen([*command, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for folder in folders
    ]
    results = []
    for folder, process in zip(folders, started):
        printed, errors = process.communicate()
        assert process.returncode == 0, printed[-2000:] + errors[-2000:]
        results.append((folder, printed))
    return results


def test_leaves_what_it_promises(runs):
    folder, _ = runs[0]
    for file in ("quickstart.yaml", "summary.json", "clip.npy", "logs/train.log", "data/train_data.npy"):
        assert (folder / file).is_file(), file
    assert (folder / "clip.png").read_bytes().startswith(b"\x89PNG")
    assert list((folder / "inference").glob("*.pdiparams"))


def test_the_numbers_are_those_of_the_logs(runs):
    folder, printed = runs[0]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["actions"] == 10 and summary["train_clips"] == 450 and summary["test_clips"] == 150
    assert f"avg_acc1= {summary['top1']}" in (folder / "logs" / "test.log").read_text()
    # after one pass it has only begun, but it has: chance is 0.1
    assert summary["top1"] > 0.2
    assert 0 < summary["export_error"] < 1e-4
    assert f"top-1 {summary['top1']:.2%}" in printed


def test_every_command_is_shown_ready_to_paste(runs):
    folder, printed = runs[0]
    commands = [line[2:] for line in printed.splitlines() if line.startswith("$ ")]
    assert [
        word for line in commands for word in ("--validate", "--test", " export ", " predict ") if word in line
    ] == [
        "--validate",
        "--test",
        " export ",
        " predict ",
    ]
    again = subprocess.run(commands[-1], shell=True, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout.strip().splitlines()[-1])["clip"] == "clip.npy"


def test_a_seed_gives_the_same_numbers_again(runs):
    first, second = (json.loads((folder / "summary.json").read_text()) for folder, _ in runs)
    first.pop("seconds"), second.pop("seconds")
    assert first == second
