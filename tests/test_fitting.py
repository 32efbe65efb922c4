"""A recipe fitted to data: what the config then says, and that it builds a network for that data."""

from __future__ import annotations

import paddle
import pytest
import yaml

from ctrgcn_plugin import configs, fitting, sections
from ctrgcn_plugin.data import modality
from ctrgcn_plugin.data.prepared import CARD
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.models.network import build_network

RECIPE = "configs/recognition/ctrgcn/ctrgcn_light_v2_ntucs_joint_aug.yaml"
CARD_CONTENT = {
    "name": "dance",
    "layout": "ntu_rgb_d",
    "coordinates": 2,
    "persons": 1,
    "frames": 40,
    "unit": "trunks",
    "classes": ["spin", "jump", "step"],
    "protocols": {"split": {"train": 40, "val": 10}},
}


@pytest.fixture
def data(tmp_path):
    def make(**changes):
        (tmp_path / CARD).write_text(yaml.safe_dump({**CARD_CONTENT, **changes}))
        return tmp_path

    return make


@pytest.mark.parametrize(
    "recipe, coordinates, persons", [*((recipe, 2, 1) for recipe in configs.shipped()), (RECIPE, 3, 3)]
)
def test_every_shipped_recipe_builds_a_network_for_the_data(recipe, coordinates, persons, data, tmp_path):
    config, header = fitting.fit(recipe, data(coordinates=coordinates, persons=persons), width=8)
    fitting.write(config, header, tmp_path / "fitted.yaml")
    fitted = configs.load(tmp_path / "fitted.yaml")
    network = build_network(fitted["MODEL"])
    assert network.backbone.clip_shape == (coordinates, 25, persons)
    clip = paddle.zeros([1, coordinates, 8, 25, persons])
    assert network.eval()(clip).shape == [1, 3]
    steps = [options for _, options in sections.pipeline_steps(fitted["PIPELINE"]["train"])]
    assert {options["graph"] for options in steps if "graph" in options} == {"ntu_rgb_d"}
    inference = fitted["INFERENCE"]
    assert [inference[key] for key in ("num_channels", "vertex_nums", "person_nums")] == [coordinates, 25, persons]


@pytest.mark.parametrize(
    "stream, joint, bone, motion",
    [("joint", True, False, False), ("bone", False, True, False), ("bone_motion", False, True, True)],
)
def test_the_stream_is_the_same_everywhere(stream, joint, bone, motion, data):
    config, _ = fitting.fit(RECIPE, data(), stream=stream)
    sections = [config["PIPELINE"][mode]["transform"][-1][modality.STEP] for mode in ("train", "valid", "test")]
    for section in (*sections, config["INFERENCE"]):
        assert (section["joint"], section["bone"], section["motion"]) == (joint, bone, motion)
    assert config["model_name"] == f"CTRGCN_lightV2_dance_{stream}"
    # a test leaves what ctrgcn report -c asks for
    assert config["METRIC"]["scores"] == f"output/CTRGCN_lightV2_dance_{stream}/scores.npz"


def test_paths_are_whole(data):
    folder = data()
    config, _ = fitting.fit(RECIPE, folder)
    for name, split in (("train", "train"), ("valid", "val"), ("test", "val")):
        section = config["DATASET"][name]
        assert section["file_path"] == str(folder / "split" / f"{split}_data.npy")
        assert section["label_path"] == str(folder / "split" / f"{split}_label.pkl")


@pytest.mark.parametrize("clips, batch, peak", [(512, 64, 0.1), (511, 32, 0.05), (40, 4, 0.00625), (3, 1, 0.0015625)])
def test_few_clips_get_small_batches_and_rates_in_proportion(clips, batch, peak, data):
    config, header = fitting.fit(RECIPE, data(protocols={"split": {"train": clips, "val": 3}}))
    assert config["DATASET"]["batch_size"] == batch
    assert config["OPTIMIZER"]["learning_rate"]["cosine_base_lr"] == peak
    assert config["OPTIMIZER"]["learning_rate"]["warmup_start_lr"] == peak / 10
    assert ("few clips" in header) is (batch < 64)


@pytest.mark.parametrize("epochs, warmup", [(50, 5), (3, 1), (200, 20)])
def test_the_schedule_follows_the_epochs(epochs, warmup, data):
    config, _ = fitting.fit(RECIPE, data(), epochs=epochs)
    schedule = config["OPTIMIZER"]["learning_rate"]
    assert (config["epochs"], schedule["max_epoch"], schedule["warmup_epochs"]) == (epochs, epochs, warmup)


@pytest.mark.parametrize("confidence", [False, True])
def test_the_steps_are_the_fast_ones_and_a_confidence_is_not_turned(confidence, data):
    config, _ = fitting.fit(RECIPE, data(coordinates=2 + confidence, options={"confidence": confidence}))
    names = {
        mode: [name for steps in stages.values() for step in steps for name in step]
        for mode, stages in config["PIPELINE"].items()
    }
    turned = [] if confidence else ["SkeletonRotation"]
    assert names["train"] == ["Iden", "SkeletonCropResample", *turned, modality.STEP]
    assert names["valid"] == names["test"] == ["Iden", "SkeletonCropResample", modality.STEP]
    assert config["PIPELINE"]["train"]["sample"][1]["SkeletonCropResample"]["p_interval"] == [0.5, 1]
    assert {config["DATASET"][name]["format"] for name in fitting.DATASETS} == {"MappedSkeletonDataset"}


def test_mistakes(data, tmp_path):
    several = data(protocols={"xsub": {"train": 4, "val": 2}, "xview": {"train": 4, "val": 2}})
    with pytest.raises(ConfigError, match="xsub, xview; name one with --protocol"):
        fitting.fit(RECIPE, several)
    with pytest.raises(ConfigError, match="unknown protocol 'xsup'.*Did you mean 'xsub'"):
        fitting.fit(RECIPE, several, "xsup")
    with pytest.raises(ConfigError, match="unknown stream 'bones'"):
        fitting.fit(RECIPE, several, "xsub", "bones")
    with pytest.raises(ConfigError, match="no dataset.yaml in .*ctrgcn prepare"):
        fitting.fit(RECIPE, tmp_path / "elsewhere")
    config, header = fitting.fit(RECIPE, several, "xsub")
    fitting.write(config, header, tmp_path / "once.yaml")
    with pytest.raises(ConfigError, match="is there already"):
        fitting.write(config, header, tmp_path / "once.yaml")
