"""A recipe fitted to data: a shipped config with the shapes, classes and paths of a prepared data set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional, Union

import yaml

from ctrgcn_plugin import configs, layouts, sections
from ctrgcn_plugin.data import modality
from ctrgcn_plugin.data.prepare.source import SPLITS
from ctrgcn_plugin.data.prepared import CARD, DATA, LABELS, Card
from ctrgcn_plugin.errors import ConfigError, unknown
from ctrgcn_plugin.files import replacing

# fewer steps than this in an epoch, and the batch gets smaller
STEPS = 8
# a config's datasets, and which split each reads
DATASETS = dict(zip(("train", "valid", "test"), (*SPLITS, SPLITS[-1])))
RATES = ("warmup_start_lr", "cosine_base_lr", "step_base_lr")
# upstream's, and what computes the same from a mapped file, faster, and also in a plane
DATASET, CROP, ROTATION = "SkeletonDataset", "SketeonCropSample", "RandomRotation"
AUGMENT = "SkeletonAugment"
OWN = {DATASET: "MappedSkeletonDataset", CROP: "SkeletonCropResample", ROTATION: "SkeletonRotation"}
HEADER = """# {recipe}, fitted to {data}, {protocol}: {clips} clips for training.
{changes}# PaddleVideo reads the paths below from wherever it is started.
"""


def fit(
    recipe: Union[str, Path],
    data: Path,
    protocol: str = "",
    stream: str = "joint",
    width: Optional[int] = None,
    epochs: Optional[int] = None,
) -> tuple[dict[str, Any], str]:
    """A config that trains the recipe's model on prepared data, and the comment that belongs above it.

    Args:
        recipe: a config, the user's or a shipped one.
        data: folder that ``ctrgcn prepare`` has written.
        protocol: one of the data's; may be left out where there is only one.
        stream: what the model learns of, one of :data:`~ctrgcn_plugin.data.modality.NAMES`.
        width: of the model's first stage, base_channel; the recipe's where it is None.
        epochs: passes over the training clips; the recipe's schedule is shortened or stretched to them.

    Raises:
        ConfigError: one of them does not exist.
    """
    card = Card.read(data)
    if card is None:
        raise ConfigError(f"no {CARD} in {data}; give a folder that ctrgcn prepare has written")
    if stream not in modality.NAMES:
        raise unknown("stream", stream, modality.NAMES)
    protocol = _protocol(card, protocol, data)
    graph = card.graph(data)
    layout = layouts.get(graph)
    config = configs.load(recipe, need=("MODEL", "DATASET", "PIPELINE", "INFERENCE", "model_name"))

    for _, network in sections.networks(config["MODEL"]):
        network["backbone"].update(
            num_point=layout.num_joints, num_person=card.persons, in_channels=card.coordinates, graph=graph
        )
        network["head"]["num_classes"] = len(card.classes)
        if width:
            network["backbone"]["base_channel"] = network["head"]["in_channels"] = width
    if epochs:
        _fit_epochs(config, epochs)
    folder = (data / protocol).resolve()
    for dataset, split in DATASETS.items():
        if dataset in config["DATASET"]:
            section = config["DATASET"][dataset]
            section["format"] = OWN.get(section["format"], section["format"])
            section["file_path"] = str(folder / DATA.format(split=split))
            section["label_path"] = str(folder / LABELS.format(split=split))
    bone, motion = modality.NAMES[stream]
    settings = {"joint": not (bone or motion), "bone": bone, "motion": motion, "graph": graph}
    # a confidence is no coordinate to turn
    turns = not card.options.get("confidence")
    for stages in config["PIPELINE"].values():
        for stage, steps in stages.items():
            stages[stage] = [fitted for step in steps for fitted in _fit_step(step, settings, turns)]
    config["INFERENCE"].update(
        num_channels=card.coordinates, vertex_nums=layout.num_joints, person_nums=card.persons, **settings
    )
    # it is part of file names
    config["model_name"] = re.sub(r"\W+", "_", f"{_backbone(config['MODEL'])}_{card.name}_{stream}")
    # what a report is made of
    config.setdefault("METRIC", {})["scores"] = f"output/{config['model_name']}/scores.npz"
    clips = card.protocols[protocol][SPLITS[0]]
    changes = _fit_batch(config, clips)
    source = configs.find(recipe).name
    return config, HEADER.format(recipe=source, data=card.name, protocol=protocol, clips=clips, changes=changes)


def write(config: Mapping[str, Any], header: str, path: Path) -> None:
    """Write a config in upstream's form; a file that is there is not replaced."""
    if path.exists():
        raise ConfigError(f"{path} is there already; give another file, or delete it")
    with replacing(path) as file:
        file.write((header + yaml.safe_dump(dict(config), sort_keys=False)).encode())


def _protocol(card: Card, protocol: str, data: Path) -> str:
    if protocol in card.protocols:
        return protocol
    if protocol:
        raise unknown("protocol", protocol, card.protocols)
    if len(card.protocols) > 1:
        raise ConfigError(f"{data} has the protocols {', '.join(card.protocols)}; name one with --protocol")
    return next(iter(card.protocols))


def _backbone(model: dict[str, Any]) -> str:
    # the last one is the student, in a distillation
    return [network["backbone"]["name"] for _, network in sections.networks(model)][-1]


def _fit_step(step: dict[str, Any], modality_settings: Mapping[str, Any], turns: bool) -> Iterator[dict[str, Any]]:
    """What stands for a step of a pipeline: one or none."""
    ((name, options),) = ((name, settings or {}) for name, settings in step.items())
    if name == modality.STEP:
        yield {name: dict(modality_settings)}
    elif name in (ROTATION, OWN[ROTATION]):
        if turns and options.get("argument", True):
            yield {OWN[ROTATION]: {key: value for key, value in options.items() if key != "argument"}}
    elif name == AUGMENT:
        yield {name: {**options, "graph": modality_settings["graph"]}}
    else:
        yield {OWN.get(name, name): options}


def _fit_epochs(config: dict[str, Any], epochs: int) -> None:
    asked, config["epochs"] = config.get("epochs", epochs), epochs
    schedule = config["OPTIMIZER"]["learning_rate"]
    for key, value in schedule.items() if isinstance(schedule, dict) else ():
        if key == "max_epoch":
            schedule[key] = epochs
        elif key == "warmup_epochs":
            schedule[key] = min(epochs, max(1, round(value * epochs / asked)))
        elif key == "boundaries":
            schedule[key] = [round(boundary * epochs / asked) for boundary in value]


def _fit_batch(config: dict[str, Any], clips: int) -> str:
    """Halve the batch until an epoch has enough steps, and the learning rate with it (Goyal et al. 2017)."""
    asked = size = config["DATASET"]["batch_size"]
    while size > 1 and clips // size < STEPS:
        size //= 2
    if size == asked:
        return ""
    config["DATASET"]["batch_size"] = size
    schedule = config["OPTIMIZER"]["learning_rate"]
    for key in RATES if isinstance(schedule, dict) else ():
        if isinstance(schedule.get(key), (int, float)):
            schedule[key] = schedule[key] * size / asked
    return f"# The batch is {size}, not {asked}, and the learning rates are in proportion: there are few clips.\n"
