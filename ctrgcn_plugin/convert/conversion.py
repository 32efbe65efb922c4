"""A checkpoint becomes one of another form or format: whole, or without what its user has left out by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ctrgcn_plugin import checkpoint, configs, terminal
from ctrgcn_plugin.convert import forms, writing
from ctrgcn_plugin.convert.described import network_of
from ctrgcn_plugin.convert.forms import CONSTANT, FORMS, ORIGINAL, PADDLE, PYSKL, Form
from ctrgcn_plugin.errors import CheckpointError, ConfigError
from ctrgcn_plugin.models.backbones import CTRGCN, CTRGCNRectified
from ctrgcn_plugin.models.network import STUDENT, Network, build_network

# of formats whose readers expect PyTorch's names
TORCH = (".pt", ".pth")


@dataclass(frozen=True)
class Conversion:
    """A checkpoint held against a network.

    Attributes:
        source: its file.
        form: that its keys are of.
        network: from the config, or read off the keys; with its own values still.
        given: what was not left out, under Paddle's keys.
        names: Paddle's key -> the file's, of all keys but unused ones.
        unused: the file's keys of what takes no part in the forward pass.
        left_out: the file's keys that were left out.
        others: how many of the file's keys are of other networks, as a distillation's teacher.
        fit: how the others meet the network's.
        rectified: whether the file's temporal units end in a ReLU; `given` has the network's keys in either case.
    """

    source: Path
    form: Form
    network: Network
    given: Mapping[str, np.ndarray]
    names: Mapping[str, str]
    unused: tuple[str, ...]
    left_out: tuple[str, ...]
    others: int
    fit: checkpoint.Fit
    rectified: bool

    @property
    def backbone(self) -> str:
        """What a config calls it."""
        return type(self.network.backbone).__name__

    def description(self) -> str:
        """The network in words."""
        backbone = self.network.backbone
        coordinates, joints, persons = backbone.clip_shape
        return (
            f"{self.backbone} of width {backbone.base_channel}, {joints} joints, {coordinates} coordinates, "
            f"{persons} persons, {self.network.head.num_classes} classes"
        )

    def lines(self, shown: int) -> list[str]:
        """A report of the keys: how many match, and which do not, at most `shown` of them, with the shapes of both."""
        counts = {
            "keys match": len(self.fit.matched),
            "of the file take no part in the forward pass": len(self.unused),
            "of the file are of other networks": self.others,
            "are left out": len(self.left_out),
        }
        rows = self.unmatched()
        table = terminal.table(("key without a match", "in the file", "in the model"), rows[:shown], right=False)
        return [
            f"{self.source}: form {self.form.name}, {self.description()}",
            ", ".join(f"{number} {what}" for what, number in counts.items() if number or what == "keys match"),
            *(table if rows else []),
            *([f"and {len(rows) - shown} more; -v shows all"] if len(rows) > shown else []),
        ]

    def unmatched(self) -> list[tuple[str, str, str]]:
        """(key, shape in the file, shape in the network) of every key that has no counterpart, or one of another shape.

        A key of the file's is called as there, and its shape is that of its values in Paddle's form.
        """
        own = self.network.state_dict()

        def shape(side: Mapping[str, Any], key: str) -> str:
            return str(list(side[key].shape)) if key in side else "-"

        keys = (*self.fit.extra, *self.fit.missing, *(text.split()[0] for text in self.fit.misfit))
        return [(self.names.get(key, key), shape(self.given, key), shape(own, key)) for key in keys]

    def form_for(self, target: Optional[Path], name: Optional[str]) -> Form:
        """The form of an output: the one that is named, else the one that readers of such a file expect.

        Of PyTorch's files that is the form that was read, or the one that a network of Paddle's comes from.
        """
        if name is not None:
            return FORMS[name]
        if target is None or target.suffix.lower() not in TORCH:
            return PADDLE
        if self.form is not PADDLE:
            return self.form
        return PYSKL if type(self.network.backbone) is CTRGCNRectified else ORIGINAL

    def require(self, form: Form, for_training: bool = False) -> None:
        """Raise a CheckpointError unless the network of `form` would answer as the file's does.

        Args:
            for_training: it may answer otherwise, for it is to be trained on.
        """
        if not self.fit.complete or self.fit.extra:
            raise CheckpointError(
                f"{self.source} does not fit {self.description()}: {self.fit}; give the config that it was trained "
                "with, or --leave_out KEYS, as in --leave_out head for other classes"
            )
        if form is not PADDLE and type(self.network.backbone) not in (CTRGCN, CTRGCNRectified):
            raise CheckpointError(
                f"{self.source} is of {self.backbone}, and form {form.name} is one of CTRGCN and CTRGCNRectified "
                "alone; take --form paddle, in any format"
            )
        sides = {
            str(self.source): self.rectified,
            self.backbone: forms.is_rectified(self.network.state_dict()),
            f"form {form.name}": form.rectified,
        }
        has = [side for side, rectified in sides.items() if rectified]
        has_not = [side for side, rectified in sides.items() if rectified is False]
        if has and has_not and not for_training:
            raise CheckpointError(
                f"{has[0]} has temporal units that end in a ReLU, {has_not[0]} has not; the weights fit, and the "
                "scores would differ; the backbone with such units is CTRGCNRectified; --for_training converts them "
                "as a start"
            )

    def write(self, target: Path, form: Form) -> None:
        """Write what matches, in the network's order, in the format that the suffix says."""
        state = {key: self.given[key] for key in self.fit.matched}
        writing.write(forms.of_paddle(state, form), target)


def hold(source: Path, config: Optional[str] = None, leave_out: Sequence[str] = ()) -> Conversion:
    """Read a checkpoint of any format and form, and hold it against its network.

    Args:
        config: with the network's MODEL section; without one it is read off the keys and shapes.
        leave_out: how Paddle's or the file's keys begin that are neither converted nor asked for.

    Raises:
        CheckpointError: the file cannot be read, or is of no network that is known.
        ConfigError: the config is wrong, or no key begins so.
    """
    model = configs.load(config)["MODEL"] if config else {}
    network = build_network(model) if config else None
    whole = forms.unwrapped(checkpoint.arrays(source))
    arrays = checkpoint.of_network(whole, model.get("student", STUDENT))
    form = forms.recognised(arrays)
    if form is None:
        keys = ", ".join(list(arrays)[:3])
        raise CheckpointError(f"{source} is of no form that is known ({', '.join(FORMS)}): its keys are {keys}, ...")
    state, names = forms.in_paddle(arrays, form)
    network = network or network_of(state, source)
    own = network.state_dict()
    rectified = forms.is_rectified(state)
    state = forms.for_temporal(state, forms.is_rectified(own))
    names = forms.for_temporal(names, forms.is_rectified(own))
    constants = {key: value.numpy() for key, value in own.items() if key.endswith(CONSTANT)}
    out = _beginning(leave_out, {**{key: key for key in own}, **names})
    wanted = {key: value for key, value in own.items() if key not in out}
    given = {key: value for key, value in {**constants, **state}.items() if key not in out}
    fit = checkpoint.compare(wanted, given)
    return Conversion(
        source,
        form,
        network,
        given,
        names,
        tuple(key for key in arrays if form.is_unused(key)),
        tuple(names[key] for key in names if key in out),
        len(whole) - len(arrays),
        fit,
        rectified,
    )


def _beginning(starts: Sequence[str], names: Mapping[str, str]) -> set[str]:
    """Paddle's keys among `names` that begin in one of these ways, or whose other names do."""
    found: set[str] = set()
    for start in starts:
        keys = {key for key, name in names.items() if key.startswith(start) or name.startswith(start)}
        if not keys:
            raise ConfigError(f"no key begins with {start!r}; they begin with {', '.join(sorted(_heads(names)))}")
        found |= keys
    return found


def _heads(names: Mapping[str, str]) -> set[str]:
    return {".".join(key.split(".")[:2]) for key in names}
