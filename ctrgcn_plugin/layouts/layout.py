"""Layouts as data (one YAML file each in this folder) and the adjacency that CTR-GCN starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from ctrgcn_plugin.errors import ConfigError, unknown

FOLDER = Path(__file__).parent
DEFAULT = "ntu_rgb_d"


@dataclass(frozen=True)
class Layout:
    """Joints of one skeleton and the bones between them.

    Attributes:
        name: what a config's ``graph`` says.
        joints: V names, in the order of the data.
        parents: V indices; the root's is its own.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    @property
    def root(self) -> int:
        return next(joint for joint, parent in enumerate(self.parents) if joint == parent)

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(joint, parent) of every joint but the root: V - 1 pairs."""
        return tuple((joint, parent) for joint, parent in enumerate(self.parents) if joint != parent)

    def adjacency(self, labeling_mode: str = "spatial") -> np.ndarray:
        """The three subsets of ST-GCN's spatial partition (Yan et al. 2018, section 3.3).

        Returns:
            (3, V, V) float64: self links, bones toward the root, bones away from it, the
            columns of each normalised to sum 1.
        """
        if labeling_mode != "spatial":
            raise unknown("graph_args.labeling_mode", labeling_mode, ["spatial"])
        identity = np.eye(self.num_joints)
        inward = np.zeros_like(identity)
        for joint, parent in self.bones:
            inward[parent, joint] = 1
        return np.stack([identity, _normalise_columns(inward), _normalise_columns(inward.T)])


def _normalise_columns(links: np.ndarray) -> np.ndarray:
    return links / np.maximum(links.sum(axis=0), 1)


def available() -> list[str]:
    """Names of the layouts that ship with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def get(name: str) -> Layout:
    """The layout called `name`."""
    if name not in available():
        raise unknown("graph", name, available())
    return _parse(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))


def _parse(content: dict) -> Layout:
    parent_of: dict[str, str | None] = content["joints"]
    joints = tuple(parent_of)
    roots = [joint for joint, parent in parent_of.items() if parent is None]
    if len(roots) != 1:
        raise ConfigError(f"layout {content['name']!r} needs one joint without a parent, has {roots or 'none'}")
    index = {joint: i for i, joint in enumerate(joints)}
    return Layout(content["name"], joints, tuple(index[parent or joint] for joint, parent in parent_of.items()))
