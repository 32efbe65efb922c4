"""Layouts as files: those in this folder by name, a user's own by path, each checked to be one tree.

A file says either ``joints: {name: parent}``, with ``null`` for the root, or ``joints: [name, ...]`` and
``bones: [[joint, parent], ...]``; in all lists a joint is a name, or a number from 0. The other keys may be left out:
``centre``, ``left_right`` (by default the names that differ in ``left_`` and ``right_`` alone), ``trunk``,
``dimensions`` and ``name``, see :class:`Layout`.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from functools import cache
from pathlib import Path
from reprlib import Repr
from typing import Any, Union

import yaml

from ctrgcn_plugin.errors import ConfigError, one_line, unknown
from ctrgcn_plugin.layouts.layout import Layout

FOLDER = Path(__file__).parent
DEFAULT = "ntu_rgb_d"
SUFFIXES = (".yaml", ".yml")
KEYS = ("name", "joints", "bones", "centre", "left_right", "trunk", "dimensions")
LEFT, RIGHT = "left_", "right_"

Pairs = tuple[tuple[int, int], ...]

# of what may be a whole file, or by its aliases far more
_REPR = Repr()
_REPR.maxlevel, _REPR.maxlist, _REPR.maxdict = 2, 3, 3
_short = _REPR.repr


def available() -> list[str]:
    """Names of the layouts that ship with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def with_joints(number: int) -> list[str]:
    """Names of the shipped layouts with so many joints."""
    return [name for name in available() if get(name).num_joints == number]


def get(name: Union[str, os.PathLike[str]]) -> Layout:
    """The layout that ships under this name, or that is in this file, for a path that ends in .yaml or .yml.

    Raises:
        ConfigError: there is none of this name, or the file holds no layout; it names the file and the joint.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise ConfigError(f"graph must be a layout's name or a path ending in .yaml, got {_short(name)}")
    path = Path(name)
    if path.suffix in SUFFIXES:
        return _File(path).layout()
    if str(name) not in available():
        raise unknown("graph", str(name), available(), "A layout of your own is given by its path, ending in .yaml.")
    return _shipped(str(name))


@cache
def _shipped(name: str) -> Layout:
    return _File(FOLDER / f"{name}.yaml").layout()


class _Loader(yaml.SafeLoader):
    """YAML in which a key may not come twice: of two joints of one name PyYAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            raise ConfigError(f"{_short(_repeated(keys))} is there twice")
        return mapping


class _File:
    """A layout file: what it says, read step by step; its path is in every error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
        except ConfigError as error:
            raise self._error(str(error)) from error
        except FileNotFoundError as error:
            raise self._error(f"there is no such file in {Path.cwd()}") from error
        except Exception as error:
            # on damaged text PyYAML raises whatever its constructors happen to meet
            raise self._error(f"it cannot be read as YAML: {one_line(error)}") from error
        if not isinstance(content, dict):
            raise self._error(f"it holds {_short(content)}; a mapping with the key joints is needed")
        for key in content:
            if key not in KEYS:
                raise unknown(f"key in layout {path}", key if isinstance(key, str) else _short(key), KEYS)
        self.content = content
        joints = content.get("joints")
        if not isinstance(joints, (dict, list)) or not joints:
            raise self._error(
                f"joints must be a mapping of names to parents, or a list of names with bones, got {_short(joints)}"
            )
        self.joints = tuple(joints)
        for joint in self.joints:
            if not _is_name(joint):
                raise self._error(f"a joint's name must be text, in quotes if YAML takes it for more: {_short(joint)}")
        if len(set(self.joints)) < len(self.joints):
            raise self._error(f"joint {_repeated(self.joints)!r} is there twice")

    def layout(self) -> Layout:
        """What the file describes; a ConfigError if its bones are no tree."""
        name = self.content.get("name", self.path.stem)
        if not _is_name(name):
            raise self._error(f"name must be text, got {_short(name)}")
        dimensions = self.content.get("dimensions", 3)
        if dimensions not in (2, 3) or isinstance(dimensions, (bool, float)):
            raise self._error(f"dimensions must be 2 or 3, got {_short(dimensions)}")
        parents = self._parents()
        return Layout(name, self.joints, parents, self._centre(), self._mirror(), self._pairs("trunk"), dimensions)

    def _error(self, what: str) -> ConfigError:
        return ConfigError(f"layout {self.path}: {what}")

    def _joint(self, value: Any, where: str) -> int:
        """A joint's number, from its name or number."""
        if isinstance(value, str):
            if value not in self.joints:
                raise unknown(f"joint in {where} of layout {self.path}", value, self.joints)
            return self.joints.index(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._error(f"{where} has {_short(value)} where a joint's name or number is needed")
        if not 0 <= value < len(self.joints):
            raise self._error(f"{where} has joint {_short(value)}; the {len(self.joints)} joints are counted from 0")
        return value

    def _list(self, key: str) -> Sequence[Any]:
        value = self.content.get(key, [])
        if not isinstance(value, list):
            raise self._error(f"{key} must be a list, got {_short(value)}")
        return value

    def _pairs(self, key: str) -> Pairs:
        pairs = []
        for pair in self._list(key):
            if not isinstance(pair, list) or len(pair) != 2:
                raise self._error(f"{key} has {_short(pair)} where a pair of joints is needed")
            first, second = (self._joint(joint, key) for joint in pair)
            if first == second:
                raise self._error(f"{key} has joint {self.joints[first]!r} paired with itself")
            pairs.append((first, second))
        return tuple(pairs)

    def _centre(self) -> tuple[int, ...]:
        return tuple(self._joint(joint, "centre") for joint in self._list("centre"))

    def _mirror(self) -> Pairs:
        if "left_right" not in self.content:
            partners = {left: RIGHT + left[len(LEFT) :] for left in self.joints if left.startswith(LEFT)}
            return tuple(
                (self.joints.index(left), self.joints.index(right))
                for left, right in partners.items()
                if right in self.joints
            )
        pairs = self._pairs("left_right")
        joints = [joint for pair in pairs for joint in pair]
        if len(set(joints)) < len(joints):
            raise self._error(f"left_right has joint {self.joints[_repeated(joints)]!r} in two pairs")
        return pairs

    def _parents(self) -> tuple[int, ...]:
        """Each joint's parent, the root's its own: the one tree that the file's bones must be."""
        parents = self._listed_parents() if "bones" in self.content else self._mapped_parents()
        roots = [joint for joint in range(len(self.joints)) if joint not in parents]
        self._check_cycles(parents)
        if len(roots) > 1:
            raise self._error(f"{self._names(roots)} have no parent; one joint alone is the root")
        return tuple(parents.get(joint, joint) for joint in range(len(self.joints)))

    def _mapped_parents(self) -> dict[int, int]:
        joints = self.content["joints"]
        if not isinstance(joints, dict):
            raise self._error("joints is a list, so bones are needed: [[joint, parent], ...]")
        return {
            self.joints.index(joint): self._joint(parent, f"the parent of {joint!r}")
            for joint, parent in joints.items()
            if parent is not None
        }

    def _listed_parents(self) -> dict[int, int]:
        if isinstance(self.content["joints"], dict):
            raise self._error("joints is a mapping, which has the bones; bones go with a list of joints")
        parents: dict[int, int] = {}
        for joint, parent in self._pairs("bones"):
            if joint in parents:
                both = self._names([parents[joint], parent])
                raise self._error(f"joint {self.joints[joint]!r} has two parents, {both}; a bone is [joint, parent]")
            parents[joint] = parent
        return parents

    def _check_cycles(self, parents: dict[int, int]) -> None:
        sound: set[int] = set()
        for joint in range(len(self.joints)):
            way: list[int] = []
            while joint in parents and joint not in sound:
                if joint in way:
                    cycle = self._names(way[way.index(joint) :])
                    raise self._error(f"the bones have a cycle: {cycle}; the root has no parent")
                way.append(joint)
                joint = parents[joint]
            sound.update(way)

    def _names(self, joints: Sequence[int]) -> str:
        return ", ".join(repr(self.joints[joint]) for joint in joints)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value.strip())


def _repeated(values: Sequence[Any]) -> Any:
    """The first of them that has been there before."""
    return next(value for number, value in enumerate(values) if value in values[:number])
