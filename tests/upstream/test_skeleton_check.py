"""A config's skeletons against each other, its data's headers, labels, values: one line names place, file and key."""

from __future__ import annotations

import copy
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.models import backbones, heads
from ctrgcn_plugin.upstream import skeleton_check

STREAM = "SketeonModalityTransform"
CLIPS, CLASSES = 6, 3


@pytest.fixture
def config(tmp_path) -> dict:
    """2-D clips of COCO's keypoints, one person, for training; as many to validate on and to test on."""
    datasets = {}
    for mode in ("train", "valid", "test"):
        np.save(tmp_path / f"{mode}.npy", np.zeros((CLIPS, 2, 4, 17, 1), "float32"))
        labels = [str(i) for i in range(CLIPS)], [i % CLASSES for i in range(CLIPS)]
        (tmp_path / f"{mode}.pkl").write_bytes(pickle.dumps(labels))
        files = {"file_path": str(tmp_path / f"{mode}.npy"), "label_path": str(tmp_path / f"{mode}.pkl")}
        datasets[mode] = {"format": "SkeletonDataset", **files}
    steps = {"sample": [{"Iden": None}, {"SketeonCropSample": {"window_size": 4}}]}
    steps["transform"] = [{STREAM: {"joint": True, "bone": False, "motion": False}}]
    return {
        "MODEL": {
            "backbone": {"name": "CTRGCN_light", "graph": "coco", "in_channels": 2, "num_person": 1},
            "head": {"name": "CTRGCNMixupHead", "num_classes": CLASSES},
        },
        "DATASET": {"batch_size": 2, **datasets},
        "PIPELINE": {mode: copy.deepcopy(steps) for mode in datasets},
    }


@pytest.fixture(autouse=True)
def _validating(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["main.py", "--validate"])


def _set(config: dict, path: str, value: object) -> None:
    *way, last = (int(key) if key.isdigit() else key for key in path.split("."))
    for key in way:
        config = config[key]
    config[last] = value


def _clips(*shape: int):
    """Put clips of another shape, or anything else that NumPy can save, in the place of a file."""
    return lambda file: np.save(file, np.zeros(shape, "float32"))


def _one_value(value: float, dtype: str = "float32"):
    """Clips of which the fourth has one such value."""
    clips = np.zeros((CLIPS, 2, 4, 17, 1), dtype)
    clips[3, 1, 2, 16, 0] = value
    return lambda file: np.save(file, clips)


def _labels(*labels: object):
    return lambda file: file.write_bytes(pickle.dumps(([str(i) for i in range(len(labels))], list(labels))))


@pytest.mark.parametrize("role", ["train", "test", "export", "other"])
def test_what_agrees_is_left_alone(config, role):
    skeleton_check.check(config, role)


# settings, {file: how it is written}, what the line says
MISTAKES = {
    "graph": ({"MODEL.backbone.graph": "coko"}, {}, "unknown graph 'coko'; available: .* Did you mean 'coco'?"),
    "layout file": ({"MODEL.backbone.graph": "no.yaml"}, {}, r"layout no\.yaml: there is no such file"),
    "num_point": (
        {"MODEL.backbone.num_point": 18},
        {},
        "MODEL.backbone: num_point is 18, but graph 'coco' has 17 joints",
    ),
    "num_person": ({"MODEL.backbone.num_person": "1 person"}, {}, "backbone.num_person must be a whole .* '1 person'"),
    "num_classes": ({"MODEL.head.num_classes": 0}, {}, r"MODEL\.head\.num_classes must be .* at least 1, got 0"),
    "coordinates": (
        {"MODEL.backbone.in_channels": 3},
        {},
        r"DATASET\.train\.file_path .*train\.npy has shape \(6, 2, 4, 17, 1\), but MODEL\.backbone takes "
        r"\(N, 3, T, 17, 1\), .* or set MODEL\.backbone\.in_channels=2$",
    ),
    "another skeleton": ({}, {"train.npy": _clips(6, 2, 4, 20, 1)}, r"set MODEL\.backbone\.graph=kinect_v1$"),
    "one of two skeletons": (
        {"MODEL.backbone.num_point": 17},
        {"train.npy": _clips(6, 3, 4, 25, 2)},
        r"or set MODEL\.backbone\.in_channels=3, MODEL\.backbone\.graph=body_25 or ntu_rgb_d, "
        r"MODEL\.backbone\.num_point=25, MODEL\.backbone\.num_person=2$",
    ),
    "no known skeleton": ({}, {"train.npy": _clips(6, 2, 4, 19, 1)}, r"graph=FILE\.yaml, a layout of 19 joints$"),
    "validation": (
        {},
        {"valid.npy": _clips(6, 2, 4, 17, 2)},
        r"DATASET\.valid\.file_path .* set MODEL\.backbone\.num_person=2$",
    ),
    "no data": ({"DATASET.train.file_path": "no.npy"}, {}, r"DATASET\.train\.file_path: no data at no\.npy"),
    "one clip": ({}, {"train.npy": _clips(2, 4, 17, 1)}, r"train\.npy has shape \(2, 4, 17, 1\) of float32"),
    "no array": ({}, {"train.npy": lambda file: file.write_text("x")}, "cannot be read as a .npy file"),
    "no labels": ({"DATASET.train.label_path": "no.pkl"}, {}, r"DATASET\.train\.label_path: no labels at no\.pkl"),
    "few labels": ({}, {"train.pkl": _labels(0, 1)}, r"train\.pkl has 2 labels, file_path has 6 clips"),
    "more classes": (
        {},
        {"train.pkl": _labels(1, 2, 3, 1, 2, 3)},
        r"label_path .*train\.pkl has labels from 1 to 3, but MODEL\.head\.num_classes is 3: labels count from 0 to 2",
    ),
    "negative label": ({}, {"valid.pkl": _labels(0, 1, -1, 0, 0, 0)}, "has labels from -1 to 1"),
    "no clips": (
        {},
        {"train.npy": _clips(0, 2, 4, 17, 1), "train.pkl": _labels()},
        r"DATASET\.train\.file_path \S+train\.npy has no clips; give one that has some to train on$",
    ),
    "no clips to validate on": (
        {},
        {"valid.npy": _clips(0, 2, 4, 17, 1), "valid.pkl": _labels()},
        r"DATASET\.valid\.file_path .* has no clips; .* to validate on$",
    ),
    "NaN": (
        {"DATASET.train.format": "MappedSkeletonDataset"},
        {"train.npy": _one_value(np.nan)},
        r"DATASET\.train\.file_path \S+train\.npy has values that are NaN or infinite in 1 of 6 clips, "
        r"the first is 3 \(from 0\), 3; ctrgcn data check DIR lists them, and with --fix OUT_DIR writes data without$",
    ),
    "infinite": ({}, {"valid.npy": _one_value(-np.inf, "float64")}, r"DATASET\.valid\.file_path .* in 1 of 6 clips"),
    "NaN, and labels that are not named": (
        {"DATASET.train.label_path": None},
        {"train.npy": _one_value(np.nan)},
        r"the first is 3 \(from 0\); ctrgcn",
    ),
    "stream": (
        {f"PIPELINE.train.transform.0.{STREAM}": {"joint": False, "bone": True, "motion": False, "graph": "hand"}},
        {},
        rf"PIPELINE\.train\.transform\.{STREAM}\.graph is 'hand', but MODEL\.backbone\.graph is 'coco'",
    ),
    "stream's default": (
        {f"PIPELINE.test.transform.0.{STREAM}": {"joint": "Fasle", "bone": True, "motion": False}},
        {},
        rf"PIPELINE\.test\.transform\.{STREAM}\.graph is 'ntu_rgb_d'",
    ),
    "rotation": (
        {"PIPELINE.valid.transform.0": {"RandomRotation": {"argument": True}}},
        {},
        r"PIPELINE\.valid\.transform\.RandomRotation turns .* 3 coordinates, but MODEL\.backbone\.in_channels is 2",
    ),
    "norm": (
        {"PIPELINE.train.sample.0": {"SkeletonNorm": {"axis": "x"}}},
        {},
        r"PIPELINE\.train\.sample\.SkeletonNorm\.axis must be a whole number",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name, config, tmp_path):
    settings, files, message = MISTAKES[name]
    for path, value in settings.items():
        _set(config, path, value)
    for file, write in files.items():
        write(tmp_path / file)
    with pytest.raises(ConfigError, match=message) as caught:
        skeleton_check.check(config, "train")
    assert "\n" not in str(caught.value)


OTHERS_BUSINESS = {
    "a step that leaves two coordinates": (
        {"PIPELINE.train.sample.0": {"SkeletonNorm": None}},
        {"train.npy": _clips(6, 3, 4, 17, 1)},
    ),
    "a step that may do anything": (
        {"PIPELINE.train.sample.0": {"OfTheUsersOwn": None}},
        {"train.npy": _clips(6, 9, 4, 20, 1)},
    ),
    "NaN that a step may fill": (
        {"PIPELINE.train.sample.0": {"OfTheUsersOwn": None}},
        {"train.npy": _one_value(np.nan)},
    ),
    "whole numbers": ({}, {"train.npy": _one_value(7, "int64")}),
    "a rotation that is off": ({"PIPELINE.train.transform.0": {"RandomRotation": {"argument": False}}}, {}),
    "another data set": ({"DATASET.train.format": "FeatureDataset"}, {"train.npy": _clips(6, 9)}),
    "other files": ({"DATASET.train.file_path": "train.pkl"}, {}),
    "labels that are not named": ({"DATASET.train.label_path": None}, {"train.pkl": _labels(9)}),
    "data that are not read": ({}, {"test.npy": _clips(6, 9, 4, 20, 1), "test.pkl": _labels(9)}),
    "a stream of joints": (
        {f"PIPELINE.train.transform.0.{STREAM}": {"joint": True, "bone": True, "graph": "hand"}},
        {},
    ),
    "a stream of motion": (
        {f"PIPELINE.train.transform.0.{STREAM}": {"joint": False, "bone": False, "motion": True}},
        {},
    ),
    "a model with graphs of its own": ({"MODEL.backbone": {"name": "AGCN2s", "graph": "hand"}}, {}),
}


@pytest.mark.parametrize("name", OTHERS_BUSINESS)
def test_what_is_not_our_business(name, config, tmp_path):
    settings, files = OTHERS_BUSINESS[name]
    for path, value in settings.items():
        _set(config, path, value)
    for file, write in files.items():
        write(tmp_path / file)
    skeleton_check.check(config, "train")


def test_data_to_validate_on_are_read_where_there_is_validation(config, monkeypatch, tmp_path):
    Path(config["DATASET"]["valid"]["file_path"]).unlink()
    with pytest.raises(ConfigError, match=r"DATASET\.valid\.file_path: no data"):
        skeleton_check.check(config, "train")
    monkeypatch.setattr(sys, "argv", ["main.py"])
    skeleton_check.check(config, "train")
    Path(config["DATASET"]["test"]["label_path"]).unlink()
    with pytest.raises(ConfigError, match=r"DATASET\.test\.label_path: no labels"):
        skeleton_check.check(config, "test")
    _clips(0, 2, 4, 17, 1)(Path(config["DATASET"]["test"]["file_path"]))
    with pytest.raises(ConfigError, match=r"DATASET\.test\.file_path .* has no clips; give one that has some to test$"):
        skeleton_check.check(config, "test")


def test_every_network_of_a_distillation_is_looked_at(config):
    model = config["MODEL"]
    config["MODEL"] = {"models": [{"Teacher": model}, {"Student": copy.deepcopy(model)}]}
    skeleton_check.check(config, "train")
    config["MODEL"]["models"][1]["Student"]["backbone"]["num_person"] = 2
    with pytest.raises(ConfigError, match=r"set MODEL\.models\.Student\.backbone\.num_person=1"):
        skeleton_check.check(config, "train")


def test_a_bare_config_has_what_the_classes_take():
    net, head = backbones.CTRGCN_light(), heads.CTRGCNMixupHead()
    counts = skeleton_check.COUNTS
    assert net.clip_shape == (counts["in_channels"], 25, counts["num_person"])
    assert head.num_classes == counts["num_classes"]
    skeleton_check.check({"MODEL": {"backbone": {"name": "CTRGCN"}, "head": {"name": "CTRGCNHead"}}}, "train")
    skeleton_check.check({}, "train")
