"""The predictor: the network's own probabilities, from any thread, with clear refusals."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
import yaml

from ctrgcn_plugin.data.sample import ClipError, centre_crop_resample
from ctrgcn_plugin.deploy import engine, gate
from ctrgcn_plugin.deploy.engine import EngineError, PaddleEngine
from ctrgcn_plugin.deploy.export import Exported, export
from ctrgcn_plugin.deploy.predictor import Clip, ModelError, Prediction, Predictor, find_model, softmax
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.models.network import Network, build_network

CLASSES = 5
CONFIG: dict[str, Any] = {
    "MODEL": {
        "backbone": {"name": "CTRGCN_lightV2", "base_channel": 8},
        "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": CLASSES},
    },
    "INFERENCE": {"window_size": 16, "p_interval": [0.8]},
    "model_name": "tiny",
}


@pytest.fixture(scope="module")
def network() -> Network:
    paddle.seed(0)
    network = build_network(CONFIG["MODEL"])
    for key, value in network.state_dict().items():
        if key.endswith(("alpha", "weight")) and len(value.shape) == 1:
            # some are 0 or 1e-6 at initialisation: no graph would show
            value.set_value(np.full(value.shape, 0.5, "float32"))
    network.head.fc.weight.set_value(0.02 * network.head.fc.weight)  # so that no class is certain
    network.eval()
    return network


@pytest.fixture(scope="module")
def exported(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("predictor")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    paddle.save(network.state_dict(), str(folder / "best.pdparams"))
    return export(folder / "config.yaml", folder / "best.pdparams", folder / "model")


@pytest.fixture(scope="module")
def predictor(exported: Exported) -> Predictor:
    return Predictor(exported.model.parent, threads=2)


@pytest.fixture
def folder(exported: Exported, tmp_path: Path) -> Path:
    """A copy of the export, to be spoilt."""
    return Path(shutil.copytree(exported.model.parent, tmp_path / "copy"))


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [gate.skeletons(rng, (1, 3, frames, 25, 2))[0].astype("float32") for frames in (1, 16, 40, 90, 300)]


@pytest.fixture(scope="module")
def expected(network: Network, clips: list[np.ndarray]) -> np.ndarray:
    """(clips, K) probabilities from the network itself."""
    x = np.stack([centre_crop_resample(clip, 16, 0.8) for clip in clips])
    with paddle.no_grad():
        return paddle.nn.functional.softmax(network(paddle.to_tensor(x))).numpy()


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_predicts_arrays_and_files(
    predictor: Predictor, clips: list[np.ndarray], expected: np.ndarray, tmp_path: Path, batch_size: int
) -> None:
    np.save(tmp_path / "wave.npy", clips[1].astype("float64"))
    given: list[Clip] = [clips[0], tmp_path / "wave.npy", *clips[2:]]
    predictions = predictor.predict(given, batch_size)
    assert [p.source for p in predictions] == ["clip 0", str(tmp_path / "wave.npy"), "clip 2", "clip 3", "clip 4"]
    np.testing.assert_allclose([p.scores for p in predictions], expected, rtol=0, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.1  # or a mix-up of clips would not show


def test_no_clips(predictor: Predictor) -> None:
    assert predictor.predict([]) == []


def test_an_empty_clip_of_whole_numbers(predictor: Predictor) -> None:
    (prediction,) = predictor.predict([np.zeros((3, 9, 25, 2), "int32")])
    assert np.isfinite(prediction.scores).all()


def test_top() -> None:
    prediction = Prediction("a", np.array([0.1, 0.6, 0.1, 0.2]))
    assert prediction.top() == [(1, 0.6)]
    assert prediction.top(9) == [(1, 0.6), (3, 0.2), (0, 0.1), (2, 0.1)]
    assert prediction.top(0) == []


def test_softmax_of_large_scores() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e4, 1e4], [0, np.log(3)]])), [[0.5, 0.5], [0.25, 0.75]])


def test_safe_in_threads(predictor: Predictor, clips: list[np.ndarray], expected: np.ndarray) -> None:
    def predict(number: int) -> np.ndarray:
        return predictor.predict([clips[number % len(clips)]])[0].scores

    with ThreadPoolExecutor(4) as pool:
        for number, scores in enumerate(pool.map(predict, range(40))):
            np.testing.assert_allclose(scores, expected[number % len(clips)], rtol=0, atol=1e-5)


def test_writes_nothing(exported: Exported, clips: list[np.ndarray], capfd: pytest.CaptureFixture[str]) -> None:
    Predictor(exported.model).predict(clips[:1])
    assert capfd.readouterr() == ("", "")


def test_keeps_what_others_write(capfd: pytest.CaptureFixture[str]) -> None:
    with engine._without_chatter():
        os.write(1, b"one\n" + engine._CHATTER + b"\ntwo")
    assert capfd.readouterr().out == "one\ntwo"


def test_onednn_as_verified(predictor: Predictor) -> None:
    assert predictor.onednn


@pytest.mark.parametrize(("key", "value"), [("verified", ["onednn_off"]), ("paddle", "2.6.9")])
def test_onednn_unverified(
    folder: Path,
    key: str,
    value: object,
    clips: list[np.ndarray],
    expected: np.ndarray,
    caplog: pytest.LogCaptureFixture,
) -> None:
    card = yaml.safe_load((folder / "tiny.yaml").read_text())
    (folder / "tiny.yaml").write_text(yaml.safe_dump({**card, key: value, "of a later version": 1}))
    predictor = Predictor(folder)
    assert not predictor.onednn
    assert ("2.6.9" in caplog.text) == (key == "paddle")
    np.testing.assert_allclose(predictor.predict(clips[:1])[0].scores, expected[0], rtol=0, atol=1e-5)


def one_line(error: pytest.ExceptionInfo[UserError]) -> bool:
    return "\n" not in str(error.value)


def test_no_model(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model at .*nowhere"):
        find_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="tiny.yaml is no exported model"):
        find_model(folder / "tiny.yaml")
    (folder / "tiny.pdiparams").unlink()
    with pytest.raises(ModelError, match=r"no model in .*; there is: tiny\.\w+, tiny\.yaml$") as caught:
        Predictor(folder)
    assert one_line(caught)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="there is: nothing$"):
        find_model(tmp_path / "empty")


def test_several_models(folder: Path, exported: Exported) -> None:
    for file in list(folder.iterdir()):
        shutil.copy(file, folder / f"b.{file.name}")
    (folder / "classes.json").write_text("[]")  # no parameters: no model
    with pytest.raises(ModelError, match=r"several models .*: b\.tiny\.\w+, tiny\.\w+; give the path of one$"):
        Predictor(folder)
    assert Predictor(folder / f"b.{exported.model.name}").card == exported.card


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "no card at .*tiny.yaml"),
        ("{", "not readable as YAML"),
        ("", "lacks a usable model, backbone, channels"),
        ("frames: long", "lacks a usable .*frames"),
    ],
)
def test_no_card(folder: Path, content: str, match: str) -> None:
    (folder / "tiny.yaml").unlink()
    if content is not None:
        (folder / "tiny.yaml").write_text(content)
    with pytest.raises(ModelError, match=match) as caught:
        Predictor(folder)
    assert one_line(caught)


def test_damaged_model(folder: Path, exported: Exported) -> None:
    params = folder / "tiny.pdiparams"
    params.write_bytes(params.read_bytes()[:100])
    with pytest.raises(EngineError, match=f"{exported.model.name} cannot be loaded: .") as caught:
        Predictor(folder)
    assert one_line(caught)


def test_refuses(predictor: Predictor, exported: Exported, clips: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"^clip 1 has shape \(3, 16, 20, 2\)"):
        predictor.predict([clips[0], clips[1][:, :, :20]])
    with pytest.raises(ClipError, match="no clip at"):
        predictor.predict([str(tmp_path / "none.npy")])
    with pytest.raises(UserError, match="batch_size must be at least 1, got 0"):
        predictor.predict(clips, batch_size=0)
    with pytest.raises(EngineError, match="threads must be at least 1, got 0"):
        Predictor(exported.model, threads=0)
    with pytest.raises(EngineError, match="no parameters at .*none"):
        PaddleEngine(exported.model, tmp_path / "none", onednn=True)
    with pytest.raises(EngineError, match=r"does not run on clips \(1, 3, 8, 25, 2\): .") as caught:
        PaddleEngine(exported.model, exported.params, onednn=False).run(np.zeros((1, 3, 8, 25, 2), "float32"))
    assert one_line(caught)
