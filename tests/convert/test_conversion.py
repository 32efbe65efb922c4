"""Weights of other implementations: equal logits, reports of keys, and nothing converted in part unasked.

reference.json has the keys, shapes and logits of CTR-GCN in three PyTorch implementations, run as they are in PyTorch
2.13: Uason-Chen/CTR-GCN (e13d758), kennymckormick/pyskl (3f6795f) and open-mmlab/mmaction2 (4d6c934, projects/ctrgcn,
its COCO layout), with 12 classes, under the parameters and clips that this file fills in.
"""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from ctrgcn_plugin import checkpoint, layouts
from ctrgcn_plugin.cli import main
from ctrgcn_plugin.convert import conversion, forms, writing
from ctrgcn_plugin.convert.forms import FORMS, ORIGINAL, PADDLE
from ctrgcn_plugin.errors import CheckpointError, ConfigError
from ctrgcn_plugin.models.network import BACKBONES, build_network

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text(encoding="utf-8"))
UNIFORM = {"running_var": (0.8, 1.6), "alpha": (0.3, 0.7), "PA": (0, 0.05), "A": (0, 0.05)}
# the backbone that each form is of
BACKBONE = {"original": "CTRGCN", "pyskl": "CTRGCNRectified", "mmaction2": "CTRGCNRectified"}
REFUSED = (
    "has temporal units that end in a ReLU, {} has not; .*; the backbone with such units is CTRGCNRectified; --for"
)


def leaves(tree, path=()):
    for word, node in tree.items():
        if isinstance(node, dict):
            yield from leaves(node, (*path, word))
        else:
            yield ".".join((*path, word)), node


def fill(key, shape):
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.array(7, "int64")
    if leaf in UNIFORM:
        value = rng.uniform(*UNIFORM[leaf], shape)
    elif leaf in ("running_mean", "bias"):
        value = 0.1 * rng.standard_normal(shape)
    elif len(shape) == 1:
        value = rng.uniform(0.3, 0.7, shape)
    else:
        value = rng.standard_normal(shape) * math.sqrt(1 / np.prod(shape[1:]))
    return value.astype("float32")


def clips(joints):
    x = np.random.default_rng(1000).standard_normal((2, 3, 20, joints, 2)).astype("float32")
    x[1, ..., 1] = 0
    return paddle.to_tensor(x)


@pytest.fixture(scope="module", params=BACKBONE)
def form(request):
    return FORMS[request.param]


@pytest.fixture(scope="module")
def state(form):
    return {key: fill(key, shape) for key, shape in leaves(REFERENCE[form.name]["keys"])}


@pytest.fixture(scope="module")
def held(form, state, tmp_path_factory):
    """The implementation's checkpoint as DataParallel saves it, held against the network that it says."""
    file = tmp_path_factory.mktemp(form.name) / "checkpoint.pth"
    writing.write({f"module.{key}": value for key, value in state.items()}, file)
    return conversion.hold(file)


def test_keys_are_recognised_and_all_match(held, form, state):
    assert held.form is form and held.description().startswith(f"{BACKBONE[form.name]} of width 64")
    assert held.network.backbone.clip_shape[1] == REFERENCE[form.name]["joints"]
    assert held.fit.complete and not held.fit.extra
    assert len(held.fit.matched) + len(held.unused) == len(state)
    assert {key.rsplit(".", 1)[-1] for key in held.unused} <= {"num_batches_tracked", "A"}


def logits_off(network, form):
    network.eval()
    want = np.array(REFERENCE[form.name]["logits"])
    return np.abs(network(clips(REFERENCE[form.name]["joints"])).numpy() - want).max() / np.abs(want).max()


def test_logits(held, form):
    held.require(PADDLE)
    checkpoint.load_into(held.network, held.given, held.source)
    assert logits_off(held.network, form) < 1e-5


def test_there_and_back_to_the_bit(held, form, state):
    back = forms.of_paddle(forms.in_paddle(state, form)[0], form)
    # but for what is unused
    counts = {key for key in state if key.endswith("num_batches_tracked")}
    assert back.keys() | {"backbone.A"} == state.keys() | {"backbone.A"}
    for key in back.keys() - counts:
        np.testing.assert_array_equal(back[key], state[key])


def model_of(name, joints):
    """A MODEL section of the references' sizes, with a backbone of that name."""
    head = {"name": "CTRGCNHead", "in_channels": 64, "num_classes": 12}
    return {"backbone": {"name": name, "graph": {25: "ntu_rgb_d", 17: "coco"}[joints]}, "head": head}


def test_the_other_network_takes_the_weights_for_training_only(held, form, folder):
    name, other = sorted({"CTRGCN", "CTRGCNRectified"}, key=lambda name: name != BACKBONE[form.name])
    write_config(model_of(name, REFERENCE[form.name]["joints"]))
    conversion.hold(held.source, "c.yaml").require(PADDLE)
    write_config(model_of(other, REFERENCE[form.name]["joints"]))
    wrong = conversion.hold(held.source, "c.yaml")
    assert wrong.fit.complete and wrong.backbone == other
    with pytest.raises(CheckpointError, match=REFUSED.format("CTRGCN" if form.rectified else held.source)):
        wrong.require(PADDLE)
    wrong.require(PADDLE, for_training=True)
    checkpoint.load_into(wrong.network, wrong.given, held.source)
    assert logits_off(wrong.network, form) > 0.1


def test_forms_of_the_same_network_take_each_others_weights(held, form):
    for other in BACKBONE:
        if BACKBONE[other] == BACKBONE[form.name]:
            held.require(FORMS[other])
        else:
            with pytest.raises(CheckpointError, match="has temporal units that end in a ReLU, .* has not"):
                held.require(FORMS[other])
            held.require(FORMS[other], for_training=True)


def test_what_exports_and_predicts_takes_a_file_as_it_is(held, form):
    network = build_network(model_of(BACKBONE[form.name], REFERENCE[form.name]["joints"]))
    checkpoint.load_into(network, checkpoint.read(held.source), held.source)
    assert logits_off(network, form) < 1e-5


SMALL = {"base_channel": 8, "graph": "coco"}


def small(name, classes=7, **settings):
    """A network with values that are not those it starts with."""
    head = {"name": "CTRGCNHead", "in_channels": 8, "num_classes": classes}
    model = {"backbone": {"name": name, **SMALL, **settings}, "head": head}
    network = build_network(model)
    rng = np.random.default_rng(0)
    for value in network.state_dict().values():
        value.set_value(rng.standard_normal(value.shape).astype("float32"))
    return model, network


def save(network, file):
    paddle.save(network.state_dict(), str(file))


def equal(file, network):
    state, own = checkpoint.arrays(file), network.state_dict()
    assert state.keys() == own.keys()
    for key, value in own.items():
        np.testing.assert_array_equal(state[key], value.numpy())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_every_model_there_and_back(name, suffix, folder, capsys):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    _, network = small(name)
    save(network, "a.pdparams")
    assert main(["convert", "a.pdparams", f"b{suffix}", "--form", "paddle"]) == 0
    assert main(["convert", f"b{suffix}", "c.pdparams"]) == 0
    equal(folder / f"b{suffix}", network)
    equal(folder / "c.pdparams", network)
    assert f"{name} of width 8, 17 joints, 3 coordinates, 2 persons, 7 classes" in capsys.readouterr().out
    loaded = paddle.load("c.pdparams")
    assert all(isinstance(value, paddle.Tensor) for value in loaded.values())


@pytest.mark.parametrize("name", BACKBONE)
def test_to_other_forms_and_back(name, folder, capsys):
    _, network = small(BACKBONE[name])
    save(network, "a.pdparams")
    assert main(["convert", "a.pdparams", "b.pth", "--form", name]) == 0
    assert forms.recognised(checkpoint.arrays("b.pth")) is FORMS[name]
    assert main(["convert", "b.pth", "c.pdparams"]) == 0
    equal(folder / "c.pdparams", network)
    assert f"a config for it has MODEL.backbone.name: {BACKBONE[name]}\n" in capsys.readouterr().out


@pytest.mark.parametrize("form", BACKBONE)
def test_as_a_start_weights_of_the_other_network_go_into_a_form(form, folder):
    model, network = small("CTRGCN" if FORMS[form].rectified else "CTRGCNRectified")
    write_config(model)
    save(network, "a.pdparams")
    assert main(["convert", "a.pdparams", "b.pth", "--form", form, "--for_training"]) == 0
    assert forms.recognised(checkpoint.arrays("b.pth")) is FORMS[form]
    assert main(["convert", "b.pth", "c.pdparams", "-c", "c.yaml", "--for_training"]) == 0
    equal(folder / "c.pdparams", network)


def test_weights_of_the_one_do_not_load_into_the_other(folder):
    save(small("CTRGCNRectified")[1], "a.pdparams")
    with pytest.raises(
        CheckpointError, match="does not fit CTRGCN: .*; its temporal units end in a ReLU, as CTRGCNRec"
    ):
        checkpoint.load_into(small("CTRGCN")[1], checkpoint.read("a.pdparams"), "a.pdparams")
    save(small("CTRGCN")[1], "a.pdparams")
    with pytest.raises(CheckpointError, match="does not fit CTRGCNRectified: "):
        checkpoint.load_into(small("CTRGCNRectified")[1], checkpoint.read("a.pdparams"), "a.pdparams")


def test_the_originals_form_is_that_of_torchs_files(folder):
    _, network = small("CTRGCN")
    save(network, "a.pdparams")
    assert main(["convert", "a.pdparams", "b.pt"]) == 0
    state = checkpoint.arrays("b.pt")
    assert forms.recognised(state) is ORIGINAL
    np.testing.assert_array_equal(state["fc.weight"], network.head.fc.weight.numpy().T)
    # and what reads checkpoints for export and prediction takes it as it is
    assert checkpoint.read("b.pt").keys() == network.state_dict().keys()
    np.testing.assert_array_equal(checkpoint.read("b.pt")["head.fc.weight"], network.head.fc.weight.numpy())


@pytest.mark.parametrize(("given", "form"), [("paddle", "pyskl"), ("mmaction2", "mmaction2"), ("pyskl", "pyskl")])
def test_the_form_of_torchs_files_is_the_inputs_or_its_networks(given, form, folder):
    _, network = small("CTRGCNRectified")
    save(network, "a.pdparams")
    first = Path("a.pdparams" if given == "paddle" else "b.pth")
    if given != "paddle":
        assert main(["convert", "a.pdparams", "b.pth", "--form", given]) == 0
    assert main(["convert", str(first), "c.pt"]) == 0
    assert forms.recognised(checkpoint.arrays("c.pt")) is FORMS[form]


@pytest.mark.parametrize("name", ["CTRGCN_light", "CTRGCN_lightV2", "CTRGCNLite"])
def test_other_models_have_no_form_elsewhere(name, folder, capsys):
    save(small(name)[1], "a.pdparams")
    assert main(["convert", "a.pdparams", "b.pt"]) == 1
    assert (
        f"a.pdparams is of {name}, and form original is one of CTRGCN and CTRGCNRectified alone; take --form paddle"
        in capsys.readouterr().err
    )
    assert not Path("b.pt").exists()


def test_onnx_initializers(folder):
    onnx = pytest.importorskip("onnx")
    _, network = small("CTRGCN")
    state = forms.of_paddle({key: value.numpy() for key, value in network.state_dict().items()}, ORIGINAL)
    tensors = [onnx.numpy_helper.from_array(np.array(array, order="C"), name) for name, array in state.items()]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "graph", [], [], initializer=tensors)), "a.onnx")
    assert main(["convert", "a.onnx", "b.pdparams"]) == 0
    equal(folder / "b.pdparams", network)


def write_config(model, file="c.yaml"):
    Path(file).write_text(yaml.safe_dump({"MODEL": {"framework": "RecognizerGCN", **model}}))


def test_another_number_of_classes_takes_the_head_left_out(folder, capsys):
    model, network = small("CTRGCN_lightV2")
    save(network, "a.pdparams")
    model["head"]["num_classes"] = 5
    write_config(model)
    arguments = ["convert", "a.pdparams", "b.pdparams", "-c", "c.yaml"]
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert "head.fc.weight       [32, 7]      [32, 5]\n" in told.out and not Path("b.pdparams").exists()
    assert "2 misfit (head.fc.weight [32, 7] for [32, 5], head.fc.bias [7] for [5])" in told.err
    assert "--leave_out head" in told.err and told.err.count("\n") == 1
    assert main([*arguments, "--leave_out", "head"]) == 0
    assert "2 are left out" in capsys.readouterr().out
    state = checkpoint.read("b.pdparams")
    assert network.state_dict().keys() - state.keys() == {"head.fc.weight", "head.fc.bias"}


def test_the_head_is_left_out_by_its_name_in_the_file_too(folder):
    save(small("CTRGCN")[1], "a.pdparams")
    assert main(["convert", "a.pdparams", "b.pt"]) == 0
    held = conversion.hold(Path("b.pt"), leave_out=["fc"])
    assert set(held.left_out) == {"fc.weight", "fc.bias"} and held.fit.complete
    with pytest.raises(ConfigError, match="no key begins with 'haed'; they begin with backbone.data_bn, backbone.l1,"):
        conversion.hold(Path("b.pt"), leave_out=["haed"])


def test_what_is_too_much_or_too_little_is_told_with_shapes(folder, capsys):
    state = {key: value.numpy() for key, value in small("CTRGCN_light")[1].state_dict().items()}
    del state["backbone.l3.tcn1.branches.0.0.weight"]
    state["ema.decay"] = np.zeros(3, "float32")
    writing.write(state, folder / "a.pt")
    assert main(["convert", "a.pt"]) == 1
    told = capsys.readouterr()
    assert "ema.decay                             [3]          -\n" in told.out
    assert "backbone.l3.tcn1.branches.0.0.weight  -            [2, 8, 1, 1]\n" in told.out
    assert "1 missing" in told.err and "1 extra (ema.decay)" in told.err
    given_up = ["--leave_out", "ema", "--leave_out", "backbone.l3.tcn1.branches.0.0"]
    assert main(["convert", "a.pt", *given_up]) == 0
    assert not [path for path in folder.iterdir() if path.name != "a.pt"]


def test_verbose_tells_every_key(folder, capsys):
    save(small("CTRGCN")[1], "a.pdparams")
    main(["convert", "a.pdparams", "b.pt"])
    capsys.readouterr()
    assert main(["convert", "b.pt", "-v"]) == 0
    assert "fc.weight -> head.fc.weight [32, 7]" in capsys.readouterr().err
    main(["convert", "b.pt"])
    assert not capsys.readouterr().err


def test_a_distillation_gives_its_student(folder, capsys):
    _, network = small("CTRGCN_light")
    student = {f"Student.{key}": value for key, value in network.state_dict().items()}
    paddle.save({**student, "Teacher.backbone.data_bn.weight": paddle.ones([2])}, "a.pdparams")
    assert main(["convert", "a.pdparams", "b.pt", "--form", "paddle"]) == 0
    equal(folder / "b.pt", network)
    assert "1 of the file are of other networks" in capsys.readouterr().out


def test_shapes_that_cannot_be_are_refused_in_one_line(folder, capsys):
    state = {f"l1.gcn1.{key}": np.zeros(2, "float32") for key in ("PA", "bn.weight", "convs.0.conv4.weight", "alpha")}
    writing.write({**state, "fc.weight": np.zeros(3, "float32")}, Path("a.pt"))
    assert main(["convert", "a.pt"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_backbone_that_is_not_adaptive_keeps_its_layouts_graph(folder):
    model, network = small("CTRGCN", adaptive=False)
    write_config(model)
    save(network, "a.pdparams")
    with pytest.raises(CheckpointError, match="a.pdparams does not say which network it is of: .* give the config"):
        conversion.hold(Path("a.pdparams"))
    assert main(["convert", "a.pdparams", "b.pt", "-c", "c.yaml"]) == 0
    assert not [key for key in checkpoint.arrays("b.pt") if key.endswith(".A")]
    assert main(["convert", "b.pt", "c.pdparams", "-c", "c.yaml"]) == 0
    np.testing.assert_array_equal(
        checkpoint.read("c.pdparams")["backbone.l5.gcn1.A"], layouts.get("coco").adjacency().astype("float32")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.pt"], "no checkpoint at none.pt"),
        (["a.npz", "b.pt"], "a.npz has no supported format; give a .pdparams, .safetensors, .onnx, .pt or .pth file"),
        (["a.pt", "b.onnx"], "unknown format of weights '.onnx'; available: .pdparams, .pt, .pth, .safetensors"),
        (
            ["a.pt", "b.pdparams"],
            "a.pt is of no form that is known (paddle, original, pyskl, mmaction2): its keys are w",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments, message, folder, capsys):
    Path("a.npz").touch()
    writing.write({"w": np.zeros(2, "float32")}, Path("a.pt"))
    assert main(["convert", *arguments]) == 1
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1


def test_a_shape_of_no_shipped_layout_asks_for_a_config(folder):
    state = {key: value.numpy() for key, value in small("CTRGCN")[1].state_dict().items()}
    state["backbone.l1.gcn1.PA"] = np.zeros((3, 4, 4), "float32")
    writing.write(state, Path("a.pt"))
    with pytest.raises(CheckpointError, match="a.pt is of 4 joints, and no layout that is shipped has so many"):
        conversion.hold(Path("a.pt"))
