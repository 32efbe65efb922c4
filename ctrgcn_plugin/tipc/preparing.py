"""What has to be in PaddleVideo's folder before its TIPC scripts run: configs and weights.

All of it is new files; what upstream has there is neither changed nor replaced.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ctrgcn_plugin import checkpoint, configs, resources
from ctrgcn_plugin.convert import writing
from ctrgcn_plugin.deploy.engines import MODEL_SUFFIXES
from ctrgcn_plugin.deploy.export import export
from ctrgcn_plugin.deploy.writing import Order
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError, unknown
from ctrgcn_plugin.models.network import STUDENT, build_network
from ctrgcn_plugin.tipc import supplies
from ctrgcn_plugin.tipc.chain import Need
from ctrgcn_plugin.tipc.reference import Export, find_config
from ctrgcn_plugin.upstream.locate import Upstream

FOLDER = "test_tipc"
CONFIGS = f"{FOLDER}/configs"
RESULTS = f"{FOLDER}/results"
FIXED = "fixed weights"
PARAMETERS = ".pdiparams"


@dataclass(frozen=True)
class Weights:
    """Weights that a chain was given.

    Attributes:
        exported: what the model is made of that it exports, or is given.
        told: whose they are, in words.
    """

    exported: Export
    told: str

    @property
    def fixed(self) -> bool:
        return self.told == FIXED


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


def place_weights(root: Path, need: Need, given: Optional[Path], replace: bool) -> Weights:
    """Put weights where a chain looks for them, and export them where it asks for that.

    Args:
        given: the user's; without them, those that are there, else fixed ones.
        replace: what is there was put there by an earlier run, and does not count.
    """
    file = find_config(root, need.config)
    config = configs.load(file, need.overrides)
    target = root / need.weights
    exported = Export(need.weights.parent, need.config, need.overrides, need.weights)
    there = next((path for path in (need.weights, need.model) if path and (root / path).is_file()), None)
    mine = there is not None and not replace
    if given and mine:
        raise UserError(f"{there} is there already: leave --weights out, or have the chain name another file")
    if mine and there == need.model:
        # with nothing beside it that it was made of: the judge will say so
        return Weights(exported, f"the user's {there}")
    _remove_exported(root, need)
    if given:
        state = checkpoint.of_network(checkpoint.read(given), config["MODEL"].get("student", STUDENT))
        checkpoint.load_into(build_network(config["MODEL"]), state, given)
        writing.write(state, target)
    elif not mine:
        supplies.write_fixed(target, config["MODEL"])
    if need.model:
        order = Order("plain", "paddle", "fp32", need.model.suffix == ".pdmodel")
        export(file, target, root / need.model.parent, order=order, save_name=need.model.stem, overrides=need.overrides)
    return Weights(exported, FIXED if not (given or mine) else f"weights of {given or need.weights}")


def _remove_exported(root: Path, need: Need) -> None:
    """Take away the models of an earlier run, which would be run in the place of one that could not be made."""
    model = root / need.weights.parent / (need.model.stem if need.model else need.save_name)
    for suffix in (*MODEL_SUFFIXES, PARAMETERS):
        model.with_name(model.name + suffix).unlink(missing_ok=True)
    if need.makes:
        (root / need.makes).unlink(missing_ok=True)
