"""What is known of an exported model, in a file beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from ctrgcn_plugin.errors import UserError

CARD_SUFFIX = ".yaml"

# what YAML makes of a card's fields
_TYPES: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "list[float]": list, "list[str]": list}


class ModelError(UserError):
    """A folder holds no exported model, several, or one without a usable card."""


@dataclass(frozen=True)
class Card:
    """What is known of an exported model; the YAML file beside it.

    Attributes:
        model, backbone: names.
        channels, frames, joints, persons: C, T, V, M of the network's input.
        p_interval: ``[p]``, the part of a clip that is sampled.
        classes: K.
        parameters: how many are trained.
        paddle: version that exported and verified the model.
        worst_error: largest :func:`~ctrgcn_plugin.deploy.gate.relative_error` found.
        verified: names of the engine settings that it was found in.
    """

    model: str
    backbone: str
    channels: int
    frames: int
    joints: int
    persons: int
    p_interval: list[float]
    classes: int
    parameters: int
    paddle: str
    worst_error: float
    verified: list[str]

    @property
    def clip_shape(self) -> tuple[int, int, int]:
        """(C, V, M)."""
        return self.channels, self.joints, self.persons

    def text(self) -> str:
        return yaml.safe_dump(asdict(self), sort_keys=False, default_flow_style=None)

    @classmethod
    def read(cls, path: Path) -> Card:
        """The card at `path`; keys that this version does not know are left out."""
        if not path.is_file():
            raise ModelError(f"no card at {path}; it is written with the model: export it again, or copy it along")
        try:
            content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            raise ModelError(f"card {path} is not readable as YAML: {' '.join(str(error).split())}") from error
        content = content if isinstance(content, dict) else {}
        known = {field.name: _TYPES[str(field.type)] for field in fields(cls)}
        unsaid = [name for name, types in known.items() if not isinstance(content.get(name), types)]
        if unsaid:
            raise ModelError(f"card {path} lacks a usable {', '.join(unsaid)}; export the model again")
        return cls(**{name: content[name] for name in known})
