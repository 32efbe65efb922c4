"""From what a user names to a picture of it: which clip, which skeleton, what a model says of it, which format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from ctrgcn_plugin import configs, layouts, terminal
from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.drawing import animation, chosen, page, picture, timing
from ctrgcn_plugin.drawing.chosen import Chosen
from ctrgcn_plugin.environment import require_paddle
from ctrgcn_plugin.errors import ConfigError, one_line
from ctrgcn_plugin.layouts import Layout

if TYPE_CHECKING:
    from ctrgcn_plugin.deploy.predictor import Predictor
    from ctrgcn_plugin.deploy.trained import Trained

PAGE, STRIP = ".html", ".png"
STRIP_FRAMES = 8
MOST_CLIPS = 100  # of one call; a page of more is none to look at


@dataclass(frozen=True)
class Wishes:
    """What a user says of the clips, where it is not what is beside them; and what is to be added.

    Attributes:
        row, layout, unit: see :class:`Chosen`.
        label: what they show.
        names: of the classes, see :func:`ctrgcn_plugin.data.class_names.read`.
        model: exported; its answer is put into the title.
        config, weights: of a network.
        importance: colour joints by how much they matter to that, by this one of
            :data:`ctrgcn_plugin.models.topology.METHODS`; empty for not.
        fps: frames of a clip in a second.
        frames: how many are drawn at most.
    """

    row: Optional[str] = None
    layout: Optional[str] = None
    unit: Optional[str] = None
    label: Optional[str] = None
    names: Optional[str] = None
    model: Optional[str] = None
    config: Optional[str] = None
    weights: Optional[str] = None
    importance: str = ""
    fps: float = timing.FPS
    frames: Optional[int] = None

    @cached_property
    def predictor(self) -> Optional[Predictor]:
        from ctrgcn_plugin.deploy.predictor import Predictor

        return Predictor(self.model) if self.model else None

    @cached_property
    def network(self) -> Optional[Trained]:
        if not self.config and not self.weights:
            return None
        if not self.config or not self.weights:
            raise ConfigError("a network is its config and its weights; give both -c CONFIG and -p WEIGHTS")
        require_paddle()
        from ctrgcn_plugin.deploy.trained import Trained

        return Trained.load(configs.load(self.config), self.weights)


@dataclass(frozen=True, eq=False)
class _Drawing:
    """All that a picture of a clip is made of."""

    clip: np.ndarray
    layout: Layout
    title: str
    unit: str
    importance: Optional[np.ndarray]

    def arguments(self) -> dict[str, Any]:
        """What all that draw understand."""
        return {"layout": self.layout, "title": self.title, "unit": self.unit, "importance": self.importance}


def show_clips(inputs: Sequence[str], output: Optional[Path], wishes: Wishes) -> list[Path]:
    """Draws clips; the files that were written.

    Args:
        inputs: see :func:`ctrgcn_plugin.drawing.chosen.read`.
        output: its suffix says what is drawn; by default a page, named after the first clip. Of several clips, a page
            shows all; for other formats each gets a file with its number.

    Raises:
        UserError: a clip, a layout, a model or the format is not what is needed.
    """
    if output is not None and output.suffix.lower() not in FORMATS:
        raise ConfigError(f"cannot write {output}: {output.suffix or 'no suffix'} is none of {', '.join(FORMATS)}")
    if bool(wishes.importance) != bool(wishes.config or wishes.weights):
        raise ConfigError("to colour joints by their importance, give all of --importance, -c CONFIG and -p WEIGHTS")
    clips = []
    for clip in chosen.read(inputs, wishes.row, wishes.layout):
        clips.append(clip)
        if len(clips) > MOST_CLIPS:
            raise ConfigError(f"more than {MOST_CLIPS} clips are named; look at fewer at once")
    output = output or Path(clips[0].stem + PAGE)
    several = len(clips) > 1
    drawings = (_drawing(clip, wishes, several) for clip in terminal.progress(clips, total=len(clips), unit="clip"))
    if output.suffix.lower() == PAGE:
        _write_page(drawings, output, wishes, title=", ".join(clip.name for clip in clips[:3]))
        return [output]
    paths = [output.with_stem(f"{output.stem}_{number}") if several else output for number in range(1, len(clips) + 1)]
    for drawing, path in zip(drawings, paths):
        with _writing(path):
            DRAWERS[output.suffix.lower()](drawing, path, wishes)
    return paths


def show_topology(text: str, output: Path, wishes: Wishes, block: Optional[str], channels: int) -> list[Path]:
    """Draws what a network has learned of how joints depend on each other, for one clip."""
    if output.suffix.lower() != STRIP:
        raise ConfigError(f"cannot write {output}: a topology is drawn as {STRIP}")
    network = wishes.network
    assert network is not None
    from ctrgcn_plugin.drawing.topology_figure import draw_topology
    from ctrgcn_plugin.models.topology import topologies

    clip, *others = chosen.read([text], wishes.row, wishes.layout)
    if others:
        raise ConfigError(f"{text} names {1 + len(others)} clips; a topology is that of one")
    learned = topologies(network, _fitting(clip, network))
    with _writing(output):
        draw_topology(
            learned,
            clip.clip,
            output,
            layout=_layout(clip, wishes),
            block=block,
            channels=channels,
            unit=_unit(clip, wishes),
            title=_title(clip, wishes, several=False),
        )
    return [output]


def _drawing(clip: Chosen, wishes: Wishes, several: bool) -> _Drawing:
    return _Drawing(
        clip.clip, _layout(clip, wishes), _title(clip, wishes, several), _unit(clip, wishes), _importance(clip, wishes)
    )


def _title(clip: Chosen, wishes: Wishes, several: bool) -> str:
    """What is predicted and what is true; and the clip's name, where there are others or nothing else is known."""
    parts = []
    names = class_names.read(wishes.names) if wishes.names else []
    if wishes.predictor:
        its, own = wishes.predictor.card.unit, _unit(clip, wishes)
        if its and its != own:
            raise ConfigError(
                f"clip {clip.name} is in {own}, and model {wishes.model} takes {its}; give another of them"
            )
        (prediction,) = wishes.predictor.predict([clip.name])
        ((index, probability),) = prediction.top(1)
        name = class_names.label(names or prediction.names or clip.classes, index)
        parts.append(f"predicted: {name} ({probability:.0%})")
    label = "" if clip.label is None else class_names.label(names or clip.classes, clip.label)
    if wishes.label or label:
        parts.append(f"true: {wishes.label or label}" if parts else wishes.label or label)
    answer = ", ".join(parts)
    return f"{clip.name}: {answer}" if answer and several else answer or clip.name


def _layout(clip: Chosen, wishes: Wishes) -> Layout:
    """What the user says, the card beside the clip, the model or the network; else by the number of joints."""
    if wishes.network:
        known: Layout = wishes.network.network.backbone.layout
        return layouts.get(wishes.layout) if wishes.layout else known
    of_model = wishes.predictor.card.layout if wishes.predictor else ""
    # a model may know a user's own layout by its name alone
    shipped = of_model if of_model in layouts.available() else ""
    return layouts.get(wishes.layout or clip.layout or shipped or chosen.layout_of(clip))


def _unit(clip: Chosen, wishes: Wishes) -> str:
    return wishes.unit or clip.unit or (wishes.predictor.card.unit if wishes.predictor else "")


def _importance(clip: Chosen, wishes: Wishes) -> Optional[np.ndarray]:
    network = wishes.network
    if network is None:
        return None
    from ctrgcn_plugin.models.topology import joint_importance

    return joint_importance(network, _fitting(clip, network), wishes.importance)


def _fitting(clip: Chosen, network: Trained) -> np.ndarray:
    from ctrgcn_plugin.data.sample import check_clip

    return check_clip(clip.clip, network.network.backbone.clip_shape, f"clip {clip.name}")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or one_line(error)}; give another with -o"
        ) from error


def _write_page(drawings: Iterable[_Drawing], path: Path, wishes: Wishes, title: str) -> None:
    players = [
        page.player(drawing.clip, fps=wishes.fps, frames=wishes.frames, script=number == 0, **drawing.arguments())
        for number, drawing in enumerate(drawings)
    ]
    with _writing(path):
        page.write(players, path, title)


def _draw_strip(drawing: _Drawing, path: Path, wishes: Wishes) -> None:
    picture.draw_clip(drawing.clip, path, frames=wishes.frames or STRIP_FRAMES, **drawing.arguments())


def _animate(drawing: _Drawing, path: Path, wishes: Wishes) -> None:
    animation.animate(drawing.clip, path, fps=wishes.fps, frames=wishes.frames, **drawing.arguments())


DRAWERS: dict[str, Callable[[_Drawing, Path, Wishes], None]] = {".gif": _animate, ".mp4": _animate, STRIP: _draw_strip}
FORMATS = (PAGE, *DRAWERS)
