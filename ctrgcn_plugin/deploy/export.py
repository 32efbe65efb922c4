"""A config and a checkpoint become an inference model with a card, or nothing at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

import paddle

from ctrgcn_plugin import configs, terminal
from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.data.clips import clip_files
from ctrgcn_plugin.data.sample import persons_in
from ctrgcn_plugin.deploy import engines, gate, writing
from ctrgcn_plugin.deploy.card import Card, card_of, checksums
from ctrgcn_plugin.deploy.engines import EngineError
from ctrgcn_plugin.deploy.trained import Trained
from ctrgcn_plugin.deploy.writing import Order
from ctrgcn_plugin.errors import ConfigError, UserError, unknown


@dataclass(frozen=True)
class Exported:
    """What :func:`export` has written.

    Attributes:
        model: ``.json``, ``.pdmodel`` or ``.onnx``.
        files: the model, its ``.pdiparams`` where the format has them, and its card.
        card: what is known of it.
        checks: all that the gate has compared.
        wrong: engine setting -> what is wrong in it; these were not among those that must be right.
    """

    model: Path
    files: list[Path]
    card: Card
    checks: list[gate.Check]
    wrong: dict[str, str]


def export(
    config_path: Union[str, os.PathLike[str]],
    weights: Union[str, os.PathLike[str]],
    output_dir: Union[str, os.PathLike[str]],
    *,
    order: Optional[Order] = None,
    save_name: Optional[str] = None,
    overrides: Iterable[str] = (),
    required: Iterable[str] = (),
    clips: Iterable[Union[str, os.PathLike[str]]] = (),
    names: Optional[str] = None,
) -> Exported:
    """Export a trained network, of a distillation its student.

    The files appear in `output_dir` together, after the gate has found the exported model equal to the
    network. After an error the folder is as it was before.

    Args:
        config_path: in PaddleVideo's form, a path or a shipped config's name. INFERENCE may be left out:
            the shape is the backbone's, window_size and p_interval those of upstream's helper, and the stream that
            of PIPELINE.test, see :meth:`~ctrgcn_plugin.data.modality.Modality.of_config`.
        weights: ``.pdparams``, ``.safetensors`` or ``.onnx`` that fit the network completely.
        order: style, engine and precision; fused for Paddle where it is None.
        save_name: what to call the files, instead of the config's model_name.
        overrides: ``a.b.0.c=value`` for the config.
        required: engine settings in which the model must be right; all of the order's engine where it is empty.
            The card has those in which it is, and :class:`~ctrgcn_plugin.deploy.predictor.Predictor` keeps to them.
        clips: clip files of joints to compare on, besides made ones.
        names: of the classes, see :func:`~ctrgcn_plugin.data.class_names.read`; by default what the config's data say.

    Raises:
        ConfigError, CheckpointError, ClipError: config, checkpoint or a clip cannot be used.
        ExportError: the exported model computes something else than the network.
        EngineError: an engine or library that this needs is not installed.
        UserError: `output_dir` cannot be written to.
    """
    order = order or Order()
    must = _required(order.engine, required)
    config = configs.load(os.fspath(config_path), overrides)
    given_name = save_name or config.get("model_name")
    if given_name:
        _require_file_name(given_name)
    trained = Trained.load(config, weights)
    backbone = type(trained.network.backbone).__name__
    name = given_name or backbone
    classes = trained.network.head.num_classes
    known = class_names.of_config(config) if names is None else class_names.read(names, classes)
    data = class_names.data_card(config)

    clip_shape = channels, window_size, joints, persons = trained.input_shape
    given = (gate.Clips("given", persons_in(x), x[None]) for x in map(trained.sample, clip_files(clips)))
    made = gate.make_clips(clip_shape, max(gate.BATCHES), modality=trained.modality)
    references = gate.references(trained.scores, [*made, *given])
    with _staging(Path(output_dir)) as staging:
        model = writing.write(trained.network, clip_shape, staging, order)
        checks, verified, wrong = _verify(model, references, order, must)
        files = engines.files_of(model)
        card = Card(
            model=name,
            backbone=backbone,
            style=order.style,
            precision=order.precision,
            channels=channels,
            frames=window_size,
            joints=joints,
            persons=persons,
            skips_absent=order.skips_absent,
            p_interval=[trained.p],
            modality=trained.modality.name,
            parents=list(trained.modality.parents),
            layout=trained.network.backbone.layout.name,
            unit=data.unit if data else "",
            classes=classes,
            names=known,
            parameters=trained.parameter_count,
            paddle=paddle.__version__,
            verified=verified,
            sha256=checksums(files, name),
            probe=trained.scores(gate.probes(clip_shape)).astype(float).tolist(),
        )
        card_of(model).write_text(card.text(), encoding="utf-8")
        files = _place([*files, card_of(model)], Path(output_dir), name)
    return Exported(files[0], files, card, checks, wrong)


def _required(engine: str, names: Iterable[str]) -> list[str]:
    own = [setting.name for setting in engines.SETTINGS.values() if setting.engine == engine]
    names = list(names)
    for name in names:
        if name not in own:
            raise unknown(f"setting of engine {engine}", name, own)
    return names or own


def _verify(
    model: Path, references: Sequence[gate.Reference], order: Order, must: Sequence[str]
) -> tuple[list[gate.Check], dict[str, float], dict[str, str]]:
    """All comparisons, the largest error of each setting that is right, and what is wrong with the others."""
    tolerance = gate.TOLERANCES[order.precision]
    checks: list[gate.Check] = []
    verified, wrong = {}, {}
    settings = sorted(engines.settings_for(model), key=lambda setting: setting.name not in must)
    for setting in terminal.progress(settings, len(settings), "setting", "compare", leave=False):
        try:
            loaded = setting.load(model, None)
            own = gate.compare(setting.name, loaded.run, references, skips_absent=order.skips_absent)
            checks += own
            gate.require(own, tolerance)
        except (EngineError, gate.ExportError) as error:
            if setting.name in must and not isinstance(error, gate.ExportError):
                _require_room(model)
                raise
            wrong[setting.name] = str(error).replace(f"{model.parent}{os.sep}", "")
        else:
            verified[setting.name] = float(gate.worst(own).error)
    gate.require([check for check in checks if check.setting in must], tolerance, verified)
    return checks, verified, wrong


def _require_room(model: Path) -> None:
    """Raise an OSError where no more can be written: a full disk cuts off Paddle's files without an error."""
    size = sum(file.stat().st_size for file in engines.files_of(model) if file.is_file())
    model.with_suffix(".room").write_bytes(bytes(2 * size))


def _require_file_name(name: Any) -> None:
    if not isinstance(name, str) or Path(name).name != name:
        raise ConfigError(f"files cannot be named {name!r}; give a save_name without folders")


@contextmanager
def _staging(output_dir: Path) -> Iterator[Path]:
    """A folder inside `output_dir`, on its file system, that is gone afterwards.

    So is `output_dir`, with those of its parents that were made for it, if nothing was placed in it.
    """
    made: list[Path] = []
    try:
        made += [folder for folder in (output_dir, *output_dir.parents) if not folder.exists()]
        output_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export-", dir=output_dir) as staging:
            yield Path(staging)
    except OSError as error:
        if error.errno is None:  # raised by a library for its own reasons
            raise
        raise UserError(f"cannot write to {output_dir}: {error.strerror}; give another folder") from error
    finally:
        for folder in made:
            with suppress(OSError):  # not empty: something was placed
                folder.rmdir()


def _place(files: Sequence[Path], folder: Path, name: str) -> list[Path]:
    """Move staged files into `folder` as `name` with their suffixes: all of them or none."""
    targets = [folder / file.name.replace(writing.STEM, name, 1) for file in files]
    placed = []
    try:
        for file, target in zip(files, targets):
            file.replace(target)
            placed.append(target)
    except OSError:
        for target in placed:  # a mix of an old and a new export is worse than none
            target.unlink(missing_ok=True)
        raise
    for suffix in engines.MODEL_SUFFIXES:
        stale = folder / f"{name}{suffix}"
        # the parameters of an earlier model, in the other of Paddle's formats, are now those of this one
        if stale not in targets and not {*engines.files_of(stale)}.isdisjoint(targets):
            card_of(stale).unlink(missing_ok=True)
            stale.unlink(missing_ok=True)
    return targets
