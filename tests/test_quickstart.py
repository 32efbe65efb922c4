"""The quickstart with one pass over its data: every step real, the same numbers twice, all files there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs with one seed: (work folder, what was printed)."""
    results = []
    for number in range(2):
        folder = tmp_path_factory.mktemp(f"quickstart{number}")
        command = [sys.executable, "-m", "ctrgcn_plugin", "quickstart", "--dir", str(folder), "--epochs", "1"]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        results.append((folder, done.stdout))
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
