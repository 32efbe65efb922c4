"""TIPC's positional configs: what is read in them, and what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ctrgcn_plugin import configs, resources
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.tipc import preparing
from ctrgcn_plugin.tipc.chain import LITE, Chain
from ctrgcn_plugin.tipc.commands import EVAL, EXPORT, PREDICT, TRAIN, Command

FOLDER = resources.folder("test_tipc")
OWN = sorted((FOLDER / "configs").rglob("*.txt"))
PLAIN = FOLDER / "configs" / "CTRGCN_light" / "train_infer_python.txt"


def changed(tmp_path: Path, old: str, new: str, source: Path = PLAIN) -> Path:
    """A copy of a config with one piece of text replaced."""
    text = source.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file = tmp_path / source.name
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def test_the_files_are_what_the_tables_make():
    result = subprocess.run(
        [sys.executable, FOLDER / "make_configs.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, "all as they should be\n")


def test_every_model_has_its_lite_chain():
    chains = preparing.shipped()
    assert set(chains) == {"CTRGCN", "CTRGCNLite", "CTRGCN_light", "CTRGCN_lightV2"}
    assert all("train_infer_python" in names for names in chains.values())
    assert "train_infer_python_aug" in chains["CTRGCN_light"]
    assert {"train_infer_python_aug", "train_infer_python_dml"} <= set(chains["CTRGCN_lightV2"])


@pytest.mark.parametrize("file", OWN, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_own_configs_name_what_is_there(file):
    """Each can be read, its model's name is its own, and its overrides fit PaddleVideo's config."""
    chain = Chain.read(file)
    names = [Chain.read(other).model_name for other in OWN]
    assert names.count(chain.model_name) == 1
    assert Command.parse(chain.python.value).program == "python"
    for mode in chain.modes:
        for _, command in chain.commands(mode):
            if command.config and not command.config.endswith("ctrgcn_ntucs_joint.yaml"):
                here = FOLDER.parent / command.config
                configs.load(here if here.is_file() else command.config, command.overrides(), need=())


def test_commands_of_the_lite_mode():
    chain = Chain.read(PLAIN)
    by_purpose = {command.purpose: (line.number, command) for line, command in chain.commands(LITE)}
    assert list(by_purpose) == [TRAIN, EVAL, EXPORT, PREDICT]
    number, train = by_purpose[TRAIN]
    assert number == 16 and train.script == "main.py"
    assert "DATASET.train.file_path=data/ntu-rgb-d/lite/train_data.npy" in train.overrides()
    assert "epochs=2" in train.overrides() and "log_interval=1" in train.overrides()
    assert "DATASET.test.file_path=data/ntu-rgb-d/lite/val_data.npy" in by_purpose[EVAL][1].overrides()
    whole = {command.purpose: command for _, command in chain.commands("whole_train_whole_infer")}
    assert whole[TRAIN].overrides() == ["model_name=CTRGCN_light"]
    assert whole[EVAL].overrides() == ["model_name=CTRGCN_light"]
    assert {command.purpose for _, command in chain.commands("whole_infer")} == {EXPORT, PREDICT}


def test_how_many_stages_a_run_has(tmp_path):
    chain = Chain.read(PLAIN)
    # oneDNN off: 2 numbers of threads, fp16 is skipped; on: 2 numbers of threads in 2 precisions
    assert chain.expected(LITE) == {TRAIN: 1, EVAL: 1, EXPORT: 1, PREDICT: 6}
    assert chain.expected("whole_infer") == {EXPORT: 1, PREDICT: 6}
    gpu = Chain.read(changed(tmp_path, "--use_gpu:False", "--use_gpu:True|False"))
    assert gpu.expected(LITE)[PREDICT] == 7
    trt = Chain.read(changed(tmp_path, "--use_gpu:False\n", "--use_gpu:True\n"))
    assert trt.expected(LITE)[PREDICT] == 1
    two = Chain.read(changed(tmp_path, "gpu_list:-1", "gpu_list:0|0,1"))
    assert two.expected(LITE)[TRAIN] == 2
    null = Chain.read(changed(tmp_path, "trainer:norm_train", "trainer:norm_train|pact_train"))
    assert null.expected(LITE)[TRAIN] == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pact_train:null\n", "", "eval_params===========================', where TIPC reads '##'"),
        ("eval:main.py", "evaluate:main.py", "line 24 is 'evaluate:main.py"),
        (
            "model_name:CTRGCN_light",
            "name:CTRGCN_light",
            "line 2 is 'name:CTRGCN_light', where TIPC reads 'model_name'",
        ),
        ("log_interval:1", "log_interval:1:2", "line 12: TIPC drops '2"),
        ("main.py --test -c", "main.py --test '-c", "line 24 is no command: No closing quotation"),
        ("=train_params=", "=training=", "begins with 'training'"),
    ],
)
def test_wrong_lines_are_named(tmp_path, old, new, said):
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        list(Chain.read(changed(tmp_path, old, new)).commands(LITE))
    assert "\n" not in str(caught.value)


def test_a_file_that_ends_early(tmp_path):
    file = tmp_path / "short.txt"
    file.write_text("\n".join(PLAIN.read_text(encoding="utf-8").splitlines()[:20]))
    with pytest.raises(ConfigError, match="ends after 20 lines"):
        Chain.read(file)


def test_blank_lines_do_not_count_as_for_the_shell(tmp_path):
    spaced = tmp_path / "spaced.txt"
    spaced.write_text(PLAIN.read_text(encoding="utf-8").replace("\n", "\n\n"), encoding="utf-8")
    assert Chain.read(spaced).expected(LITE) == Chain.read(PLAIN).expected(LITE)


def test_windows_line_ends_are_refused(tmp_path):
    file = tmp_path / "dos.txt"
    file.write_bytes(PLAIN.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(ConfigError, match="Windows line ends"):
        Chain.read(file)


def test_words_of_a_command():
    command = Command.parse("python tools/predict.py --config a.yaml -o x=1 -o=y=2 --precision=fp16 > log 2>&1 ")
    assert command.words[-1] == "--precision=fp16"
    assert command.purpose == PREDICT and command.config == "a.yaml"
    assert command.overrides() == ["x=1", "y=2"] and command.value("--precision") == "fp16"
    ours = Command.parse("python -m ctrgcn_plugin export -c a.yaml -o=folder -p=w.pdparams --save_name inference")
    assert ours.purpose == EXPORT and ours.overrides() == [] and ours.value("-o") == "folder"
    launched = Command.parse('python -B -m paddle.distributed.launch --devices="0,1" main.py -c a.yaml')
    assert launched.purpose == TRAIN and launched.script == "main.py"
