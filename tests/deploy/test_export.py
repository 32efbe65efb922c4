"""Export: every backbone passes the gate, the gate catches faults, a failure leaves nothing."""

from __future__ import annotations

import copy
import importlib.util
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
import yaml
from paddle import inference

from ctrgcn_plugin.deploy import engines, gate, writing
from ctrgcn_plugin.deploy import export as export_module
from ctrgcn_plugin.deploy.card import Card
from ctrgcn_plugin.deploy.export import Exported, export
from ctrgcn_plugin.deploy.gate import ExportError
from ctrgcn_plugin.deploy.predictor import Predictor
from ctrgcn_plugin.deploy.trained import sampling
from ctrgcn_plugin.deploy.writing import Order, engine_for
from ctrgcn_plugin.errors import CheckpointError, ConfigError, UserError
from ctrgcn_plugin.models import operations
from ctrgcn_plugin.models.network import BACKBONES, Network, build_network
from ctrgcn_plugin.models.operations import aggregate

WINDOW = 16
CLASSES = 5
# float32 rounding of ten blocks is about 1e-6; a fault is about 1
ROUNDING = 2e-5


def model_section(backbone: str) -> dict[str, Any]:
    return {
        "backbone": {"name": backbone, "base_channel": 8},
        "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": CLASSES},
    }


def randomised(network: Network, seed: int = 0) -> Network:
    """A network in which every part shows: alpha, gamma and BN's statistics start as 0, 1e-6 and (0, 1)."""
    rng = np.random.default_rng(seed)
    for key, value in network.state_dict().items():
        leaf = key.rpartition(".")[2]
        if leaf == "_variance":
            value.set_value(rng.uniform(0.8, 1.6, value.shape).astype("float32"))
        elif leaf in ("alpha", "weight") and len(value.shape) == 1:
            value.set_value(rng.uniform(0.3, 0.7, value.shape).astype("float32"))
        elif leaf in ("_mean", "bias"):
            value.set_value(rng.normal(0, 0.1, value.shape).astype("float32"))
    network.eval()
    return network


def trained(backbone: str, seed: int = 0) -> Network:
    paddle.seed(seed)
    return randomised(build_network(model_section(backbone)), seed)


def written(folder: Path, model: Mapping[str, Any], state: Mapping[str, Any], **sections: Any) -> tuple[Path, Path]:
    """A config and its checkpoint in `folder`."""
    config = {"MODEL": model, "INFERENCE": {"name": "CTRGCN_Inference_helper", "window_size": WINDOW}}
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({**config, "model_name": "CTRGCN_joint", **sections}))
    paddle.save(dict(state), str(folder / "best.pdparams"))
    return folder / "config.yaml", folder / "best.pdparams"


def scores_of(network: Network, x: np.ndarray) -> np.ndarray:
    with paddle.no_grad():
        return network(paddle.to_tensor(x)).numpy()


def error_of(exported: Exported, network: Network, x: np.ndarray, setting: str, persons: int = 2) -> float:
    engine = engines.SETTINGS[setting].load(exported.model, None)
    scores = engine.run(np.ascontiguousarray(x[..., :persons]))
    x = x.copy()
    x[..., persons:] = 0
    return gate.relative_error(scores, scores_of(network, x))


def possible(style: str, engine: str, **kwargs: Any) -> Any:
    """The order, or one that pytest skips for want of the engine."""
    reason = engines.missing(engine)
    if engine == engines.ONNXRUNTIME and style != "fused" and importlib.util.find_spec("paddle2onnx") is None:
        reason = "paddle2onnx is not installed"
    name = "-".join([style, engine, *map(str, kwargs.values())])
    return pytest.param((style, engine, kwargs), id=name, marks=pytest.mark.skipif(bool(reason), reason=str(reason)))


ORDERS = [
    possible("minimal", "paddle"),
    possible("plain", "paddle", precision="fp32", pdmodel=True),
    possible("fused", "paddle", precision="fp32", pdmodel=True),
    possible("fused", "paddle-openvino"),
    possible("minimal", "paddle-openvino"),
    possible("fused", "onnxruntime"),
    possible("minimal", "onnxruntime"),
]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_exports_every_backbone(backbone: str, tmp_path: Path) -> None:
    network = trained(backbone)
    config, weights = written(tmp_path / "in", model_section(backbone), network.state_dict())
    out = tmp_path / "deep" / "er"
    exported = export(config, weights, out)

    names = {path.name for path in exported.files}
    assert {path.name for path in out.iterdir()} == names
    assert {name.partition(".")[0] for name in names} == {"CTRGCN_joint"}
    settings = ["paddle/default", "paddle/onednn_off"]
    assert list(exported.card.verified) == settings
    grid = {(check.setting, check.clips, check.batch, check.persons) for check in exported.checks}
    kinds = [(kind, persons) for kind in ("skeleton", "noise") for persons in (2, 1)]
    kinds += [(f"{kind} (absent persons left out)", 1) for kind in ("skeleton", "noise")]
    assert grid == {(setting, kind, n, persons) for setting in settings for kind, persons in kinds for n in (1, 8)}
    assert max(check.error for check in exported.checks) <= ROUNDING

    # in a batch and on clips that the gate has not tried
    x = 3 * np.random.default_rng(7).standard_normal((3, 3, WINDOW, 25, 2)).astype("float32")
    for setting in settings:
        assert error_of(exported, network, x, setting) <= ROUNDING
        assert error_of(exported, network, x, setting, persons=1) <= ROUNDING

    card = Card.read(exported.model)
    assert card == exported.card
    assert (card.model, card.backbone, card.classes) == ("CTRGCN_joint", backbone, CLASSES)
    assert card.input_shape == (3, WINDOW, 25, 2)
    assert (card.style, card.precision, card.skips_absent) == ("fused", "fp32", True)
    assert (card.p_interval, card.paddle) == ([0.95], paddle.__version__)
    assert card.worst_error <= ROUNDING
    trainable = [p for key, p in network.named_parameters() if not key.endswith(("_mean", "_variance"))]
    assert card.parameters == sum(p.size for p in trainable)
    np.testing.assert_allclose(card.probe, scores_of(network, gate.probes(card.input_shape)), rtol=1e-6)
    card.require_intact(exported.model)


@pytest.mark.parametrize("order", ORDERS)
def test_styles_engines_and_formats(order: tuple[str, str, dict[str, Any]], tmp_path: Path) -> None:
    style, engine, more = order
    backbone = "CTRGCN_light"
    network = trained(backbone)
    config, weights = written(tmp_path / "in", model_section(backbone), network.state_dict())
    exported = export(config, weights, tmp_path / "out", order=Order(style, engine, **more))
    own = [setting.name for setting in engines.SETTINGS.values() if setting.engine == engine]
    assert set(own) <= set(exported.card.verified)
    assert not set(exported.wrong) & set(exported.card.verified)
    if more.get("pdmodel") or engine == engines.PADDLE_OPENVINO:
        assert exported.model.suffix == ".pdmodel"
    if exported.model.suffix != ".onnx":
        files = map(str, engines.files_of(exported.model))
        (name,) = inference.create_predictor(inference.Config(*files)).get_input_names()
        assert name == ("data_batch_0" if style == "plain" else "clips")  # upstream's, and ours
    x = 2 * np.random.default_rng(3).standard_normal((3, 3, WINDOW, 25, 2)).astype("float32")
    for setting in exported.card.verified:
        assert error_of(exported, network, x, setting) <= ROUNDING
        if style == "fused":
            assert error_of(exported, network, x, setting, persons=1) <= ROUNDING
    assert exported.card.skips_absent == (style == "fused")
    # recording for another engine leaves no trace in this process
    assert paddle.in_dynamic_mode()
    assert operations.aggregate is aggregate
    np.testing.assert_array_equal(paddle.tanh(paddle.zeros([1])).numpy(), [0])


@pytest.mark.parametrize("engine", ["paddle", "onnxruntime"])
def test_half_precision_halves(engine: str, tmp_path: Path) -> None:
    if engines.missing(engine):
        pytest.skip(str(engines.missing(engine)))
    network = trained("CTRGCN_lightV2")
    config, weights = written(tmp_path / "in", model_section("CTRGCN_lightV2"), network.state_dict())
    exported = export(config, weights, tmp_path / "out", order=Order("fused", engine, "fp16"))
    (tmp_path / "single").mkdir()
    single = writing.write(network, exported.card.input_shape, tmp_path / "single", Order("fused", engine))
    half, whole = (engines.files_of(model)[-1].stat().st_size for model in (exported.model, single))
    # an ONNX file has its graph, which does not shrink, in it as well
    assert 0.48 * whole < half < (0.55 if engine == "paddle" else 0.75) * whole
    assert exported.card.precision == "fp16"
    assert ROUNDING < exported.card.worst_error <= gate.TOLERANCES["fp16"].limit


def test_half_precision_must_keep_the_likeliest_class() -> None:
    strict, lenient = gate.TOLERANCES["fp16"], gate.TOLERANCES["fp32"]
    other = gate.Check("paddle/default", "noise", 1, 2, 1e-5, same_top1=False)
    gate.require([other], lenient)
    with pytest.raises(ExportError, match="but another class is the likeliest"):
        gate.require([other], strict)


def test_refuses_orders() -> None:
    with pytest.raises(ConfigError, match="precision fp16 and style minimal do not go together"):
        Order("minimal", "paddle", "fp16")
    with pytest.raises(ConfigError, match="unknown style 'fusd'.*Did you mean 'fused'"):
        Order("fusd")
    with pytest.raises(ConfigError, match="unknown engine 'tensorrt'"):
        Order("fused", "tensorrt")
    with pytest.raises(ConfigError, match="engine paddle takes format paddle, not onnx"):
        engine_for("onnx", "paddle")
    assert [engine_for(None, None), engine_for("onnx", None), engine_for("paddle", "paddle-openvino")] == [
        "paddle",
        "onnxruntime",
        "paddle-openvino",
    ]


def test_an_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find_spec(name))
    with pytest.raises(engines.EngineError, match=r"onnxruntime is not installed; pip install .*\[onnx\]"):
        Order("fused", "onnxruntime")


def test_compares_on_given_clips(tmp_path: Path) -> None:
    network = trained("CTRGCN_lightV2")
    config, weights = written(tmp_path / "in", model_section("CTRGCN_lightV2"), network.state_dict())
    np.save(tmp_path / "alone.npy", gate.skeletons(np.random.default_rng(0), (3, 40, 25, 2, 1))[..., 0] * [1, 0])
    exported = export(config, weights, tmp_path / "out", clips=[tmp_path / "alone.npy"])
    given = [check for check in exported.checks if check.clips.startswith("given")]
    assert {(check.clips, check.batch, check.persons) for check in given} == {
        ("given", 1, 1),
        ("given (absent persons left out)", 1, 1),
    }


def test_names_layout_and_unit_travel_with_the_model(tmp_path: Path) -> None:
    card = {"layout": "ntu_rgb_d", "coordinates": 3, "persons": 2, "frames": 20, "unit": "metres", "options": {}}
    card.update(name="own", classes=["wave", "喝水", "sit", "stand", "jump"], protocols={"xsub": {"val": 1}})
    data = tmp_path / "data" / "xsub" / "val_data.npy"
    data.parent.mkdir(parents=True)
    (tmp_path / "data" / "dataset.yaml").write_text(yaml.safe_dump(card, allow_unicode=True), encoding="utf-8")
    network = trained("CTRGCN_lightV2")
    sections = {"DATASET": {"test": {"file_path": str(data)}}}
    config, weights = written(tmp_path / "a", model_section("CTRGCN_lightV2"), network.state_dict(), **sections)
    known = export(config, weights, tmp_path / "known", required=["paddle/onednn_off"])
    assert known.card.names == card["classes"] == Card.read(known.model).names
    assert (known.card.layout, known.card.unit) == ("ntu_rgb_d", "metres")
    (prediction,) = Predictor(known.model).predict([np.ones((3, 20, 25, 2), np.float32)])
    assert prediction.names == card["classes"]

    names = tmp_path / "names.txt"
    names.write_text("a\nb\nc\nd\ne\n")
    config, weights = written(tmp_path / "b", model_section("CTRGCN_lightV2"), network.state_dict())
    assert export(config, weights, tmp_path / "given", names=str(names)).card.names == list("abcde")
    # five classes on NTU's skeleton are not NTU's, and no names are better than wrong ones
    unnamed = export(config, weights, tmp_path / "unnamed")
    assert (unnamed.card.names, unnamed.card.unit) == ([], "")
    with pytest.raises(ConfigError, match="ntu60 has 60 class names for 5 classes"):
        export(config, weights, tmp_path / "wrong", names="ntu60")
    assert not (tmp_path / "wrong").exists()


def test_exports_a_distillations_student(tmp_path: Path) -> None:
    teacher, student = trained("CTRGCN_light", seed=1), trained("CTRGCN_lightV2", seed=2)
    parts = {"Teacher": teacher, "Student": student}
    state = {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}
    models = [{"Teacher": model_section("CTRGCN_light")}, {"Student": model_section("CTRGCN_lightV2")}]
    config, weights = written(tmp_path / "in", {"framework": "RecognizerDistillation", "models": models}, state)

    out = tmp_path / "out"
    out.mkdir()
    leftover = out / "tiny.v2.pdmodel"  # of an export by Paddle 2
    leftover.write_bytes(b"old")
    overrides = ["INFERENCE.p_interval=[0.5]", "INFERENCE.window_size=12"]
    exported = export(config, weights, out, save_name="tiny.v2", overrides=overrides)
    assert {path.name for path in out.iterdir()} == {
        exported.model.name,
        "tiny.v2.pdiparams",
        f"{exported.model.name}.yaml",
    }
    assert exported.model == leftover or not leftover.exists()
    assert (exported.card.backbone, exported.card.frames, exported.card.p_interval) == ("CTRGCN_lightV2", 12, [0.5])
    x = np.random.default_rng(0).standard_normal((2, 3, 12, 25, 2)).astype("float32")
    assert error_of(exported, student, x, "paddle/onednn_off") <= ROUNDING


def aggregate_by_matmul(topology: paddle.Tensor, features: paddle.Tensor) -> paddle.Tensor:
    return paddle.matmul(features, topology.transpose([0, 1, 3, 2]))


def by_paddles_default(exported: Exported, x: np.ndarray) -> np.ndarray:
    """What a user gets who knows nothing of this package's engine."""
    predictor = inference.create_predictor(inference.Config(*map(str, engines.files_of(exported.model))))
    predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(x)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def test_catches_paddles_onednn_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "aggregate", aggregate_by_matmul)
    network = trained("CTRGCN_light")
    config, weights = written(tmp_path / "in", model_section("CTRGCN_light"), network.state_dict())
    order = Order("minimal")
    try:
        exported = export(config, weights, tmp_path / "out", order=order)
    except ExportError as caught:
        assert re.search(r"engine setting paddle/default: .* off by \d.* It is right in paddle/onednn_off", str(caught))
        assert "\n" not in str(caught)
        assert not (tmp_path / "out").exists()
        # right with oneDNN off, and on request written for that alone
        exported = export(config, weights, tmp_path / "out", order=order, required=["paddle/onednn_off"])
        assert list(exported.card.verified) == ["paddle/onednn_off"]
        assert "off by" in exported.wrong["paddle/default"]
        predictor = Predictor(tmp_path / "out")
        assert predictor.setting.name == "paddle/onednn_off"
        x = np.random.default_rng(0).standard_normal((2, 3, WINDOW, 25, 2)).astype("float32")
        assert gate.relative_error(predictor.scores(x), scores_of(network, x)) <= ROUNDING
        return
    x = np.random.default_rng(0).standard_normal((4, 3, WINDOW, 25, 2)).astype("float32")
    error = gate.relative_error(by_paddles_default(exported, x), scores_of(network, x))
    assert error <= gate.TOLERANCES["fp32"].limit, "the gate has let a wrong model through"
    pytest.skip(f"oneDNN of Paddle {paddle.__version__} computes a matmul after a convolution rightly: {error:.1e}")


def test_catches_other_parameters_and_keeps_the_old_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = trained("CTRGCN_lightV2")
    config, weights = written(tmp_path / "in", model_section("CTRGCN_lightV2"), network.state_dict())
    out = tmp_path / "out"
    out.mkdir()
    for suffix in (".json", ".pdmodel", ".pdiparams", ".json.yaml", ".pdmodel.yaml"):
        (out / f"CTRGCN_joint{suffix}").write_text("of an earlier export")
    before = contents(out)
    rightly = writing.write

    def with_a_fault(network: Network, clip_shape: tuple[int, ...], folder: Path, order: Order) -> Path:
        faulty = copy.deepcopy(network)
        alpha = faulty.backbone.l10.gcn1.alpha
        alpha.set_value(1.01 * alpha)
        return rightly(faulty, clip_shape, folder, order)

    monkeypatch.setattr(writing, "write", with_a_fault)
    with pytest.raises(ExportError, match="engine setting paddle/default and paddle/onednn_off: "):
        export(config, weights, out)
    assert contents(out) == before


def test_a_network_that_diverged(tmp_path: Path) -> None:
    network = trained("CTRGCN_lightV2")
    network.head.fc.bias.set_value(np.full(CLASSES, np.nan, "float32"))
    with pytest.raises(ExportError, match="NaN"):
        gate.references(lambda x: scores_of(network, x), gate.make_clips((3, WINDOW, 25, 2), 1))


def refused(folder: Path, error: type[UserError], match: str, **sections: Any) -> None:
    """Export from `folder` fails early, in one line, and writes nothing."""
    config, weights = written(folder / "in", model_section("CTRGCN_lightV2"), {}, **sections)
    with pytest.raises(error, match=match) as caught:
        export(config, weights, folder / "out")
    assert "\n" not in str(caught.value)
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("inference", "match"),
    [
        ({"vertex_nums": 20}, r"INFERENCE\.vertex_nums is 20, but the backbone takes 25"),
        ({"person_nums": 1}, r"INFERENCE\.person_nums is 1, but the backbone takes 2"),
        ({"window_size": "long"}, "window_size must be a number of frames, got 'long'"),
        ({"p_interval": [0.5, 1]}, r"p_interval must be \[p\] .* got \[0.5, 1\]"),
        ({"p_interval": [1.5]}, r"p_interval must be \[p\]"),
        (["window_size"], "INFERENCE must be a mapping"),
    ],
)
def test_refuses_an_inference_section(tmp_path: Path, inference: object, match: str) -> None:
    refused(tmp_path, ConfigError, match, INFERENCE=inference)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"bone": True, "graph": "coco"}, "a clip of 25 joints has no bones of a layout of 17"),
        ({"bone": "yes"}, r"SketeonModalityTransform\.bone must be True or False, got 'yes'"),
    ],
)
def test_refuses_a_stream(tmp_path: Path, settings: dict[str, Any], match: str) -> None:
    steps = [{"SketeonModalityTransform": {"joint": False, "motion": False, **settings}}]
    refused(tmp_path, ConfigError, match, PIPELINE={"test": {"transform": steps}})


def test_refuses_names_and_checkpoints(tmp_path: Path) -> None:
    refused(tmp_path, ConfigError, "files cannot be named '../up'", model_name="../up")
    refused(tmp_path, CheckpointError, "does not fit CTRGCN_lightV2: 0 keys match")


def test_inference_may_be_left_out() -> None:
    assert sampling({}, (3, 25, 2)) == (64, 0.95)


def test_refuses_an_unwritable_output(tmp_path: Path) -> None:
    state = trained("CTRGCN_lightV2").state_dict()
    config, weights = written(tmp_path / "in", model_section("CTRGCN_lightV2"), state)
    (tmp_path / "file").write_text("")
    before = contents(tmp_path)
    for output in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/none/such")):
        with pytest.raises(UserError, match=f"cannot write to {output}: ") as caught:
            export(config, weights, output)
        assert "\n" not in str(caught.value)
    assert contents(tmp_path) == before


# limits the size of any file, which ends a write as a full disk does
FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from ctrgcn_plugin.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("size", [1000, 60000])
@pytest.mark.parametrize("options", [[], ["--style=minimal"], ["--format=onnx"]], ids=["fused", "minimal", "onnx"])
def test_a_full_disk(size: int, options: list[str], tmp_path: Path) -> None:
    if "--format=onnx" in options and engines.missing(engines.ONNXRUNTIME):
        pytest.skip("no onnxruntime")
    config, weights = written(tmp_path, model_section("CTRGCN_light"), trained("CTRGCN_light").state_dict())
    export_to = ["export", "-c", str(config), "-p", str(weights), "-o", str(tmp_path / "out"), *options]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(size), *export_to], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("ctrgcn: "))
    assert line == f"ctrgcn: error: cannot write to {tmp_path / 'out'}: File too large; give another folder"
    assert not (tmp_path / "out").exists()


def test_places_all_files_or_none(tmp_path: Path) -> None:
    staged = [tmp_path / f"model{suffix}" for suffix in (".json", ".pdiparams", ".json.yaml")]
    for file in staged:
        file.write_text("")
    out = tmp_path / "out"
    (out / "name.json.yaml").mkdir(parents=True)  # stands where the card should go
    with pytest.raises(OSError, match="directory"):
        export_module._place(staged, out, "name")
    assert [path.name for path in out.iterdir()] == ["name.json.yaml"]


@pytest.mark.parametrize(
    ("scores", "expected", "error"),
    [
        ([[1.0, -4.0]], [[1.0, -4.0]], 0.0),
        ([[1.0, -3.0]], [[1.0, -4.0]], 0.25),
        ([[0.0, 0.0]], [[0.0, 0.0]], 0.0),
        ([[0.0, 1e-9]], [[0.0, 0.0]], np.inf),
        ([[1.0, 2.0], [1.0, 2.0]], [[1.0, 2.0]], np.inf),  # would broadcast
        ([[np.nan, 1.0]], [[2.0, 1.0]], np.nan),
    ],
)
def test_relative_error(scores: list, expected: list, error: float) -> None:
    np.testing.assert_equal(gate.relative_error(np.array(scores), np.array(expected)), error)


@pytest.mark.parametrize("error", [2e-4, np.inf, np.nan])
def test_the_gate_names_the_worst(error: float) -> None:
    fine = gate.Check("onednn_off", "noise", 1, 1, 1e-6)
    tolerance = gate.TOLERANCES["fp32"]
    gate.require([fine], tolerance)
    bad = gate.Check("default", "skeleton", 8, 2, error)
    with pytest.raises(ExportError, match=rf"setting default: on skeleton clips \(batch 8, persons 2\).* {error:.2g} "):
        gate.require([fine, bad], tolerance)
    assert gate.worst([fine, bad, fine]) == bad


def test_clips_of_the_gate() -> None:
    clips = list(gate.make_clips((3, WINDOW, 20, 2), 4))
    assert [(c.kind, c.persons) for c in clips] == [("skeleton", 2), ("skeleton", 1), ("noise", 2), ("noise", 1)]
    for c in clips:
        assert c.x.shape == (4, 3, WINDOW, 20, 2)
        assert c.x.dtype == np.float32
        assert c.x[..., : c.persons].any(axis=(1, 2, 3)).all()
        assert not c.x[..., c.persons :].any()
    assert [c.persons for c in gate.make_clips((3, WINDOW, 20, 1), 1)] == [1, 1]
