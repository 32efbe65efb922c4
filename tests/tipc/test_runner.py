"""Upstream's own scripts, unedited, in a git checkout: run, and judged."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ctrgcn_plugin import resources

CONFIGS = resources.folder("test_tipc") / "configs"
WIDTH = 8


@pytest.fixture(scope="module")
def checkout(checkout_root, tmp_path_factory) -> Path:
    """A clone of the checkout, because TIPC writes into it."""
    folder = tmp_path_factory.mktemp("tipc") / "PaddleVideo"
    shutil.copytree(checkout_root, folder, symlinks=True, ignore=shutil.ignore_patterns("output", "inference", "log"))
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A narrow network's copy of a model's config, with some text replaced."""
    folder = tmp_path_factory.mktemp("configs")

    def write(name: str, model: str = "CTRGCN", chain: str = "train_infer_python", **replaced: str) -> Path:
        text = (CONFIGS / model / f"{chain}.txt").read_text(encoding="utf-8")
        narrow = f"MODEL.backbone.base_channel={WIDTH}", f"MODEL.head.in_channels={WIDTH}"
        as_options, as_overrides = (
            " ".join(f"{option} {value}" for value in narrow) for option in ("-o", "--override")
        )
        text = text.replace(f"-o model_name={model}", f"-o model_name={model} {as_options}")
        text = text.replace(f"--override model_name={model}", f"--override model_name={model} {as_overrides}")
        # one number of threads, and no precision that this machine may or may not have
        text = text.replace("--cpu_threads:1|6", "--cpu_threads:1").replace("--precision:fp32|fp16", "--precision:fp32")
        for old, new in replaced.items():
            old = old.replace("__", ":")
            assert old in text
            text = text.replace(old, new)
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        return folder / f"{name}.txt"

    return write


@pytest.fixture
def tipc(checkout, python, tmp_path):
    """``ctrgcn tipc`` in the checkout; (exit status, output, stage -> reason of failure or None)."""

    def run(*arguments: object, **environment: str) -> tuple[int, str, dict[str, str | None]]:
        junit = tmp_path / "junit.xml"
        junit.unlink(missing_ok=True)
        call = ["-m", "ctrgcn_plugin", "tipc", *arguments, "--paddlevideo", checkout, "--junit", junit]
        result = python(call, tmp_path, 600, **environment)
        cases = ET.parse(junit).getroot().iter("testcase") if junit.is_file() else ()
        failures = {case.attrib["name"]: case.find("failure") for case in cases}
        reasons = {name: None if one is None else one.attrib["message"] for name, one in failures.items()}
        return result.returncode, result.stdout, reasons

    return run


def test_the_lite_chain_passes_and_upstreams_commands_work_by_hand(tipc, small, checkout, tmp_path):
    config = small("small")
    status, printed, stages = tipc("--config", config)
    assert status == 0, printed[-3000:]
    assert list(stages) == [
        "prepare",
        "train",
        "eval",
        "export",
        "predict cpu: oneDNN off, threads 1, batch 1, fp32",
        "predict cpu: oneDNN on, threads 1, batch 1, fp32",
    ]
    assert "6 of 6 stages passed" in printed and printed.count("scores within") == 2 and " ms, " in printed
    # PaddleVideo's own files are what they were
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    assert changed.stdout == ""
    for script in ("prepare.sh", "test_train_inference_python.sh"):
        assert (checkout / "test_tipc" / script).is_file()


def test_a_wrong_result_is_seen(tipc, small):
    """The fix that cures oneDNN's wrong answers is left out: the chain says successful, the judge does not."""
    status, printed, stages = tipc("--config", small("wrong"), PADDLEVIDEO_PLUGIN_FIXES="onednn-matmul")
    failed = {name: reason for name, reason in stages.items() if reason}
    assert status == 1 and list(failed) == ["predict cpu: oneDNN on, threads 1, batch 1, fp32"], printed[-3000:]
    assert "wrong result: its scores differ from the trained network's by" in next(iter(failed.values()))


@pytest.mark.parametrize(
    ("name", "replaced", "mode", "said"),
    [
        ("interpreter", {"python__python\n": "python:python3.0\n"}, "", "line 3: there is no interpreter 'python3.0'"),
        (
            "data",
            {},
            "whole_train_whole_infer",
            "line 16: no data to train: DATASET.train.file_path is ./data/ntu-rgb-d",
        ),
        ("model", {"--seed 1234": "--seed 1234 -o MODEL.backbone.name=Nothing"}, "", "line 16: unknown MODEL backbone"),
        ("line", {"pact_train__null\n": ""}, "", "where TIPC reads '##'; it goes by position"),
    ],
)
def test_mistakes_are_found_before_anything_runs(tipc, small, name, replaced, mode, said):
    status, printed, stages = tipc("--config", small(name, **replaced), *(["--mode", mode] if mode else []))
    assert status == 1 and list(stages) == ["prepare"] and said in stages["prepare"]
    assert printed.count(said) == 1


def test_a_training_that_ends_early_fails_as_that(tipc, small):
    """Upstream's script calls it successful, and goes on with a checkpoint that is not there."""
    config = small("early", **{"--seed 1234": "--seed 1234 -o OPTIMIZER.name=Nothing"})
    status, printed, stages = tipc("--config", config)
    assert status == 1 and "Run successfully with command" not in printed
    assert stages["train"].startswith("exit status 1: ") and "Nothing" in stages["train"]
    assert stages["eval"] and stages["export"]


def test_results_are_compared_by_upstreams_own_script(tipc, checkout):
    """The whole network, with fixed weights, as `results/` has it."""
    status, printed, stages = tipc("CTRGCN_light", "--chain", "model_infer_python")
    assert status == 0, printed[-3000:]
    assert "compare with kept results" in stages and "6 logs agree" in printed
    kept = checkout / "test_tipc/results/CTRGCN_light/python_ppvideo_CTRGCN_light_results_fp32.txt"
    kept.write_text(kept.read_text().replace("class: 34", "class: 35"))
    status, printed, stages = tipc("CTRGCN_light", "--chain", "model_infer_python")
    assert status == 1 and "are inconsistent" in stages["compare with kept results"]
