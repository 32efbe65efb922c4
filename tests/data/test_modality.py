"""The four streams: equal to loops that are plain to see, and taken from a config as a run takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.modality import JOINTS, KEYS, NAMES, STEP, Modality
from ctrgcn_plugin.errors import ConfigError

NTU = layouts.get("ntu_rgb_d").parents


def by_loops(clip: np.ndarray, name: str, parents: tuple[int, ...]) -> np.ndarray:
    """One joint and one frame after the other, as the papers have it."""
    values = clip.copy()
    if "bone" in name:
        for joint, parent in enumerate(parents):
            values[:, :, joint] = clip[:, :, joint] - clip[:, :, parent]
    if "motion" in name:
        still = values.copy()
        for frame in range(clip.shape[1]):
            last = frame == clip.shape[1] - 1
            values[:, frame] = 0 if last else still[:, frame + 1] - still[:, frame]
    return values


def clip_of(joints: int, channels: int = 3, frames: int = 7, persons: int = 2) -> np.ndarray:
    return np.random.default_rng(joints).normal(0, 1, (channels, frames, joints, persons)).astype("float32")


@pytest.mark.parametrize("layout", layouts.available())
@pytest.mark.parametrize("name", NAMES)
def test_every_stream_of_every_layout(name: str, layout: str) -> None:
    parents = layouts.get(layout).parents
    modality = Modality.named(name, parents)
    assert modality.name == name
    for clip in (clip_of(len(parents)), clip_of(len(parents), channels=2, frames=1, persons=1)):
        kept = clip.copy()
        made = modality(clip)
        assert made.dtype == np.float32
        np.testing.assert_array_equal(made, by_loops(kept, name, parents))
        np.testing.assert_array_equal(clip, kept)
        np.testing.assert_array_equal(modality(np.stack([clip, 2 * clip]))[1], modality(2 * clip))


def test_a_skeleton_of_other_joints() -> None:
    with pytest.raises(ConfigError, match=r"a clip of 17 joints has no bones of a layout of 25; make graph"):
        Modality.named("bone", NTU)(clip_of(17))
    assert Modality.named("motion", NTU)(clip_of(17)).shape == (3, 7, 17, 2)


def config_with(**values: Any) -> dict[str, Any]:
    return {"PIPELINE": {"test": {"sample": [{"Iden": None}], "transform": [{STEP: values}]}}}


BONE, MOTION = {"joint": False, "bone": True, "motion": False}, {"joint": False, "bone": False, "motion": True}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, JOINTS),
        ({"PIPELINE": {"test": {"transform": [{STEP: None}, {"Iden": None}]}}}, JOINTS),
        ({"PIPELINE": {"train": config_with(**BONE)["PIPELINE"]["test"]}}, JOINTS),
        (config_with(**BONE), Modality(True, False, NTU)),
        (config_with(**BONE, graph="coco"), Modality(True, False, layouts.get("coco").parents)),
        (config_with(**{**BONE, "joint": "Fasle"}), Modality(True, False, NTU)),
        (config_with(**{**BONE, "joint": True}), JOINTS),
        (config_with(bone=True, motion=True), JOINTS),  # joint is true unless it is said
        (config_with(joint=False, bone=False, motion=False), JOINTS),
        (config_with(**MOTION), Modality(False, True)),
        (config_with(joint=False, bone=True, motion=True), Modality(True, True, NTU)),
        ({"PIPELINE": {"test": {"transform": {STEP: MOTION}}}}, Modality(False, True)),
        # what INFERENCE says goes before what PIPELINE.test says, all of it
        ({**config_with(**BONE), "INFERENCE": {"window_size": 16}}, Modality(True, False, NTU)),
        ({**config_with(**BONE), "INFERENCE": {"joint": True}}, JOINTS),
        ({**config_with(**BONE), "INFERENCE": {"joint": False, "motion": True}}, Modality(False, True)),
    ],
)
def test_taken_from_a_config(config: dict[str, Any], expected: Modality) -> None:
    assert Modality.of_config(config) == expected


def test_a_layout_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "chain.yaml"
    path.write_text("joints: {a: null, b: a, c: b}\n", encoding="utf-8")
    assert Modality.of_config(config_with(**BONE, graph=str(path))).parents == (0, 0, 1)


@pytest.mark.parametrize(
    ("config", "match"),
    [
        (config_with(**{**BONE, "bone": "yes"}), rf"PIPELINE\.test\.{STEP}\.bone must be True or False, got 'yes'"),
        ({"INFERENCE": {"motion": 1}}, r"INFERENCE\.motion must be True or False, got 1"),
        (config_with(**BONE, bones=True), rf"unknown key in PIPELINE\.test\.{STEP} 'bones'.*Did you mean 'bone'"),
        (config_with(**BONE, graph="ntu_rgbd"), "unknown graph 'ntu_rgbd'.*Did you mean 'ntu_rgb_d'"),
        (config_with(**BONE, graph=["ntu_rgb_d"]), "graph must be a layout's name"),
        ({"PIPELINE": {"test": {"transform": [{STEP: "bone"}]}}}, "must be settings .* got 'bone'"),
        ({"PIPELINE": {"test": {"transform": [{STEP: BONE}, {STEP: MOTION}]}}}, "has 2 steps"),
    ],
)
def test_settings_that_are_none(config: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match) as caught:
        Modality.of_config(config)
    assert "\n" not in str(caught.value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Fasle", "coco", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, STEP, "x"]), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(inference=values, steps=values, test=values)
def test_any_config(inference: Any, steps: Any, test: Any) -> None:
    for pipeline in ({"test": {"transform": steps}}, {"test": test}, test):
        try:
            assert Modality.of_config({"INFERENCE": inference, "PIPELINE": pipeline}).name in NAMES
        except ConfigError as error:
            assert "\n" not in str(error)
