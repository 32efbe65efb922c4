"""The command line: help without heavy imports, mistakes in one line, the commands as TIPC calls them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import numpy as np
import paddle
import pytest
import yaml

from ctrgcn_plugin import __version__, configs
from ctrgcn_plugin.cli import COMMANDS, main, parser
from ctrgcn_plugin.deploy import engines
from ctrgcn_plugin.models.network import build_network

MODEL = {
    "framework": "RecognizerGCN",
    "backbone": {"name": "CTRGCN_light", "base_channel": 8},
    "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": 3},
}
INFERENCE = {
    "name": "CTRGCN_Inference_helper",
    "window_size": 16,
    "p_interval": [0.95],
    "num_channels": 3,
    "vertex_nums": 25,
    "person_nums": 2,
}


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A work folder with a config, a checkpoint and a clip."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"MODEL": MODEL, "INFERENCE": INFERENCE, "model_name": "small"}))
    paddle.save(build_network(MODEL).state_dict(), "w.pdparams")
    np.save("clip.npy", np.random.default_rng(0).standard_normal((3, 20, 25, 2)).astype("float32"))
    return tmp_path


def test_version(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0 and capsys.readouterr().out.strip() == f"ctrgcn-plugin {__version__}"


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom ctrgcn_plugin.cli import parser\nparser().format_help()\n"
        "print({'paddle', 'numpy', 'yaml', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def shown(*arguments, columns=80):
    """What a command prints in a terminal of so many columns."""
    environment = {**os.environ, "COLUMNS": str(columns)}
    command = [sys.executable, "-m", "ctrgcn_plugin", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def test_help_has_a_line_for_each_command_in_the_order_of_need():
    lines = shown("--help").splitlines()
    listed = [line for line in lines if line.startswith("  ") and not line.startswith("  -")]
    assert [line.split()[0] for line in listed] == [command.name for command in COMMANDS]
    assert all(line.split(maxsplit=1)[1] == command.text for line, command in zip(listed, COMMANDS))
    # of a first use: get ready, prepare, train, look, deploy
    order = ["quickstart", "prepare", "configure", "export", "predict", "benchmark", "completion"]
    assert sorted(order, key=[command.name for command in COMMANDS].index) == order


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_help_of_a_command_has_its_example(command, capsys):
    with pytest.raises(SystemExit):
        main([command.name, "-h"])
    text = capsys.readouterr().out
    for line in command.example.splitlines():
        # as it is, however wide the terminal: it is to be pasted
        assert f"  {line}\n" in text
        assert line.startswith("ctrgcn ")
        words = shlex.split(line.partition(" > ")[0])
        assert parser().parse_args(words[1:]).command is command
    assert "--quiet" in text and "--verbose" in text


@pytest.mark.parametrize("place", [["data", "-v", "check", "no"], ["data", "check", "no", "-v"]])
def test_verbose_says_where_an_error_comes_from(place, capsys):
    assert main(place) == 1
    told = capsys.readouterr().err
    assert told.startswith("Traceback") and told.splitlines()[-1].startswith("ctrgcn: error: no folder no")
    assert main(["data", "check", "no", "-q"]) == 1
    assert capsys.readouterr().err.startswith("ctrgcn: error: no folder no")


def test_completion_in_a_real_bash(tmp_path):
    script = tmp_path / "ctrgcn.bash"
    script.write_text(shown("completion", "bash"))
    # COMP_WORDS and COMP_CWORD are what bash sets before it calls a completion function
    code = (
        f"source {script}; COMP_WORDS=(ctrgcn {{}}); COMP_CWORD=$((${{{{#COMP_WORDS[@]}}}} - 1)); "
        "_shtab_ctrgcn ctrgcn; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    for typed, expected in (("qu", ["quickstart"]), ("data ch", ["check"]), ("predict --to", ["--top_k"])):
        done = subprocess.run(["bash", "-c", code.format(typed)], capture_output=True, text=True, check=True)
        assert [word.strip() for word in done.stdout.split()] == expected, typed


def test_module_and_script_are_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "ctrgcn_plugin", "configs"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == configs.shipped()


def test_options_in_the_form_that_tipc_uses():
    options = parser().parse_args(["export", "-c=a.yaml", "-p=b.pdparams", "-o=out", "--save_name=inference"])
    assert (options.config, options.pretrained_params, str(options.output_path)) == ("a.yaml", "b.pdparams", "out")


def test_export_then_predict(trained, capsys):
    assert main(["export", "-c=c.yaml", "-p=w.pdparams", "-o=inference"]) == 0
    files = sorted(path.name for path in (trained / "inference").iterdir())
    assert "small.pdiparams" in files and any(name.endswith(".yaml") for name in files)
    capsys.readouterr()
    assert main(["predict", "-m", "inference", "-i", "clip.npy", "-k", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert answer["clip"] == "clip.npy" and len(answer["top"]) == 2
    assert answer["top"][0]["probability"] >= answer["top"][1]["probability"]
    assert main(["predict", "-m", "inference", "-i", "clip.npy", "clip.npy"]) == 0
    assert capsys.readouterr().out.count("clip.npy") == 2


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["export", "-c", "no.yaml", "-p", "w.pdparams"], "no config at no.yaml; the plugin ships: "),
        (["export", "-c", "c.yaml", "-p", "no.pdparams"], "no checkpoint at no.pdparams; in . there is w.pdparams"),
        (
            ["export", "-c", "c.yaml", "-p", "w.pdparams", "--override", "MODEL.backbone.base_channel=12"],
            "w.pdparams does not fit CTRGCN_light: ",
        ),
        (
            ["export", "-c", "c.yaml", "-p", "w.pdparams", "--override", "MODEL.backbone.graph=ntu"],
            "unknown graph 'ntu'",
        ),
        (["export", "-c", "c.yaml", "-p", "w.pdparams", "-o", "clip.npy/out"], "clip.npy/out"),
        (["predict", "-m", "nowhere", "-i", "clip.npy"], "no model at nowhere"),
        (["run", "no.py"], "no script at no.py"),
        (["quickstart", "--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["quickstart", "--dir", "clip.npy/x"], "clip.npy/x cannot be written"),
        (["quickstart", "--paddlevideo", "."], "no PaddleVideo at ."),
    ],
    ids=["config", "weights", "other model", "graph", "output", "model", "script", "epochs", "dir", "paddlevideo"],
)
def test_a_mistake_is_one_line(arguments, message, trained, capsys):
    before = sorted(trained.rglob("*"))
    assert main(arguments) == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("ctrgcn: "))
    assert line.startswith("ctrgcn: error: ") and message in line
    after = [path for path in sorted(trained.rglob("*")) if path not in before and "quickstart" not in path.parts]
    assert not after


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """One folder with an exported model for Paddle, and one with it for ONNX Runtime where that is installed."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "c.yaml").write_text(yaml.safe_dump({"MODEL": MODEL, "INFERENCE": INFERENCE, "model_name": "small"}))
    paddle.save(build_network(MODEL).state_dict(), str(folder / "w.pdparams"))
    np.save(folder / "clip.npy", np.random.default_rng(0).standard_normal((3, 20, 25, 2)).astype("float32"))
    common = ["export", f"-c={folder}/c.yaml", f"-p={folder}/w.pdparams"]
    assert main([*common, f"-o={folder}/for_paddle"]) == 0
    if engines.missing("onnxruntime") is None:
        assert main([*common, f"-o={folder}/for_onnx", "--format=onnx"]) == 0
    return folder


def without_paddle(*arguments):
    """A command in an interpreter that has no Paddle."""
    code = (
        f"import sys\nsys.modules['paddle'] = None\nfrom ctrgcn_plugin.cli import main\nsys.exit(main({arguments!r}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_no_paddle_at_all(exported, trained):
    predict = ("predict", "-i", f"{exported}/clip.npy", "-m")
    for arguments in ((*predict, f"{exported}/for_paddle"), ("export", "-c", "c.yaml", "-p", "w.pdparams")):
        done = without_paddle(*arguments)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "PaddlePaddle cannot be imported" in done.stderr and 'pip install "ctrgcn-plugin[cpu]"' in done.stderr


@pytest.mark.skipif(engines.missing("onnxruntime") is not None, reason="no onnxruntime")
def test_onnx_models_need_no_paddle(exported):
    predict = ["predict", "--json", "-i", f"{exported}/clip.npy", "-m"]
    done = without_paddle(*predict, f"{exported}/for_onnx")
    assert done.returncode == 0, done.stderr
    (answer,) = map(json.loads, done.stdout.splitlines())
    assert answer["top"][0]["probability"] > 0


def test_a_paddle_that_is_too_old(monkeypatch, exported, capsys):
    monkeypatch.setattr(paddle, "__version__", "2.4.2")
    assert main(["predict", "-m", f"{exported}/for_paddle", "-i", f"{exported}/clip.npy"]) == 1
    assert "PaddlePaddle 2.4.2 is too old, 2.6.2 is needed" in capsys.readouterr().err


def test_predict_takes_folders_and_lists(exported, capsys):
    (exported / "list.txt").write_text("# one\nclip.npy\n")
    for given in (exported, exported / "list.txt"):
        assert main(["predict", "-m", f"{exported}/for_paddle", "-i", str(given), "-e", "paddle"]) == 0
        assert f"{exported}/clip.npy" in capsys.readouterr().out


def test_a_clip_of_integers_is_said(exported, capsys):
    np.save(exported / "list.npy", np.ones((3, 20, 25, 2), "int16"))
    done = subprocess.run(
        [sys.executable, "-m", "ctrgcn_plugin", "predict", "-m", exported / "for_paddle", "-i", exported / "list.npy"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "holds int16, used as float32" in done.stderr
