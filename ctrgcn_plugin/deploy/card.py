"""What is known of an exported model, in a file beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ctrgcn_plugin.data.modality import JOINTS, NAMES, Modality
from ctrgcn_plugin.deploy.engines import files_of
from ctrgcn_plugin.deploy.gate import TOLERANCES
from ctrgcn_plugin.errors import UserError, one_line

CARD_SUFFIX = ".yaml"

# what YAML makes of a card's fields
_TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "bool": bool,
    "list[int]": list,
    "list[float]": list,
    "list[str]": list,
    "list[list[float]]": list,
    "dict[str, float]": dict,
    "dict[str, str]": dict,
}
# what a card means that is older than these fields
_UNSAID: dict[str, Any] = {"modality": JOINTS.name, "parents": [], "names": [], "layout": "", "unit": ""}


class ModelError(UserError):
    """A folder holds no exported model, several, or one that is damaged or without a usable card."""


@dataclass(frozen=True)
class Card:
    """What is known of an exported model; the YAML file beside it.

    Attributes:
        model, backbone: names.
        style, precision: see :mod:`ctrgcn_plugin.deploy.writing`.
        channels, frames, joints, persons: C, T, V, M of the network's input.
        skips_absent: whether clips of fewer persons may be given, for those who are not there.
        p_interval: ``[p]``, the part of a clip that is sampled.
        modality: the stream that is made of a clip of joints, one of :data:`~ctrgcn_plugin.data.modality.NAMES`.
        parents: V indices, the bones of a stream of bones; a layout's file may be on another machine.
        layout: of the skeleton, a shipped one's name or what a user's own calls itself; empty where it is not known.
        unit: of the coordinates, as prepared data's card says it; empty where it is not known.
        classes: K.
        names: of the classes; empty where they are not known.
        parameters: how many are trained.
        paddle: version that exported the model.
        verified: engine setting -> largest :func:`~ctrgcn_plugin.deploy.gate.relative_error` found in it. It is
            right in these and is run in no other.
        sha256: name -> checksum of each of its files.
        probe: (2, K), the network's own scores of :func:`~ctrgcn_plugin.deploy.gate.probes`.
    """

    model: str
    backbone: str
    style: str
    precision: str
    channels: int
    frames: int
    joints: int
    persons: int
    skips_absent: bool
    p_interval: list[float]
    modality: str
    parents: list[int]
    layout: str
    unit: str
    classes: int
    names: list[str]
    parameters: int
    paddle: str
    verified: dict[str, float]
    sha256: dict[str, str]
    probe: list[list[float]]

    @property
    def clip_shape(self) -> tuple[int, int, int]:
        """(C, V, M)."""
        return self.channels, self.joints, self.persons

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """(C, T, V, M)."""
        return self.channels, self.frames, self.joints, self.persons

    @property
    def stream(self) -> Modality:
        """What is made of a clip that has been sampled."""
        return Modality.named(self.modality, self.parents)

    @property
    def worst_error(self) -> float:
        """The largest error in any of its settings."""
        return max(self.verified.values())

    def text(self) -> str:
        return yaml.safe_dump(asdict(self), sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)

    @classmethod
    def read(cls, model_file: Path) -> Card:
        """The card of `model_file`; keys that this version does not know are left out."""
        path = card_of(model_file)
        if not path.is_file():
            raise ModelError(f"no card at {path}; it is written with the model: export it again, or copy it along")
        try:
            content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            raise ModelError(f"card {path} is not readable as YAML: {one_line(error)}") from error
        content = {**_UNSAID, **content} if isinstance(content, dict) else {}
        known = {field.name: _TYPES[str(field.type)] for field in fields(cls)}
        unsaid = [name for name, types in known.items() if not isinstance(content.get(name), types)]
        card = None if unsaid else cls(**{name: content[name] for name in known})
        if card is None or not card._is_usable():
            raise ModelError(f"card {path} lacks a usable {', '.join(unsaid) or 'content'}; export the model again")
        return card

    def _is_usable(self) -> bool:
        try:
            probe = np.array(self.probe, dtype=np.float32)
            numbers = [*self.p_interval, *self.verified.values()]
        except (TypeError, ValueError):
            return False
        return (
            probe.shape == (2, self.classes)
            and bool(np.isfinite(probe).all())
            and len(self.p_interval) == 1
            and all(isinstance(number, (int, float)) for number in numbers)
            and min(self.input_shape) > 0
            and self.modality in NAMES
            and self._has_its_bones()
            and len(self.names) in (0, self.classes)
            and all(isinstance(name, str) for name in self.names)
            and self.precision in TOLERANCES
        )

    def _has_its_bones(self) -> bool:
        places = range(self.joints)
        known = all(type(parent) is int and parent in places for parent in self.parents)
        return known and len(self.parents) == (self.joints if self.stream.bone else 0)

    def require_intact(self, model_file: Path) -> None:
        """Raise a :class:`ModelError` unless the model's files are those that were written with this card.

        An engine that is given a damaged file may take the process down with it.
        """
        require_files(model_file)
        for file in files_of(model_file):
            if checksum(file) != self.sha256.get(file.name):
                raise ModelError(
                    f"{file} is damaged or not the file that was exported: its checksum is not the one in "
                    f"{card_of(model_file).name}; copy it again, or export the model again"
                )


def require_files(model_file: Path) -> None:
    """Raise a :class:`ModelError` unless all the files of a model are there."""
    for file in files_of(model_file):
        if not file.is_file():
            raise ModelError(f"no {file.name} in {file.parent}; it belongs to {model_file.name}: copy it along")


def card_of(model_file: Path) -> Path:
    """Where the card of a model lies."""
    return model_file.with_name(model_file.name + CARD_SUFFIX)


def checksum(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def checksums(files: Iterable[Path], name: str) -> dict[str, str]:
    """Checksums of files that will be called `name` with their own suffixes."""
    return {f"{name}{file.suffix}": checksum(file) for file in files}
