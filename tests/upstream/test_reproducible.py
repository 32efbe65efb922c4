"""The same seed trains the same, to the bit, and `ctrgcn train` says whether it did. One thread, Mixup."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest
import yaml

from ctrgcn_plugin import cli, curves
from ctrgcn_plugin.training import record, reproduce
from ctrgcn_plugin.training.record import CONFIG, RUN

RECIPE = "configs/recognition/ctrgcn/ctrgcn_light_v2_ntucs_joint_aug.yaml"
NAME = "CTRGCN_lightV2_joint"
COMMAND = "import sys\nfrom ctrgcn_plugin.cli import main\nsys.exit(main({!r}))\n"


@pytest.fixture(scope="module")
def ctrgcn(preloaded, ppvideo_root, tmp_path_factory):
    """Run a command of ours in a folder: (exit status, what it printed)."""
    script = tmp_path_factory.mktemp("script") / "command.py"

    def run(folder: Path, *arguments: object) -> tuple[int, str]:
        script.write_text(COMMAND.format([*map(str, arguments)]))
        return preloaded(script, folder, script.with_suffix(".log"), PADDLEVIDEO_ROOT=str(ppvideo_root))

    return run


@pytest.fixture(scope="module")
def trained(ctrgcn, small, narrow, tmp_path_factory):
    """A folder with a training in ``two``, of two epochs with two loader workers; what was printed."""
    folder = tmp_path_factory.mktemp("trained")
    more = {"epochs": 2, "DATASET.num_workers": 2, "DATASET.valid_batch_size": 7, "output_dir": "two"}
    status, printed = ctrgcn(folder, "train", "-c", RECIPE, "--seed", 5, *small, *narrow("aug", **more))
    assert status == 0, printed[-3000:]
    return folder, printed


def test_a_training_says_what_is_next_and_records_itself(trained):
    folder, printed = trained
    run = folder / "two"
    (start,) = record.read(run)
    assert (start.seed, start.options["validate"], start.resumed_from) == (5, True, 0)
    assert {"validation-weights", "run-record"} <= set(start.fixes["applied"])
    assert start.versions["PaddleVideo"] == "0.0.1"
    assert len(start.files) == 4 and all(file.sha256 for file in start.files.values())
    config = yaml.safe_load((run / CONFIG).read_text())
    assert (config["epochs"], config["DATASET"]["num_workers"], config["output_dir"]) == (2, 2, "two")
    best = max(row["valid_top1"] for row in curves.read(run).epochs)
    assert f"trained: best top-1 {best:.2%} in epoch " in printed
    last = [line.partition(":")[0] for line in printed.splitlines()[-3:]]
    assert last == ["test", "report", "export"] and f"-c two/{CONFIG} -p two/{NAME}_best.pdparams" in printed


def test_the_same_again(trained, ctrgcn):
    folder, _ = trained
    status, printed = ctrgcn(folder, "train", "--reproduce", "two", "-o", "output_dir=again")
    assert status == 0, printed[-3000:]
    assert printed.splitlines()[-1] == "again against two: equal to the bit: 4 steps, 2 epochs"
    first, second = (folder / run / f"{NAME}_epoch_00002.pdparams" for run in ("two", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_another_seed_is_not_the_same(trained, ctrgcn):
    folder, _ = trained
    shutil.copytree(folder / "two", folder / "other")
    text = (folder / "other" / RUN).read_text()
    (folder / "other" / RUN).write_text(text.replace("seed: 5\n", "seed: 6\n"))
    status, printed = ctrgcn(folder, "train", "--reproduce", "other", "-o", "epochs=1")
    assert status == 1
    assert "other_again against other: the first that differs is step 1 (epoch 1): loss" in printed.splitlines()[-1]


def test_goes_on_where_it_stopped(trained, ctrgcn, small, narrow):
    """From the beginning where nothing is there yet; what comes out is that of a training that never stopped."""
    folder, _ = trained
    more = {"DATASET.num_workers": 2, "DATASET.valid_batch_size": 7, "output_dir": "resumed"}
    command = ["train", "-c", RECIPE, "--seed", 5, "--resume", *small, *narrow("aug", **more)]
    for epochs, said in (
        (1, "no checkpoint in resumed: from the beginning"),
        (2, "epochs: 1 then, 2 now\ngoing on after epoch 1\n"),
        (2, "all 2 epochs are trained: best top-1"),
    ):
        status, printed = ctrgcn(folder, *command, "-o", f"epochs={epochs}")
        assert status == 0 and said in printed, printed[-3000:]
    assert [start.resumed_from for start in record.read(folder / "resumed")] == [0, 1]
    found = reproduce.compare(folder / "two", folder / "resumed")
    assert found.equal, found.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-c", f"two/{CONFIG}"],
            "two has a training already (.*_epoch_00002.pdparams); go on with it with --resume, ",
        ),
        (["--reproduce", "two", "-o", "output_dir=two"], "two has a training already (.*); train into another folder"),
        (["--reproduce", "two", "--seed", "3", "--resume"], "has recorded; leave out --seed, --resume"),
        (["--reproduce", "none"], f"no {RUN} in none"),
        (
            ["-c", f"bare/{CONFIG}", "-o", "output_dir=bare", "--resume"],
            "no checkpoint that can be gone on from exactly",
        ),
    ],
)
def test_replaces_no_training(trained, ppvideo_root, monkeypatch, capsys, arguments, message):
    folder, _ = trained
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PADDLEVIDEO_ROOT", str(ppvideo_root))
    Path("bare").mkdir(exist_ok=True)
    for name in (CONFIG, f"{NAME}_epoch_00002.pdparams"):
        shutil.copy(Path("two", name), "bare")
    assert cli.main(["train", *arguments]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    first, _, last = message.partition(".*")
    assert first in said and last in said


# a training that would build its network at the very end of this
BRIEF = """
import os
from pathlib import Path
from paddlevideo.tasks import train
from paddlevideo.utils.config import AttrDict

def end(model):
    raise InterruptedError

def brief(name, backbone="CTRGCN"):
    train.build_model = end
    model = AttrDict(framework="RecognizerGCN", backbone=AttrDict(name=backbone))
    try:
        train.train_model(AttrDict(model_name=name, MODEL=model, DATASET=AttrDict(), epochs=1, use_npu=False))
    except InterruptedError:
        pass
    return sorted(file.name for file in Path("output", name).iterdir() if file.suffix == ".yaml")
paddle.set_device = lambda name: None
"""


def test_who_records(probe, tmp_path):
    (tmp_path / "output/locked/run.yaml").mkdir(parents=True)
    code = """
        found = dict(ours=brief("ours"), other=brief("other", backbone="TSM"), locked=brief("locked"))
        paddle.distributed.get_rank = lambda: 1
        answer(**found, rank=brief("rank"))
    """
    answered, printed = probe(BRIEF + textwrap.dedent(code))
    assert answered == {"ours": [CONFIG, RUN], "other": [], "locked": [CONFIG, RUN], "rank": []}, printed[-3000:]
    (warning,) = (line for line in printed.splitlines() if "goes on without output/locked/run.yaml" in line)
    assert "PADDLEVIDEO_PLUGIN_FIXES=run-record switches it off" in warning


def test_off(probe):
    answered, printed = probe(BRIEF + 'answer(files=brief("off"))', off="run-record")
    assert answered == {"files": []}, printed[-3000:]
