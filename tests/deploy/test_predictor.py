"""The predictor: the network's own probabilities, from any thread, with clear refusals."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Optional

import numpy as np
import paddle
import pytest
import yaml

from ctrgcn_plugin.data.modality import JOINTS
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.deploy import engines, gate, stdout
from ctrgcn_plugin.deploy.card import ModelError
from ctrgcn_plugin.deploy.engines import EngineError, paddle_engine
from ctrgcn_plugin.deploy.engines.paddle_engine import PaddleEngine
from ctrgcn_plugin.deploy.export import Exported, export
from ctrgcn_plugin.deploy.predictor import Clip, Prediction, Predictor, softmax
from ctrgcn_plugin.deploy.selection import find_models
from ctrgcn_plugin.deploy.writing import Order
from ctrgcn_plugin.errors import ClipError, UserError
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


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_what_cannot_be_used_is_refused_and_the_others_are_answered(
    predictor: Predictor, clips: list[np.ndarray], expected: np.ndarray, tmp_path: Path, batch_size: int
) -> None:
    (tmp_path / "half.npy").write_bytes(b"\x93NUMPY")
    given: list[Clip] = [clips[0] * np.nan, *clips[:2], tmp_path / "half.npy", tmp_path / "gone.npy", *clips[2:]]
    refused: list[tuple[str, str]] = []
    answers = predictor.stream(given, batch_size, lambda source, error: refused.append((source, str(error))))
    np.testing.assert_allclose([answer.scores for answer in answers], expected, rtol=0, atol=1e-5)
    assert [source for source, _ in refused] == ["clip 0", str(tmp_path / "half.npy"), str(tmp_path / "gone.npy")]
    assert all(source in said and "\n" not in said for source, said in refused)
    with pytest.raises(ClipError, match="half.npy"):
        list(predictor.stream(given[1:], batch_size))


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
    with stdout.without(paddle_engine._CHATTER):
        os.write(1, b"one\nReduceMeanCheckIfOneDNNSupport\ntwo")
    assert capfd.readouterr().out == "one\ntwo"


def test_keeps_to_its_card(folder: Path, clips: list[np.ndarray], expected: np.ndarray) -> None:
    edit_card(folder, verified={"paddle/onednn_off": 1e-7}, of_a_later_version=1)
    predictor = Predictor(folder)
    assert predictor.setting.name == "paddle/onednn_off"
    np.testing.assert_allclose(predictor.predict(clips[:1])[0].scores, expected[0], rtol=0, atol=1e-5)


def test_a_model_that_is_wrong_on_this_machine(folder: Path) -> None:
    card = yaml.safe_load(card_in(folder).read_text())
    edit_card(folder, probe=[[2 * score for score in row] for row in card["probe"]])
    with pytest.raises(
        EngineError, match=r"no engine runs .* rightly .*paddle/default.*off by 0\.5.*onednn_off"
    ) as caught:
        Predictor(folder)
    assert one_line(caught)


@pytest.fixture(scope="module")
def everywhere(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model for every engine that is installed here."""
    folder = tmp_path_factory.mktemp("everywhere")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    paddle.save(network.state_dict(), str(folder / "best.pdparams"))
    for engine in available():
        if engine != engines.PADDLE or engines.missing(engines.PADDLE_OPENVINO):
            export(folder / "config.yaml", folder / "best.pdparams", folder / "model", order=Order(engine=engine))
    return folder / "model"


def available() -> list[str]:
    return [engine for engine in engines.ENGINES if engines.missing(engine) is None]


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_every_engine_gives_the_same(
    everywhere: Path, engine: str, clips: list[np.ndarray], expected: np.ndarray
) -> None:
    if engines.missing(engine):
        pytest.skip(str(engines.missing(engine)))
    predictor = Predictor(everywhere, engine=engine)
    assert predictor.setting.engine == engine
    np.testing.assert_allclose([p.scores for p in predictor.predict(clips, 2)], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_the_same_model_twice(
    everywhere: Path, engine: str, clips: list[np.ndarray], expected: np.ndarray, tmp_path: Path
) -> None:
    """Paddle's OpenVINO engine crashes when the same content is loaded again, from whatever file."""
    if engines.missing(engine):
        pytest.skip(str(engines.missing(engine)))
    first = Predictor(everywhere, engine=engine)
    second = Predictor(shutil.copytree(everywhere, tmp_path / "copy"), engine=engine)
    for _ in range(2):
        for predictor, number in ((first, 0), (second, 1)):
            (answer,) = predictor.predict(clips[number : number + 1])
            np.testing.assert_allclose(answer.scores, expected[number], rtol=0, atol=1e-5)
    if engine == engines.PADDLE_OPENVINO:
        with pytest.raises(EngineError, match="is loaded with threads=1 in this process"):
            Predictor(everywhere, engine=engine, threads=2)
    del first
    np.testing.assert_allclose(second.predict(clips[:1])[0].scores, expected[0], rtol=0, atol=1e-5)


def test_auto_takes_the_fastest(
    everywhere: Path, clips: list[np.ndarray], expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowed = [name for name in engines.SETTINGS if name != "paddle/onednn_off"]
    for name in slowed:
        setting = engines.SETTINGS[name]
        monkeypatch.setitem(engines.SETTINGS, name, replace(setting, load=slowly(setting.load)))
    predictor = Predictor(everywhere)
    assert predictor.setting.name == "paddle/onednn_off"
    np.testing.assert_allclose([p.scores for p in predictor.predict(clips)], expected, rtol=0, atol=1e-5)


def slowly(load: engines.Loader) -> engines.Loader:
    """The same engine, and each of its runs takes a fifth of a second longer."""

    def loaded(model_file: Path, threads: Optional[int]) -> engines.Engine:
        engine = load(model_file, threads)
        run = engine.run

        def later(x: np.ndarray) -> np.ndarray:
            time.sleep(0.2)
            return run(x)

        engine.run = later  # type: ignore[method-assign]
        return engine

    return loaded


def test_auto_passes_over_what_cannot_run(
    everywhere: Path, clips: list[np.ndarray], expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model_file: Path, threads: Optional[int]) -> engines.Engine:
        raise EngineError("no such instruction on this processor")

    for name, setting in list(engines.SETTINGS.items()):
        if name != "paddle/default":
            monkeypatch.setitem(engines.SETTINGS, name, replace(setting, load=broken))
    predictor = Predictor(everywhere)
    assert predictor.setting.name == "paddle/default"
    np.testing.assert_allclose(predictor.predict(clips[:1])[0].scores, expected[0], rtol=0, atol=1e-5)


class Counting:
    """Hands on to an engine and remembers the shapes."""

    def __init__(self, engine: engines.Engine) -> None:
        self.engine, self.shapes = engine, []  # type: ignore[var-annotated]

    def run(self, x: np.ndarray) -> np.ndarray:
        self.shapes.append(x.shape)
        return self.engine.run(x)


def test_skips_who_is_not_there(exported: Exported, network: Network, clips: list[np.ndarray]) -> None:
    predictor = Predictor(exported.model)
    counting = Counting(predictor._engine)
    predictor._engine = counting
    second, first, nobody = clips[1].copy(), clips[1].copy(), np.zeros_like(clips[1])
    first[..., 1] = 0
    second[..., 0] = 0  # only the second is there: nothing to skip
    x = np.stack([clips[1], first, second, nobody, first])
    with paddle.no_grad():
        expected = network(paddle.to_tensor(x)).numpy()
    assert gate.relative_error(predictor.scores(x), expected) < 1e-5
    assert counting.shapes == [(3, 3, 16, 25, 1), (2, 3, 16, 25, 2)]


def test_a_model_that_takes_everybody_gets_everybody(folder: Path) -> None:
    edit_card(folder, skips_absent=False)
    predictor = Predictor(folder)
    counting = Counting(predictor._engine)
    predictor._engine = counting
    predictor.scores(np.zeros((2, 3, 16, 25, 2), "float32"))
    assert counting.shapes == [(2, 3, 16, 25, 2)]


def test_streams(predictor: Predictor, clips: list[np.ndarray], expected: np.ndarray) -> None:
    given = []

    def endless() -> Iterator[np.ndarray]:
        while True:
            given.append(1)
            yield clips[len(given) % len(clips)]

    answers = predictor.stream(endless(), batch_size=2)
    for number in range(1, 4):
        np.testing.assert_allclose(next(answers).scores, expected[number % len(clips)], rtol=0, atol=1e-5)
    assert len(given) == 4


def card_in(folder: Path) -> Path:
    (card,) = folder.glob("*.yaml")
    return card


def edit_card(folder: Path, **changes: Any) -> None:
    card = card_in(folder)
    card.write_text(yaml.safe_dump({**yaml.safe_load(card.read_text()), **changes}))


def one_line(error: pytest.ExceptionInfo[UserError]) -> bool:
    return "\n" not in str(error.value)


def test_no_model(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model at .*nowhere"):
        find_models(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"yaml is no exported model"):
        find_models(card_in(folder))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="there is: nothing$"):
        find_models(tmp_path / "empty")
    (folder / "tiny.pdiparams").unlink()
    with pytest.raises(
        ModelError, match=r"no tiny\.pdiparams in .*; it belongs to tiny\.\w+: copy it along$"
    ) as caught:
        Predictor(folder)
    assert one_line(caught)


def test_several_models(folder: Path, exported: Exported) -> None:
    for file in list(folder.iterdir()):
        shutil.copy(file, folder / f"b.{file.name}")
    (folder / "classes.json").write_text("[]")  # no card, no parameters: no model
    with pytest.raises(ModelError, match=r"several models .*: b\.tiny\.\w+, tiny\.\w+; give the path of one$"):
        Predictor(folder)
    assert find_models(folder / exported.model.name) == {folder / exported.model.name: exported.card}


def test_models_of_different_weights(everywhere: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(everywhere, tmp_path / "copy"))
    first, *others = sorted(folder.glob("*.yaml"))
    if not others:
        pytest.skip("one engine only")
    card = yaml.safe_load(first.read_text())
    first.write_text(yaml.safe_dump({**card, "probe": [[score + 0.1 for score in row] for row in card["probe"]]}))
    with pytest.raises(ModelError, match="are not of the same network; export both again") as caught:
        Predictor(folder)
    assert one_line(caught)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "no card at .*tiny"),
        ("{", "not readable as YAML"),
        ("", "lacks a usable model, backbone, style"),
        ("frames: long", "lacks a usable .*frames"),
    ],
)
def test_no_card(folder: Path, content: str, match: str) -> None:
    card = card_in(folder)
    card.unlink()
    if content is not None:
        card.write_text(content)
    with pytest.raises(ModelError, match=match) as caught:
        Predictor(folder)
    assert one_line(caught)


@pytest.mark.parametrize(
    "changes",
    [
        {"probe": [[1.0]]},
        {"probe": [["a"] * CLASSES] * 2},
        {"p_interval": []},
        {"verified": {"paddle/default": "yes"}},
        {"frames": 0},
        {"precision": "int4"},
        {"modality": "bones"},
        {"modality": "bone"},
        {"modality": "bone", "parents": [0] * 24 + [25]},
        {"modality": "bone", "parents": [0] * 24 + ["0"]},
        {"parents": [0] * 25},
    ],
)
def test_a_spoilt_card(folder: Path, changes: dict[str, Any]) -> None:
    edit_card(folder, **changes)
    with pytest.raises(ModelError, match="lacks a usable content") as caught:
        Predictor(folder)
    assert one_line(caught)


def test_a_model_of_another_stream(network: Network, clips: list[np.ndarray], tmp_path: Path) -> None:
    """Of the motion of bones: it is given joints, has the bones of a file that is gone, and was proven on such."""
    parents = [0, *range(24)]
    names = {f"j{joint}": f"j{parent}" if joint else None for joint, parent in enumerate(parents)}
    (tmp_path / "chain.yaml").write_text(yaml.safe_dump({"joints": names}, sort_keys=False))
    settings = {"joint": False, "bone": True, "motion": True, "graph": str(tmp_path / "chain.yaml")}
    config = {**CONFIG, "PIPELINE": {"test": {"transform": [{"SketeonModalityTransform": settings}]}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    paddle.save(network.state_dict(), str(tmp_path / "best.pdparams"))
    np.save(tmp_path / "clip.npy", clips[2])
    compared: list[gate.Clips] = []

    def noted(run: gate.Runner, some: Iterable[gate.Clips]) -> list[gate.Reference]:
        compared.extend(some)
        return references(run, compared)

    references = gate.references
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "references", noted)
        export(tmp_path / "config.yaml", tmp_path / "best.pdparams", tmp_path / "model", clips=[tmp_path / "clip.npy"])
    (tmp_path / "chain.yaml").unlink()

    def by_hand(clip: np.ndarray) -> np.ndarray:
        bones = clip - clip[:, :, parents]
        return np.concatenate([np.diff(bones, axis=1), 0 * bones[:, :1]], axis=1)

    x = np.stack([by_hand(centre_crop_resample(clip, 16, 0.8)) for clip in clips])
    with paddle.no_grad():
        expected = paddle.nn.functional.softmax(network(paddle.to_tensor(x))).numpy()
    predictor = Predictor(tmp_path / "model")
    predictions = predictor.predict([*clips, tmp_path / "clip.npy"], 2)
    np.testing.assert_allclose([p.scores for p in predictions], expected[[0, 1, 2, 3, 4, 2]], rtol=0, atol=1e-5)
    assert (predictor.card.modality, predictor.card.parents) == ("bone_motion", parents)
    made = [*gate.make_clips((3, 16, 25, 2), 8)]
    for some, joints in zip(compared, made):
        np.testing.assert_allclose(some.x, [by_hand(clip) for clip in joints.x], atol=1e-6)
    assert [some.kind for some in compared] == [*(joints.kind for joints in made), "given"]
    np.testing.assert_allclose(compared[-1].x[0], x[2], atol=1e-6)


def test_a_card_that_says_no_stream_means_joints(folder: Path, clips: list[np.ndarray], expected: np.ndarray) -> None:
    card = yaml.safe_load(card_in(folder).read_text())
    assert (card.pop("modality"), card.pop("parents")) == ("joint", [])
    card_in(folder).write_text(yaml.safe_dump(card))
    predictor = Predictor(folder)
    assert predictor.card.stream == JOINTS
    np.testing.assert_allclose(predictor.predict(clips[:1])[0].scores, expected[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("suffix", ["model", ".pdiparams"])
@pytest.mark.parametrize("damage", [lambda b: b[:100], lambda b: b"", lambda b: b[:50] + b"\x07" + b[51:]])
def test_damaged_model(folder: Path, exported: Exported, suffix: str, damage: Callable[[bytes], bytes]) -> None:
    # Paddle's own loader may end the process with a segmentation fault here
    file = folder / (exported.model.name if suffix == "model" else f"tiny{suffix}")
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ModelError, match=f"{file.name} is damaged or not the file that was exported") as caught:
        Predictor(folder)
    assert one_line(caught)


def test_a_model_that_paddle_cannot_read(folder: Path, exported: Exported) -> None:
    params = folder / "tiny.pdiparams"
    params.write_bytes(params.read_bytes()[:100])
    with pytest.raises(EngineError, match=f"{exported.model.name} cannot be loaded: .") as caught:
        PaddleEngine(folder / exported.model.name, params)
    assert one_line(caught)


def test_engines_that_do_not_fit(folder: Path, exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="unknown engine 'onnx-runtime'.*Did you mean 'onnxruntime'"):
        Predictor(folder, engine="onnx-runtime")
    monkeypatch.setattr(engines, "missing", lambda engine: "gone" if engine == "onnxruntime" else None)
    with pytest.raises(EngineError, match="engine onnxruntime cannot be used here: gone"):
        Predictor(folder, engine="onnxruntime")
    monkeypatch.setattr(engines, "missing", lambda engine: None)
    with pytest.raises(EngineError, match=f"engine onnxruntime runs none of {exported.model.name}; export"):
        Predictor(folder, engine="onnxruntime")
    edit_card(folder, verified={"onnxruntime/default": 0.0})
    with pytest.raises(EngineError, match="no engine for .*paddle: its card does not allow it"):
        Predictor(folder)


def test_damaged_onnx(everywhere: Path, tmp_path: Path) -> None:
    model = everywhere / "tiny.onnx"
    if not model.is_file():
        pytest.skip("no onnxruntime")
    (tmp_path / "cut.onnx").write_bytes(model.read_bytes()[:1000])
    with pytest.raises(EngineError, match=r"cut\.onnx cannot be loaded: .") as caught:
        engines.SETTINGS["onnxruntime/default"].load(tmp_path / "cut.onnx", None)
    assert one_line(caught)
    with pytest.raises(EngineError, match=r"does not run on clips \(1, 3, 8, 25, 2\): .") as caught:
        engines.SETTINGS["onnxruntime/default"].load(model, None).run(np.zeros((1, 3, 8, 25, 2), "float32"))
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
    with pytest.raises(EngineError, match=r"does not run on clips \(1, 3, 8, 25, 2\): .") as caught:
        PaddleEngine(*engines.files_of(exported.model), onednn=False).run(np.zeros((1, 3, 8, 25, 2), "float32"))
    assert one_line(caught)
