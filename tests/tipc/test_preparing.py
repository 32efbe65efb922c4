"""What is put into PaddleVideo's folder, and what is found to be missing there."""

from __future__ import annotations

import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from ctrgcn_plugin import checkpoint, configs, resources
from ctrgcn_plugin.cli import main
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.errors import CheckpointError, ConfigError, EnvironmentSetupError, UserError
from ctrgcn_plugin.models.network import build_network
from ctrgcn_plugin.tipc import fixed, lite_data, preparing, requirements, runner, supplies
from ctrgcn_plugin.tipc.chain import LITE, WHOLE_INFER, Chain, Need
from ctrgcn_plugin.upstream.locate import Upstream

PLAIN = resources.folder("test_tipc") / "configs" / "CTRGCN_light" / "train_infer_python.txt"
SMALL = {
    "MODEL": {
        "backbone": {"name": "CTRGCN_light", "base_channel": 8},
        "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": 5},
    },
    "INFERENCE": {"name": "CTRGCN_Inference_helper", "window_size": 16},
}


def read_set(folder: Path, split: str) -> tuple[np.ndarray, list[str], list[int]]:
    names, labels = pickle.loads((folder / f"{split}_label.pkl").read_bytes())
    return np.load(folder / f"{split}_data.npy"), names, labels


class TestLiteData:
    def test_without_data_clips_are_made(self, tmp_path):
        assert lite_data.make(tmp_path) == "16 procedural clips"
        for split, count in lite_data.LITE_CLIPS.items():
            clips, names, labels = read_set(tmp_path / lite_data.LITE, split)
            assert clips.shape[0] == len(names) == len(labels) == count
            assert clips.shape[1] == 3 and clips.shape[3:] == (25, 2) and clips.dtype == np.float32
            # an even choice of the ten actions
            assert len(set(labels)) >= min(count, 10) // 2
        assert sorted(path.name for path in tmp_path.rglob("*.*") if path.is_file()) == [
            "train_data.npy",
            "train_label.pkl",
            "val_data.npy",
            "val_label.pkl",
        ]

    def test_of_the_users_data_some_clips_are_taken(self, tmp_path):
        whole = tmp_path / lite_data.WHOLE
        whole.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for split, count in (("train", 100), ("val", 4)):
            np.save(whole / f"{split}_data.npy", rng.standard_normal((count, 3, 20, 25, 2)).astype("float32"))
            labels = [f"clip{i}" for i in range(count)], [i % 60 for i in range(count)]
            (whole / f"{split}_label.pkl").write_bytes(pickle.dumps(labels))
        before = {file: file.read_bytes() for file in whole.iterdir()}
        assert lite_data.make(tmp_path) == "16 clips of data/ntu-rgb-d/xsub"
        clips, names, labels = read_set(tmp_path / lite_data.LITE, "train")
        original, all_names, all_labels = read_set(whole, "train")
        rows = [all_names.index(name) for name in names]
        assert len(rows) == 12 and rows[0] == 0 and rows[-1] == 99
        np.testing.assert_array_equal(clips, original[rows])
        assert labels == [all_labels[row] for row in rows]
        assert len(read_set(tmp_path / lite_data.LITE, "val")[1]) == 4
        assert {file: file.read_bytes() for file in whole.iterdir()} == before

    def test_labels_that_do_not_fit_are_named(self, tmp_path):
        whole = tmp_path / lite_data.WHOLE
        whole.mkdir(parents=True)
        for split in lite_data.LITE_CLIPS:
            np.save(whole / f"{split}_data.npy", np.zeros((3, 3, 4, 25, 2), "float32"))
            (whole / f"{split}_label.pkl").write_bytes(pickle.dumps((["a"], [0])))
        with pytest.raises(UserError, match="3 clips in train_data.npy, 1 labels"):
            lite_data.make(tmp_path)


@pytest.fixture
def need(tmp_path) -> Need:
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(SMALL), encoding="utf-8")
    return Need(Path("inference/small/weights.pdparams"), "small.yaml", save_name="inference")


class TestWeights:
    def test_fixed_ones_are_the_same_every_time(self, tmp_path, need):
        first = preparing.place_weights(tmp_path, need, None, replace=True)
        one = checkpoint.read(tmp_path / need.weights)
        paddle.seed(99)
        preparing.place_weights(tmp_path, need, None, replace=True)
        two = checkpoint.read(tmp_path / need.weights)
        assert first.fixed and first.exported.weights == need.weights
        assert all((one[key] == two[key]).all() for key in one) and len(one) > 100

    def test_fixed_ones_tell_clips_apart_and_stay_finite(self):
        network = build_network(SMALL["MODEL"])
        fixed.fill(network)
        rng = np.random.default_rng(0)
        clips = rng.standard_normal((2, 3, 16, 25, 2)).astype("float32")
        scores = network(paddle.to_tensor(clips)).numpy()
        assert np.isfinite(scores).all() and np.abs(scores[0] - scores[1]).max() > 0.1

    def test_the_users_are_used_and_stay_what_they_are(self, tmp_path, need):
        network = build_network(SMALL["MODEL"])
        paddle.save(network.state_dict(), str(tmp_path / "mine.pdparams"))
        placed = preparing.place_weights(tmp_path, need, tmp_path / "mine.pdparams", replace=True)
        assert not placed.fixed and "mine.pdparams" in placed.told
        there = checkpoint.read(tmp_path / need.weights)
        assert all((there[key] == value.numpy()).all() for key, value in network.state_dict().items())
        # a config of the user's: what it names is theirs, and is not replaced
        before = (tmp_path / need.weights).read_bytes()
        placed = preparing.place_weights(tmp_path, need, None, replace=False)
        assert not placed.fixed and (tmp_path / need.weights).read_bytes() == before
        with pytest.raises(UserError, match="is there already"):
            preparing.place_weights(tmp_path, need, tmp_path / "mine.pdparams", replace=False)

    def test_weights_of_another_model_are_refused(self, tmp_path, need):
        other = build_network({**SMALL["MODEL"], "backbone": {"name": "CTRGCN_lightV2", "base_channel": 8}})
        paddle.save(other.state_dict(), str(tmp_path / "other.pdparams"))
        with pytest.raises(CheckpointError, match="does not fit CTRGCN_light"):
            preparing.place_weights(tmp_path, need, tmp_path / "other.pdparams", replace=True)
        assert not (tmp_path / need.weights).exists()

    def test_a_model_of_an_earlier_run_does_not_pass_for_this_ones(self, tmp_path, need):
        folder = tmp_path / need.weights.parent
        folder.mkdir(parents=True)
        for name in ("inference.json", "inference.pdmodel", "inference.pdiparams", "inference.onnx", "mine.onnx"):
            (folder / name).touch()
        preparing.place_weights(tmp_path, need, None, replace=True)
        assert sorted(path.name for path in folder.iterdir()) == ["mine.onnx", "weights.pdparams"]
        making = replace(need, makes=need.weights.with_name("mine.onnx"))
        preparing.place_weights(tmp_path, making, None, replace=True)
        assert [path.name for path in folder.iterdir()] == ["weights.pdparams"]

    def test_a_model_of_the_users_own_chain_stays(self, tmp_path, need):
        model = need.weights.with_name("mine.pdmodel")
        (tmp_path / model).parent.mkdir(parents=True)
        (tmp_path / model).write_bytes(b"mine")
        placed = preparing.place_weights(tmp_path, replace(need, model=model), None, replace=False)
        assert placed.told == f"the user's {model}" and not placed.fixed
        assert [path.name for path in (tmp_path / model).parent.iterdir()] == ["mine.pdmodel"]

    def test_networks_start_from_fixed_weights_where_theirs_are_missing(self, tmp_path):
        config = configs.load("configs/recognition/ctrgcn/ctrgcn_lite_ntucs_joint_dml.yaml")
        for entry in config["MODEL"]["models"]:
            for section in entry.values():
                section["backbone"]["base_channel"] = section["head"]["in_channels"] = 8
        # a checkpoint of another name is the user's business
        assert supplies.supply(tmp_path, config) == []
        config["MODEL"]["models"][0]["Teacher"]["backbone"]["pretrained"] = "./w/fixed.pdparams"
        assert supplies.supply(tmp_path, config) == ["./w/fixed.pdparams: fixed weights, not trained ones"]
        assert supplies.supply(tmp_path, config) == []
        assert checkpoint.read(tmp_path / "w/fixed.pdparams")


def test_configs_are_placed_and_the_users_stay(tmp_path):
    upstream = Upstream(tmp_path)
    placed = preparing.place_configs(upstream, "CTRGCN_light", "train_infer_python")
    assert placed.read_bytes() == PLAIN.read_bytes() and preparing.is_shipped(placed)
    assert (tmp_path / "test_tipc/results/CTRGCN_light/python_ppvideo_CTRGCN_light_results_fp32.txt").is_file()
    placed.write_text("mine")
    assert preparing.place_configs(upstream, "CTRGCN_light", "train_infer_python").read_text() == "mine"
    assert not preparing.is_shipped(placed)
    with pytest.raises(ConfigError, match="unknown model of TIPC 'CTRGCN_ligth'.*Did you mean 'CTRGCN_light'"):
        preparing.place_configs(upstream, "CTRGCN_ligth", "train_infer_python")
    with pytest.raises(ConfigError, match="unknown chain of CTRGCN 'train_infer_python_aug'"):
        preparing.place_configs(upstream, "CTRGCN", "train_infer_python_aug")


@pytest.fixture
def root(tmp_path) -> Path:
    """A folder that has every file which the plain chain names."""
    folder = tmp_path / "PaddleVideo"
    for name in ("main.py", "tools/export_model.py", "tools/predict.py", "data/example_NTU-RGB-D_sketeton.npy"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    lite_data.make(folder)
    return folder


def with_line(root: Path, old: str, new: str) -> Chain:
    text = PLAIN.read_text(encoding="utf-8")
    assert old in text
    (root / "mine.txt").write_text(text.replace(old, new), encoding="utf-8")
    return Chain.read(root / "mine.txt")


def test_nothing_is_missing(root):
    chain = with_line(root, "python:python", "python:python")
    requirements.require_programs(chain, str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"])
    requirements.require(chain, root, LITE)


@pytest.mark.parametrize(
    ("old", "new", "mode", "said"),
    [
        ("main.py --validate", "main2.py --validate", LITE, "line 16: there is no script main2.py"),
        ("--test -c configs/", "--test -c config/", LITE, "line 24: no config at config/recognition"),
        ("--seed 1234", "--seed 1234 -o MODEL.backbone.name=X", LITE, "line 16: unknown MODEL backbone 'X'"),
        ("-o epochs:2", "-o epochs.x:2", LITE, "line 16: override 'epochs.x=2': epochs is a int"),
        (
            "",
            "",
            "whole_train_whole_infer",
            "line 16: no data to train: DATASET.train.file_path is ./data/ntu-rgb-d/xsub",
        ),
        ("", "", "lite_train_whole_infer", "line 24: no data to eval: DATASET.test.file_path"),
        ("--use_gpu:False", "--use_gpu:True|False", LITE, "line 41 asks for a GPU"),
        ("example_NTU", "example_of_NTU", WHOLE_INFER, "line 48: there is no clip at ./data/example_of_NTU"),
    ],
)
def test_what_is_missing_is_named_with_its_line(root, old, new, mode, said):
    if "GPU" in said and paddle.is_compiled_with_cuda():
        pytest.skip("there may be a GPU")
    with pytest.raises(UserError) as caught:
        requirements.require(with_line(root, old or "##", new or "##"), root, mode)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_an_interpreter_that_is_not_there(root):
    chain = with_line(root, "python:python", "python:python9.9")
    with pytest.raises(EnvironmentSetupError, match=r"mine.txt, line 3: there is no interpreter 'python9.9' here"):
        requirements.require_programs(chain, os.environ["PATH"])
    behind_env = with_line(root, "python:python", "python:env A=1 python9.9")
    with pytest.raises(EnvironmentSetupError, match="no interpreter 'python9.9'"):
        requirements.require_programs(behind_env, os.environ["PATH"])


def test_a_mistake_is_one_failed_stage(root):
    with_line(root, "python:python", "python:python9.9")
    (root / "test_tipc").mkdir()
    (root / "test_tipc" / "common_func.sh").touch()
    result = runner.run(runner.Order(root / "mine.txt"), Upstream(root), lambda text: None)
    (verdict,) = result.verdicts
    assert not result.passed and "no interpreter 'python9.9'" in verdict.reason
    given = runner.run(runner.Order(root / "mine.txt", weights=Path("w")), Upstream(root), lambda text: None)
    assert not given.passed


def test_pypis_paddlevideo_has_no_scripts(ppvideo_root, capsys):
    assert main(["tipc", "CTRGCN_light", "--paddlevideo", str(ppvideo_root)]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ctrgcn: error")]
    assert "has no test_tipc" in line and line.endswith("get one with: ctrgcn upstream get")
    assert main(["tipc", "--paddlevideo", str(ppvideo_root)]) == 1
    assert line in capsys.readouterr().err


def test_models_and_chains_are_listed(capsys):
    assert main(["tipc"]) == 0
    printed = capsys.readouterr().out
    assert "CTRGCN_lightV2\n" in printed and "    train_infer_python_dml\n" in printed


def test_a_served_network_is_prepared_and_its_server_not_started(tmp_path):
    """The client's ends are ours: what it sends, and what it makes of the answer. The server is not here."""
    from ctrgcn_plugin.tipc import serving_client

    chain = Chain.read(PLAIN.with_name("serving_infer_cpp.txt"))
    with pytest.raises(ConfigError, match="for a machine with Paddle Serving.*--prepare"):
        chain.require_mode("")
    (need,) = chain.needs(chain.default_mode)
    assert need.model == Path("inference/CTRGCN_light_serving/inference.pdmodel")
    clip = np.random.default_rng(0).standard_normal((3, 80, 25, 2)).astype("float32")
    np.save(tmp_path / "clip.npy", clip)
    sent = serving_client.feed(configs.load(need.config), tmp_path / "clip.npy")
    np.testing.assert_array_equal(sent["data_batch_0"], centre_crop_resample(clip, 64, 0.95)[None])
    top, probability = serving_client.answer({"outputs": np.log([[1.0, 6.0, 3.0]])})
    assert top == 1 and probability == pytest.approx(0.6)


def test_the_client_says_what_is_missing(tmp_path, capsys):
    from ctrgcn_plugin.tipc import serving_client

    network = "configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint.yaml"
    assert serving_client.main(["--network", network, "-c", "x", "--input_file", str(tmp_path / "no.npy")]) == 1
    assert capsys.readouterr().err.startswith("serving_client: error: no clip at ")


def test_stock_main_makes_the_lite_set_that_a_config_names(ppvideo_root, python, tmp_path):
    """As under upstream's two commands by hand, whose prepare.sh makes nothing."""
    folder = "data/ntu-rgb-d/lite"
    options = {"MODEL.backbone.base_channel": 8, "MODEL.head.in_channels": 8, "epochs": 1, "DATASET.batch_size": 6}
    for part, split in (("train", "train"), ("valid", "val"), ("test", "val")):
        options[f"DATASET.{part}.file_path"] = f"{folder}/{split}_data.npy"
        options[f"DATASET.{part}.label_path"] = f"./{folder}/{split}_label.pkl"
        options[f"PIPELINE.{part}.sample.1.SketeonCropSample.window_size"] = 16
    chosen = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    config = "configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint.yaml"
    result = python([ppvideo_root / "main.py", "-c", config, *chosen], tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    assert f"made, because it was not there: {folder}: 16 procedural clips" in result.stdout
    assert len(np.load(tmp_path / folder / "train_data.npy")) == 12
