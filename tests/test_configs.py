"""Configs: found, read, overridden, and the shipped ones built as their table says."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from ctrgcn_plugin import configs, layouts
from ctrgcn_plugin.data.modality import KEYS, Modality
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.models.network import build_network

FOLDER = "configs/recognition/ctrgcn"
STREAMS = ("joint", "bone", "motion", "bone_motion")
# config: model_name, backbone, width, epochs, values of the exported network
NTU = {
    "ctrgcn_lite_ntucs_joint_dml": ("CTRGCNLiteJoint", "CTRGCNLite", 64, 100, 1_072_744),
    "ctrgcn_light_ntucs_joint": ("CTRGCN_light_joint", "CTRGCN_light", 60, 65, 1_031_550),
    "ctrgcn_light_ntucs_joint_aug": ("CTRGCN_light_joint", "CTRGCN_light", 60, 100, 1_031_550),
    **{
        f"ctrgcn_light_v2_ntucs_{name}_aug": (f"CTRGCN_lightV2_{name}", "CTRGCN_lightV2", 62, 100, 1_126_068)
        for name in STREAMS
    },
    "ctrgcn_light_v2_ntucs_joint_dml": ("CTRGCN_lightV2_joint", "CTRGCN_lightV2", 62, 100, 1_126_068),
}
NW_UCLA = {
    "ctrgcn_light_v2_nwucla_joint": ("CTRGCN_lightV2_NW_UCLA_joint", "CTRGCN_lightV2", 62, 30, 1_106_508),
    "ctrgcn_light_nwucla_joint": ("CTRGCN_light_NW_UCLA_joint", "CTRGCN_light", 60, 30, 1_015_090),
    "ctrgcn_nwucla_joint": ("CTRGCN_NW_UCLA_joint", "CTRGCN", 64, 30, 1_436_420),
    "ctrgcn_lite_nwucla_joint_dml": ("CTRGCNLite_NW_UCLA_joint_dml", "CTRGCNLite", 64, 30, 1_053_459),
}
# config: clips in a batch, frames of each
SHIPPED = {
    **{name: (row, 64, 64) for name, row in NTU.items()},
    **{name: (row, 16, 52) for name, row in NW_UCLA.items()},
}


def test_all_are_shipped():
    assert configs.shipped() == sorted(f"{FOLDER}/{name}.yaml" for name in SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_config_builds_its_model(name):
    (model_name, backbone, width, epochs, values), batch, frames = SHIPPED[name]
    config = configs.load(f"{FOLDER}/{name}.yaml")
    network = build_network(config["MODEL"])
    assert (config["model_name"], config["epochs"]) == (model_name, epochs)
    assert (type(network.backbone).__name__, network.backbone.base_channel) == (backbone, width)
    assert sum(math.prod(value.shape) for value in network.state_dict().values()) == values
    assert (config["DATASET"]["batch_size"], config["INFERENCE"]["window_size"]) == (batch, frames)
    assert config["OPTIMIZER"]["use_nesterov"] is True and config["OPTIMIZER"]["momentum"] == 0.9


@pytest.mark.parametrize(
    "name, alpha, start, peak, decay",
    [
        ("ctrgcn_lite_ntucs_joint_dml", 0.5, 0.005, 0.01, 1e-4),
        ("ctrgcn_light_ntucs_joint_aug", 0.2, 0.01, 0.1, 4e-4),
        ("ctrgcn_light_v2_ntucs_joint_aug", 0.2, 0.01, 0.1, 4e-4),
        ("ctrgcn_light_v2_ntucs_joint_dml", 0.2, 0.01, 0.1, 4e-4),
    ],
)
def test_recipes(name, alpha, start, peak, decay):
    config = configs.load(f"{FOLDER}/{name}.yaml")
    assert config["MIX"] == {"name": "Mixup", "alpha": alpha}
    assert config["OPTIMIZER"]["learning_rate"] == {
        "name": "WarmupCosineDecay",
        "iter_step": True,
        "warmup_start_lr": start,
        "warmup_epochs": 10,
        "cosine_base_lr": peak,
        "max_epoch": 100,
    }
    assert config["OPTIMIZER"]["weight_decay"] == {"name": "L2", "value": decay}


def leaves(value, place=()):
    """(place, value) of every setting in a config."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield place, value
    else:
        for key, inner in items:
            yield from leaves(inner, (*place, key))


@pytest.mark.parametrize("name", STREAMS)
def test_the_four_streams_differ_in_the_stream_alone(name):
    config = configs.load(f"{FOLDER}/ctrgcn_light_v2_ntucs_{name}_aug.yaml")
    bone = "bone" in name
    expected = Modality(bone, "motion" in name, layouts.get("ntu_rgb_d").parents if bone else ())
    for mode in ("train", "valid", "test"):
        assert Modality.of_config({"PIPELINE": {"test": config["PIPELINE"][mode]}}) == expected
    assert Modality.of_config(config) == expected
    # what a tool that looks at INFERENCE alone is told
    assert Modality.of_config({"INFERENCE": config["INFERENCE"]}) == expected

    joints = dict(leaves(configs.load(f"{FOLDER}/ctrgcn_light_v2_ntucs_joint_aug.yaml")))
    differing = {place for place, value in leaves(config) if joints.get(place, place) != value}
    assert {place for place in differing if place[-1] not in KEYS} <= {("model_name",)}
    assert set(joints) <= set(dict(leaves(config)))


@pytest.mark.parametrize("name", NW_UCLA)
def test_the_networks_of_nw_ucla_differ_in_the_network_alone(name):
    config, other = (configs.load(f"{FOLDER}/{each}.yaml") for each in (name, next(iter(NW_UCLA))))
    for each in (config, other):
        model_name = each.pop("model_name")
        assert each["METRIC"].pop("scores") == f"output/{model_name}/scores.npz"
        del each["MODEL"]
    assert config == other


def test_a_file_on_disk_wins(tmp_path, monkeypatch):
    path = Path(FOLDER) / "ctrgcn_light_ntucs_joint.yaml"
    monkeypatch.chdir(tmp_path)
    assert configs.find(path) == configs.shipped_copy(path)
    path.parent.mkdir(parents=True)
    path.write_text("MODEL: {}")
    assert configs.find(path) == path


def test_overrides_are_literals_and_never_run(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump({"MODEL": {"models": [{"A": {"x": 1}}]}, "lr": "1e-4"}))
    config = configs.load(file, ["MODEL.models.0.A.x=[1, 2]", "MODEL.y=__import__('os').getcwd()", "epochs=3"])
    assert config == {
        "MODEL": {"models": [{"A": {"x": [1, 2]}}], "y": "__import__('os').getcwd()"},
        "lr": 1e-4,
        "epochs": 3,
    }


@pytest.mark.parametrize(
    "override, message",
    [
        ("epochs", r"'epochs' must have the form key\.key=value"),
        ("MODEL.head.fc.x=1", r"MODEL\.head is not in the config; there is: backbone"),
        ("MODEL.backbone.name.x=1", r"MODEL\.backbone\.name is a str, not a section"),
        ("list.7=1", r"'7' is not an index below 2"),
    ],
)
def test_wrong_overrides(override, message, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump({"MODEL": {"backbone": {"name": "x"}}, "list": [1, 2]}))
    with pytest.raises(ConfigError, match=message):
        configs.load(file, [override])


@pytest.mark.parametrize(
    "content, message",
    [("a: [", "not readable as YAML"), ("- 1", "holds a list"), ("epochs: 1", "has no MODEL section"),
     ("!!python/object/apply:os.getcwd []", "not readable as YAML")],
)  # fmt: skip
def test_files_that_are_no_config(content, message, tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        configs.load(file)
    assert "\n" not in str(caught.value)


def test_a_missing_config_lists_what_is_shipped():
    with pytest.raises(ConfigError, match=r"no config at nothing\.yaml; the plugin ships: configs/recognition/ctrgcn"):
        configs.load("nothing.yaml")


@pytest.mark.parametrize(
    "model, message",
    [
        ({"backbone": {"name": "CTRGCNlite"}}, "unknown MODEL backbone 'CTRGCNlite'.*Did you mean 'CTRGCNLite'"),
        (
            {"backbone": {"name": "CTRGCN_light", "bas_channel": 8}},
            "unknown key of CTRGCN_light in MODEL backbone .*Did you mean 'base_channel'",
        ),
        ({"models": [{"A": {}, "B": {}}]}, "each entry of MODEL.models must be one"),
        ({"models": [{"A": {}}, {"A": {}}]}, "two networks called 'A'"),
        ({"models": [{"A": {}}]}, "unknown network as MODEL.student 'Student'; available: A"),
    ],
    ids=["name", "key", "entry", "twice", "student"],
)
def test_models_that_cannot_be_built(model, message):
    with pytest.raises(ConfigError, match=message):
        build_network(model)
