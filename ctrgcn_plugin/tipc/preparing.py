"""What has to be in PaddleVideo's folder before its TIPC scripts run: configs, data to train on, weights.

All of it is new files; what upstream has there is neither changed nor replaced.
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any, Optional

import numpy as np
import paddle

from ctrgcn_plugin import checkpoint, configs, resources, unpickling
from ctrgcn_plugin.data import synthetic
from ctrgcn_plugin.deploy.export import export
from ctrgcn_plugin.deploy.writing import Order
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError, unknown
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.models.network import STUDENT, build_network, named_models
from ctrgcn_plugin.tipc import fixed
from ctrgcn_plugin.tipc.chain import Need
from ctrgcn_plugin.tipc.commands import Command
from ctrgcn_plugin.tipc.reference import Export, find_config
from ctrgcn_plugin.upstream.locate import Upstream

FOLDER = "test_tipc"
CONFIGS = f"{FOLDER}/configs"
RESULTS = f"{FOLDER}/results"
DATA = Path("data/ntu-rgb-d")
WHOLE, LITE = DATA / "xsub", DATA / "lite"
# clips of the lite set: as many as four subjects of the procedural set make
LITE_CLIPS = {"train": 30, "val": 10}


def shipped() -> dict[str, list[str]]:
    """Model -> names of its chains: the files, without their suffix, that come with the plugin."""
    root = resources.folder(FOLDER) / "configs"
    models = sorted(path for path in root.glob("*") if path.is_dir())
    return {model.name: sorted(file.stem for file in model.glob("*.txt")) for model in models}


def require_scripts(upstream: Upstream) -> None:
    """Raise an EnvironmentSetupError for a PaddleVideo without TIPC's scripts."""
    if not (upstream.root / FOLDER / "common_func.sh").is_file():
        raise EnvironmentSetupError(
            f"{upstream.root} has no {FOLDER}: TIPC's scripts are in a git checkout of PaddleVideo and not in PyPI's "
            "ppvideo; get one with: ctrgcn upstream get"
        )


def place_configs(upstream: Upstream, model: str, chain: str) -> Path:
    """The chain's config in PaddleVideo's folder, put there with the model's others and their reference results.

    A file that is there already stays, and is used: it may be the user's.
    """
    if model not in shipped():
        raise unknown("model of TIPC", model, shipped())
    if chain not in shipped()[model]:
        raise unknown(f"chain of {model}", chain, shipped()[model])
    for folder in (CONFIGS, RESULTS):
        source = resources.folder(FOLDER) / Path(folder).name / model
        for file in (path for path in source.glob("*") if path.suffix in (".txt", ".yaml")):
            target = upstream.root / folder / model / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copyfile(file, target)
    return upstream.root / CONFIGS / model / f"{chain}.txt"


def is_shipped(file: Path) -> bool:
    """Whether a config in PaddleVideo's folder is the plugin's own, unchanged."""
    own = resources.folder(FOLDER) / "configs" / file.parent.name / file.name
    return own.is_file() and own.read_bytes() == file.read_bytes()


def make_lite_data(root: Path) -> str:
    """Write the lite set, in the format of upstream's NTU RGB+D files; what it was made of, in words.

    Where the whole set is there, it is some clips of it; else they are procedural.
    """
    if all((root / WHOLE / f"{split}_{part}").is_file() for split in LITE_CLIPS for part in ("data.npy", "label.pkl")):
        for split, count in LITE_CLIPS.items():
            _take(root, split, count)
        return f"{sum(LITE_CLIPS.values())} clips of {WHOLE}"
    made = synthetic.make_dataset(root / LITE, subjects=synthetic.HELD_OUT_EVERY, views=1)
    return f"{sum(made.clips.values())} procedural clips"


def _take(root: Path, split: str, count: int) -> None:
    """Clips of the whole set at even distances, which are of different classes in NTU's order."""
    source, target = root / WHOLE, root / LITE
    try:
        data = np.load(source / f"{split}_data.npy", mmap_mode="r", allow_pickle=False)
        with (source / f"{split}_label.pkl").open("rb") as file:
            names, labels = unpickling.load(file)[:2]
    except (OSError, ValueError, TypeError, pickle.UnpicklingError) as error:
        raise UserError(f"the data in {source} cannot be read: {' '.join(str(error).split())}") from error
    if not len(data) == len(names) == len(labels):
        raise UserError(f"{source}: {len(data)} clips in {split}_data.npy, {len(labels)} labels in {split}_label.pkl")
    rows = np.linspace(0, len(data) - 1, min(count, len(data))).astype(int)
    with ExitStack() as stack:
        np.save(stack.enter_context(replacing(target / f"{split}_data.npy")), data[rows])
        taken = [names[row] for row in rows], [int(labels[row]) for row in rows]
        pickle.dump(taken, stack.enter_context(replacing(target / f"{split}_label.pkl")), protocol=4)


def place_pretrained(root: Path, command: Command) -> list[str]:
    """Make fixed weights for the networks that a training starts from a checkpoint which is not there."""
    assert command.config is not None
    model = configs.load(find_config(root, command.config), command.overrides())["MODEL"]
    made = []
    for network in named_models(model["models"]).values() if "models" in model else [model]:
        path = network.get("backbone", {}).get("pretrained")
        if path and not (root / path).is_file():
            _write_fixed(root / path, network)
            made.append(path)
    return made


def _write_fixed(file: Path, model: Mapping[str, Any]) -> None:
    network = build_network(model)
    fixed.fill(network)
    _save({key: value.numpy() for key, value in network.state_dict().items()}, file)


def _save(state: Mapping[str, Any], file: Path) -> None:
    content = BytesIO()
    paddle.save({key: paddle.to_tensor(value) for key, value in state.items()}, content)
    with replacing(file) as target:
        target.write(content.getbuffer())


def place_weights(root: Path, need: Need, given: Optional[Path]) -> Export:
    """Put the user's weights, or else fixed ones, where a chain looks for them, and export them where it asks for it.

    Returns:
        What the model that it exports, or is given, is made of.
    """
    assert need.command.config is not None
    file, overrides = find_config(root, need.command.config), need.command.overrides()
    config = configs.load(file, overrides)
    if given is None:
        _write_fixed(root / need.weights, config["MODEL"])
    else:
        state = checkpoint.of_network(checkpoint.read(given), config["MODEL"].get("student", STUDENT))
        checkpoint.load_into(build_network(config["MODEL"]), state, given)
        _save(state, root / need.weights)
    if need.model:
        order = Order("plain", "paddle", "fp32", need.model.suffix == ".pdmodel")
        folder = root / need.model.parent
        export(file, root / need.weights, folder, order=order, save_name=need.model.stem, overrides=overrides)
    return Export(need.weights.parent, need.command.config, tuple(overrides), need.weights)
