"""Class names: those of data sets, of prepared data, of a list; and which are a config's."""

from __future__ import annotations

import pytest
import yaml

from ctrgcn_plugin import configs
from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.resources import RECIPE

COUNTS = {"ntu60": 60, "ntu120": 120, "nw_ucla": 10, "utd_mhad": 27, "msr_action3d": 20}
SAMPLES = {
    ("ntu60", 0): "drink water",
    ("ntu60", 42): "falling",
    ("ntu120", 119): "finger-guessing game",
    ("nw_ucla", 2): "drop trash",
    ("utd_mhad", 0): "swipe left",
}


@pytest.fixture
def card(tmp_path):
    """A folder of prepared data whose card names three classes; its data file's path."""
    content = {
        "name": "own",
        "layout": "coco",
        "coordinates": 2,
        "persons": 1,
        "frames": 10,
        "unit": "trunks",
        "classes": ["wave", "喝水", "sit down"],
        "protocols": {"split": {"train": 2, "val": 1}},
        "options": {},
    }
    (tmp_path / "own" / "split").mkdir(parents=True)
    (tmp_path / "own" / "dataset.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return tmp_path / "own" / "split" / "val_data.npy"


@pytest.mark.parametrize("name", class_names.SHIPPED)
def test_shipped_sets(name):
    names = class_names.read(name, COUNTS[name])
    assert len(names) == COUNTS[name] == len(set(names)) and all(names)
    for (of, label), expected in SAMPLES.items():
        if of == name:
            assert names[label].lower().startswith(expected.split()[0])


def test_a_list_of_ones_own(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("\ufeffwave\n 喝水 \nsit down\n\n", encoding="utf-8")
    assert class_names.read(str(file), 3) == ["wave", "喝水", "sit down"]


def test_prepared_data(card):
    for source in (card.parent.parent, card.parent.parent / "dataset.yaml"):
        assert class_names.read(str(source)) == ["wave", "喝水", "sit down"]


@pytest.mark.parametrize(
    "source, content, match",
    [
        ("ntu6", None, "unknown set of class names 'ntu6'.*Did you mean 'ntu60'"),
        ("no.txt", None, "no class names at .*no.txt; give a .txt file"),
        ("n.txt", b"wave\n\nsit\n", "line 2: '' is no name"),
        ("n.txt", b"wave\nsit\x1b[0m\n", "line 2: .* is no name"),
        ("n.txt", b"\n\n", "is empty"),
        ("n.txt", b"\xff\xfe\x00", "cannot be read as text"),
        ("n.txt", b"wave\nsit\n", "has 2 class names for 3 classes"),
        ("folder", b"", "no dataset.yaml in .*folder"),
    ],
)
def test_mistakes_are_one_line(source, content, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if source == "folder":
        (tmp_path / source).mkdir()
    elif content is not None:
        (tmp_path / source).write_bytes(content)
    with pytest.raises(ConfigError, match=match) as caught:
        class_names.read(source, 3)
    assert "\n" not in str(caught.value)


def test_a_config_of_ntu_has_ntus_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert class_names.of_config(configs.load(RECIPE)) == class_names.read("ntu60")


def test_the_card_beside_the_data_decides(card):
    config = configs.load(RECIPE)
    config["DATASET"]["test"]["file_path"] = str(card)
    # a model of 60 classes has not the names of these three
    assert class_names.of_config(config) == []
    config["MODEL"]["head"]["num_classes"] = 3
    assert class_names.of_config(config) == ["wave", "喝水", "sit down"]
    assert class_names.data_card(config).unit == "trunks"


@pytest.mark.parametrize("override", ["MODEL.head.num_classes=12", "MODEL.backbone.graph='coco'"])
def test_no_names_are_made_up(override, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert class_names.of_config(configs.load(RECIPE, [override])) == []


def test_a_class_without_a_name_is_called_by_its_number():
    assert [class_names.label(["wave"], index) for index in (0, 7)] == ["wave", "class 7"]
