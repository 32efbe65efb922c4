"""The facts of a model and its test, as far as they are known: what it is, what it was tested on, what it costs."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from ctrgcn_plugin import __version__
from ctrgcn_plugin.data.modality import Modality
from ctrgcn_plugin.data.prepared import open_clips
from ctrgcn_plugin.deploy.card import Card, checksum
from ctrgcn_plugin.deploy.engines import files_of
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.report.material import Material


class Fact(NamedTuple):
    """`value` is for programs, `text` for people."""

    name: str
    value: Any
    text: str


Facts = Mapping[str, Sequence[Fact]]


def describe(material: Material) -> Facts:
    """Facts by heading; what is not known is not among them, and headings without any are not either."""
    found = {"Model": list(_model(material)), "Test": list(_test(material))}
    for file, card in material.exported.items():
        found[f"Exported: {file.name}"] = list(_exported(file, card))
    found["Report"] = list(_report(material))
    return {heading: facts for heading, facts in found.items() if facts}


def latency(benchmark: Optional[Mapping[str, Any]]) -> list[dict[str, str]]:
    """A row of cells by heading for each case of a benchmark that did not fail; what is not known is a dash."""
    cases = [case for case in (benchmark or {}).get("cases", ()) if not case.get("failed")]
    return [{"case": str(case["case"]), **{name: show(case) for name, show in MEASURES.items()}} for case in cases]


def machine(benchmark: Optional[Mapping[str, Any]]) -> str:
    """What a benchmark was made on, in a line; empty where it does not say."""
    about = benchmark or {}
    parts = [part for part in map(about.get, ("machine", "versions")) if isinstance(part, dict)]
    known = {key: value for part in parts for key, value in part.items()}
    cores = f"{known['cores']} cores" if known.get("cores") else ""
    libraries = [f"{name} {known[name]}" for name in ("paddle", "onnxruntime") if known.get(name)]
    return ", ".join(filter(None, [str(known.get("cpu") or ""), cores, *libraries]))


def _measure(key: str, digits: int) -> Callable[[Mapping[str, Any]], str]:
    def show(case: Mapping[str, Any]) -> str:
        value = case.get(key)
        # what no measurement is, a damaged record may have
        return f"{value:.{digits}f}" if isinstance(value, (int, float)) and abs(value) < 1e12 else "–"

    return show


MEASURES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "median ms": _measure("median_ms", 2),
    "first quartile": _measure("q1_ms", 2),
    "third quartile": _measure("q3_ms", 2),
    "clips/s": _measure("clips_per_second", 1),
    "files MB": _measure("size_mb", 2),
    "peak MB": _measure("peak_mb", 0),
}


def count(number: int) -> str:
    """A large number for people: 1,234; 3.4 M; 5.6 G."""
    for size, letter in ((1e9, "G"), (1e6, "M")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:,}"


def _model(material: Material) -> Iterator[Fact]:
    config, cards = material.config, list(material.exported.values())
    if material.model_name:
        yield _text("name", material.model_name)
    if config is None:
        if cards:
            yield _text("backbone", cards[0].backbone)
            yield Fact("parameters", cards[0].parameters, f"{cards[0].parameters:,}")
        return
    yield _text("config", material.config_file.name if material.config_file else "")
    try:
        yield _text("stream", Modality.of_config(config).name)
        yield from _cost(config)
    except (UserError, ImportError) as error:
        material.missing.add("Cost", str(error))


def _cost(config: Mapping[str, Any]) -> Iterator[Fact]:
    from ctrgcn_plugin.environment import require_paddle

    require_paddle()
    from ctrgcn_plugin.deploy.trained import sampling
    from ctrgcn_plugin.models import complexity
    from ctrgcn_plugin.models.network import build_network

    network = build_network(config["MODEL"])
    shape = network.backbone.clip_shape
    frames, _ = sampling(config.get("INFERENCE") or {}, shape)
    parameters, macs = sum(complexity.parameters(network).values()), complexity.macs(network, frames)
    channels, joints, persons = shape
    yield _text("backbone", type(network.backbone).__name__)
    yield Fact(
        "input", [channels, frames, joints, persons], f"{channels} × {frames} × {joints} × {persons} (C, T, V, M)"
    )
    yield Fact("parameters", parameters, f"{parameters:,}")
    yield Fact("MACs", macs, f"{count(macs)} a clip, which papers on skeletons call FLOPs")


def _test(material: Material) -> Iterator[Fact]:
    tested, (clips, classes) = material.tested, material.scores.values.shape
    if tested and tested.card:
        yield _text("data", tested.card.name)
        yield _text("protocol", tested.protocol)
        yield _text("unit", tested.card.unit)
    if tested and tested.layout:
        yield _text("skeleton", f"{tested.layout.name}, {tested.layout.num_joints} joints")
    yield Fact("test clips", clips, f"{clips:,}")
    if tested and tested.files.train and tested.files.train.is_file():
        trained = len(open_clips(tested.files.train))
        yield Fact("training clips", trained, f"{trained:,}")
    yield Fact("classes", classes, str(classes))


def _exported(file: Path, card: Card) -> Iterator[Fact]:
    size = sum(part.stat().st_size for part in files_of(file) if part.is_file())
    yield _text("style", f"{card.style}, {card.precision}")
    yield Fact("size", size, f"{size / 1e6:.2f} MB")
    yield _text("paddle", card.paddle)
    # relative to the largest score, see deploy/gate.py
    errors = ", ".join(f"{setting} {error:.1e}" for setting, error in card.verified.items())
    yield Fact("error by engine setting", dict(card.verified), errors)
    yield Fact(
        "sha256", dict(card.sha256), ", ".join(f"{name} {short(digest)}" for name, digest in card.sha256.items())
    )


def _report(material: Material) -> Iterator[Fact]:
    digest = checksum(material.source)
    saved = datetime.fromtimestamp(material.source.stat().st_mtime, timezone.utc)
    yield _text("scores", material.source.name)
    yield Fact("scores sha256", digest, short(digest))
    yield Fact("scores saved", saved.isoformat(timespec="seconds"), f"{saved:%Y-%m-%d %H:%M} UTC")
    if material.run:
        yield _text("run", material.run.name)
    yield _text("made with", f"ctrgcn-plugin {__version__}, Python {platform.python_version()}, NumPy {np.__version__}")


def short(digest: str) -> str:
    """The beginning of a checksum."""
    return f"{digest[:12]}…"


def _text(name: str, text: str) -> Fact:
    return Fact(name, text, text)
