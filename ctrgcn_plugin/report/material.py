"""What a report is made of: what the user names, and what lies where a run, a test and an export leave it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional

from ctrgcn_plugin import configs, curves, layouts, sections
from ctrgcn_plugin.curves import Curves
from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.data.scores import Scores
from ctrgcn_plugin.deploy.card import Card
from ctrgcn_plugin.deploy.selection import find_models
from ctrgcn_plugin.errors import ConfigError, UserError, one_line
from ctrgcn_plugin.report.tested import Files, Tested, match, texts

# where upstream's training and this package's export write, if not told otherwise
OUTPUT, INFERENCE = Path("output"), Path("inference")
# a part of a report that is left out -> what would give it
ADVICE = {
    "Clips": "give the test's data with --data, or the config of the test with -c",
    "Skeletons": "give the layout of their joints with --layout",
    "Duplicates": "give data with their training clips with --data, or the config of the training with -c",
    "Curves": "train with the plugin installed, and give the run's folder with --run",
    "Export": "give an exported model with -m",
    "Latency": "give the file of ctrgcn benchmark --json FILE with --benchmark",
    "Class names": "give them with --names",
    "Config": "give the config of the test with -c",
    "Cost": "give the config of the test with -c, where Paddle is installed",
}


@dataclass(frozen=True)
class Asked:
    """What the user names; what is None is looked for, where there is a place to look."""

    scores: Optional[Path] = None
    config: Optional[str] = None
    data: Optional[Path] = None
    run: Optional[Path] = None
    model: Optional[Path] = None
    benchmark: Optional[Path] = None
    layout: Optional[str] = None
    names: Optional[str] = None


@dataclass
class Missing:
    """Parts that are left out, as sentences: what is not there, and what would give it."""

    sentences: list[str] = field(default_factory=list)

    def add(self, part: str, why: str) -> None:
        """`part` is a key of :data:`ADVICE`."""
        self.sentences.append(f"{part}: {why}; {ADVICE[part]}.")

    @contextmanager
    def unless_named(self, part: str, named: object) -> Iterator[None]:
        """An error of the user's in here leaves `part` out, if the user has not `named` it."""
        try:
            yield
        except UserError as error:
            if named is not None:
                raise
            self.add(part, str(error))


@dataclass(frozen=True, eq=False)
class Material:
    """What a report is made of.

    Attributes:
        source: the score file.
        scores: with labels.
        clips: N names, or none.
        names: of the K classes, or none.
        config_file, config: of the test.
        tested: the test's clips.
        run: the training's output folder.
        exported: model files with their cards.
        benchmark: what ``ctrgcn benchmark --json`` has written.
    """

    source: Path
    scores: Scores
    clips: Sequence[str]
    names: Sequence[str]
    config_file: Optional[Path] = None
    config: Optional[Mapping[str, Any]] = None
    tested: Optional[Tested] = None
    curves: Optional[Curves] = None
    run: Optional[Path] = None
    exported: Mapping[Path, Card] = field(default_factory=dict)
    benchmark: Optional[Mapping[str, Any]] = None
    missing: Missing = field(default_factory=Missing)

    @property
    def model_name(self) -> str:
        """As the config says; empty without one."""
        return _model_name(self.config)


def gather(asked: Asked) -> Material:
    """All there is.

    Raises:
        UserError: there are no scores, no labels for them, what the user names cannot be used, or what there is
            is not of one test.
    """
    search = _Search(asked)
    source = search.score_file()
    scores = Scores.read(source)
    tested = search.tested(scores)
    if scores.labels is None and tested is not None:
        scores = replace(scores, labels=tested.labels)
    if scores.labels is None:
        raise UserError(f"{source} has no labels, and there are no data to take them from; {ADVICE['Clips']}")
    curves, run = search.curves()
    return Material(
        source=source,
        scores=scores,
        clips=texts(scores.names) or (tested.names if tested else []),
        names=search.names(scores, tested),
        config_file=configs.find(asked.config) if asked.config else None,
        config=search.config,
        tested=tested,
        curves=curves,
        run=run,
        exported=search.exported(scores.values.shape[1]),
        benchmark=search.benchmark(),
        missing=search.missing,
    )


def _model_name(config: Optional[Mapping[str, Any]]) -> str:
    return str((config or {}).get("model_name") or "")


class _Search:
    """Looks for each part where the user says, else where it should lie, and notes what is missing."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.missing = Missing()
        self.config = configs.load(asked.config) if asked.config else None
        if self.config is None:
            self.missing.add("Config", "not given")
        elif not isinstance(self.config["MODEL"], Mapping):
            raise ConfigError(f"{asked.config} has MODEL {self.config['MODEL']!r}; a section is needed")
        self._name = _model_name(self.config)

    def score_file(self) -> Path:
        if self.asked.scores is not None:
            return self.asked.scores
        if self.config is None:
            raise UserError("no scores to report on; give a score file, or a config whose METRIC.scores names one")
        metric = self.config.get("METRIC")
        named = metric.get("scores") if isinstance(metric, Mapping) else None
        if not isinstance(named, str):
            raise ConfigError(
                f"{self.asked.config} has no METRIC.scores, and no score file is given; test with "
                "-o METRIC.scores=FILE.npz, and give that file"
            )
        return Path(named)

    def tested(self, scores: Scores) -> Optional[Tested]:
        """The clips; those that the config names may be on another machine."""
        files = Files.of_config(self.config) if self.config else None
        if self.asked.data is not None:
            candidates = Files.in_folder(self.asked.data)
        elif files is None:
            self.missing.add("Clips", "not given")
            return None
        elif not files.clips.is_file():
            self.missing.add("Clips", f"there is no {files.clips}, which the config names")
            return None
        else:
            candidates = [files]
        found = match(scores, candidates, self.asked.layout, self._graph())
        if found.layout is None:
            self.missing.add("Skeletons", "what their joints are is not known")
        return found

    def _graph(self) -> Optional[str]:
        """The config's; of a distillation the student's, which is the last."""
        parts = sections.parts(self.config["MODEL"]) if self.config else ()
        graphs = [part.get("graph", layouts.DEFAULT) for _, part, kind in parts if kind == "backbone"]
        return graphs[-1] if graphs else None

    def names(self, scores: Scores, tested: Optional[Tested]) -> Sequence[str]:
        """By whoever should know best: the user, the scores, the data, the config."""
        classes = scores.values.shape[1]
        if self.asked.names is not None:
            return class_names.read(self.asked.names, classes)
        of_data = list(map(str, tested.card.classes)) if tested and tested.card else []
        known = (texts(scores.classes), of_data, class_names.of_config(self.config) if self.config else [])
        names = next((names for names in known if len(names) == classes), [])
        if not names:
            self.missing.add("Class names", "not known")
        return names

    def curves(self) -> tuple[Optional[Curves], Optional[Path]]:
        """The curves, and the run's folder."""
        usual = OUTPUT / self._name
        run = self.asked.run or (usual if self._name and usual.is_dir() else None)
        if run is None:
            self.missing.add("Curves", f"there is no {usual}" if self._name else "no run is given")
            return None, None
        if not run.is_dir():
            raise UserError(f"no run's folder at {run}; give one that a training has written, output/MODEL_NAME")
        with self.missing.unless_named("Curves", self.asked.run):
            found = curves.read(run)
            if found is not None and found.epochs:
                return found, run
            self.missing.add("Curves", f"{run} has none")
        return None, run

    def exported(self, classes: int) -> Mapping[Path, Card]:
        """The exported models of one name."""
        named = self.asked.model
        if named is None and not (self._name and INFERENCE.is_dir()):
            self.missing.add("Export", f"there is no folder {INFERENCE}" if self._name else "no model is given")
            return {}
        with self.missing.unless_named("Export", named):
            found = find_models(named or INFERENCE)
            card = next(iter(found.values()))
            if named is None and card.model != self._name:
                raise ConfigError(f"the model in {INFERENCE} is {card.model}, not {self._name}")
            if card.classes != classes:
                raise ConfigError(f"{card.model} has {card.classes} classes, the scores {classes}")
            return found
        return {}

    def benchmark(self) -> Optional[Mapping[str, Any]]:
        """What the user gives; there is no usual place."""
        file = self.asked.benchmark
        if file is None:
            self.missing.add("Latency", "no benchmark is given")
            return None
        try:
            text = file.read_text(encoding="utf-8")
            found = json.loads(text, parse_float=_finite, parse_constant=_finite)
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"benchmark {file} cannot be read as JSON: {one_line(error)}") from error
        cases = found.get("cases") if isinstance(found, dict) else None
        if (
            not isinstance(cases, list)
            or not cases
            or not all(isinstance(one, dict) and "case" in one for one in cases)
        ):
            raise UserError(f"{file} is no record of a benchmark; {ADVICE['Latency']}")
        return found


def _finite(text: str) -> Optional[float]:
    value = float(text)
    return value if math.isfinite(value) else None
