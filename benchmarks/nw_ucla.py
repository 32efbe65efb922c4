"""Accuracy on NW-UCLA: networks and ingredients, each trained by stock main.py with several seeds, one after another.

The split is the official one across views: 1020 clips of views 1 and 2 to train with, 464 of view 3 to test. As the
data set is distributed, 95 of these are byte for byte among the training clips; the accuracy of the other 369 stands
beside.
What counts is the last epoch's network, not the best one, which the test clips themselves would choose.

    ctrgcn prepare nw_ucla FOLDER data/nw-ucla
    PADDLEVIDEO_ROOT=... python benchmarks/nw_ucla.py data/nw-ucla runs --group networks --seeds 1 2 3
    python benchmarks/nw_ucla.py data/nw-ucla runs --only-collect

A run that is in `runs` already is not repeated, one that was stopped goes on where its last checkpoint is. Results:
`results/nw_ucla.json`, and in `results/nw_ucla/` each run's curves and what its log says of epochs and of the test.
What these have of runs that are not in `runs`, because another machine did them, stays.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import numpy as np
import paddle
import yaml

from ctrgcn_plugin import configs, curves, fitting
from ctrgcn_plugin.benchmark import machines
from ctrgcn_plugin.data.scores import Scores
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.models import complexity
from ctrgcn_plugin.models.network import build_network
from ctrgcn_plugin.report.duplicates import in_training
from ctrgcn_plugin.training import state
from ctrgcn_plugin.upstream import locate

PROTOCOL = "xview"
RESULTS = Path(__file__).parent / "results"
FILE = "nw_ucla.json"
CONFIG, SCORES, LOG = "config.yaml", "scores.npz", "train.log"
NETWORKS, PASSES, INGREDIENTS = "networks", "passes", "ingredients"
WIDTH = 16
# what a log is kept for
COLOUR, TOLD = re.compile(r"\x1b\[[0-9;]*m"), re.compile(r"END epoch|\[TEST\] (finished|mean)|Already save the best")


@dataclass(frozen=True)
class Study:
    """What is trained: a shipped config, and what is changed in it.

    Attributes:
        config: its name without the folder and ``.yaml``.
        changes: place in the config -> value; a place that is not there is made.
        width: base_channel; the config's where it is None.
        needs: another study, whose run of the same seed gives the teacher its weights.
    """

    config: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    width: Optional[int] = None
    needs: str = ""


def ingredient(**changes: Any) -> Study:
    """CTRGCN_lightV2 narrowed to where many runs are affordable, with one thing other than in the shipped config."""
    return Study("ctrgcn_light_v2_nwucla_joint", {place.replace("__", "."): it for place, it in changes.items()}, WIDTH)


def passes(epochs: int) -> Study:
    """CTRGCN_lightV2 as it is shipped, with more passes over the training clips."""
    return Study("ctrgcn_light_v2_nwucla_joint", {"epochs": epochs, "OPTIMIZER.learning_rate.max_epoch": epochs})


STEP_DECAY = {
    "name": "CustomWarmupAdjustDecay",
    **{"step_base_lr": 0.05, "warmup_epochs": 2, "lr_decay_rate": 0.1, "boundaries": [18, 25], "iter_step": True},
}
STUDIES: dict[str, dict[str, Study]] = {
    NETWORKS: {
        "CTRGCN_lightV2": Study("ctrgcn_light_v2_nwucla_joint"),
        "CTRGCN_light": Study("ctrgcn_light_nwucla_joint"),
        "CTRGCN": Study("ctrgcn_nwucla_joint"),
        "CTRGCNLite, taught by CTRGCN": Study("ctrgcn_lite_nwucla_joint_dml", needs="CTRGCN"),
    },
    PASSES: {"65 epochs": passes(65)},
    INGREDIENTS: {
        "the recipe": ingredient(),
        "with mixup": ingredient(MIX={"name": "Mixup", "alpha": 0.2}),
        "no label smoothing": ingredient(MODEL__head__ls_eps=0.0),
        "steps, no cosine": ingredient(OPTIMIZER__learning_rate=STEP_DECAY),
        "no weight decay": ingredient(OPTIMIZER__weight_decay__value=0.0),
        "upstream's initialisation": ingredient(MODEL__backbone__init="upstream"),
        "CTRGCN as wide, the teacher": Study("ctrgcn_nwucla_joint", width=WIDTH),
        "taught by CTRGCN": Study(
            "ctrgcn_lite_nwucla_joint_dml",
            {"MODEL.models.1.Student.backbone.name": "CTRGCN_lightV2"},
            WIDTH,
            needs="CTRGCN as wide, the teacher",
        ),
        "turns of 0.3 about all axes": ingredient(PIPELINE__train__transform__0__SkeletonRotation__theta=0.3),
        "no turns": ingredient(PIPELINE__train__transform__0__SkeletonRotation__theta=0.0),
        "no scaling": ingredient(PIPELINE__train__transform__1__SkeletonAugment__scale=0),
        "no jitter": ingredient(PIPELINE__train__sample__1__SkeletonCropResample__jitter=False),
    },
}


def main() -> None:
    """Train what is asked for, then collect whatever there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("data", type=Path, help="folder that ctrgcn prepare has written")
    parser.add_argument("runs", type=Path, help="folder of the runs, those there are and new ones")
    parser.add_argument("--group", choices=STUDIES, default=NETWORKS, help=f"(default: {NETWORKS})")
    parser.add_argument("--studies", nargs="+", metavar="NAME", help="some of the group (default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1], metavar="N", help="(default: 1)")
    parser.add_argument("--only-collect", action="store_true", help="train nothing")
    options = parser.parse_args()
    group = STUDIES[options.group]
    if not options.only_collect:
        for seed in options.seeds:
            for name in options.studies or group:
                Run(options.runs, name, group[name], seed, options.data).train()
    collect(options.runs, options.data)


class Run:
    """A study with a seed, in a folder of its own."""

    def __init__(self, runs: Path, name: str, study: Study, seed: int, data: Path) -> None:
        self.name, self.study, self.seed, self._data = name, study, seed, data
        self.folder = folder_of(runs, name, seed).resolve()
        self._teacher = folder_of(runs, study.needs, seed).resolve() if study.needs else None

    @property
    def finished(self) -> bool:
        return (self.folder / SCORES).is_file()

    def train(self) -> None:
        """Train and test, from wherever the run has come to."""
        if self.finished:
            return
        print(f"{self.name}, seed {self.seed}: {self.folder}", flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.config()
        if self._teacher:
            weights = max(self._teacher.glob("*_epoch_*.pdparams"))
            put(config, "MODEL.models.0.Teacher.backbone.pretrained", str(weights))
        with replacing(self.folder / CONFIG) as file:
            file.write(yaml.safe_dump(config, sort_keys=False).encode())
        model = config["model_name"]
        done = state.newest(self.folder, model) or 0
        self._upstream("--validate", "-o", f"resume_epoch={done}")
        self._upstream("--test", "-w", str(self.folder / f"{model}_epoch_{config['epochs']:05d}.pdparams"))

    def _upstream(self, *arguments: str) -> None:
        """Run PaddleVideo's main.py on the run's config."""
        command = [sys.executable, str(locate.find().main), "-c", CONFIG, "--seed", str(self.seed), *arguments]
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            subprocess.run(command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, check=True)

    def config(self) -> dict[str, Any]:
        """What is trained, on these data; but for the teacher's weights, which its run gives."""
        config = configs.load(f"configs/recognition/ctrgcn/{self.study.config}.yaml")
        for place, value in self.study.changes.items():
            put(config, place, value)
        if self.study.width:
            for network in networks_in(config["MODEL"]):
                put(network, "backbone.base_channel", self.study.width)
                put(network, "head.in_channels", self.study.width)
        for part, split in fitting.DATASETS.items():
            for key, kind in (("file_path", "data.npy"), ("label_path", "label.pkl")):
                put(config, f"DATASET.{part}.{key}", str((self._data / PROTOCOL / f"{split}_{kind}").resolve()))
        config.update(output_dir=str(self.folder))
        config["METRIC"]["scores"] = SCORES
        return config


def networks_in(model: Mapping[str, Any]) -> list[Any]:
    """A recognizer's network, or those of a distillation."""
    return [part for named in model["models"] for part in named.values()] if "models" in model else [model]


def put(config: Any, place: str, value: Any) -> None:
    """Set what is at ``key.key.index.key``."""
    *path, last = place.split(".")
    for key in path:
        config = config[int(key)] if isinstance(config, list) else config[key]
    config[last] = value


def folder_of(runs: Path, name: str, seed: int) -> Path:
    """Where a study's run with a seed is."""
    words = "".join(letter if letter.isalnum() else " " for letter in name).split()
    return runs / f"{'_'.join(words)}-{seed}"


def collect(runs: Path, data: Path) -> None:
    """Write and print what has come out of all finished runs, these and those that the results have already."""
    folder = data / PROTOCOL
    known = in_training(folder / "val_data.npy", folder / "train_data.npy")
    before = kept_outcomes(RESULTS / FILE)
    groups = {}
    for group, studies in STUDIES.items():
        rows = []
        for name, study in studies.items():
            outcomes = before.get((group, name), {})
            for seed in _seeds(runs, name):
                if (run := Run(runs, name, study, seed, data)).finished:
                    outcomes[seed] = outcome(run, known)
            if outcomes:
                rows.append(summary(Run(runs, name, study, 0, data), [outcomes[seed] for seed in sorted(outcomes)]))
        if rows:
            groups[group] = rows
            print(table(group, rows))
    result = {
        "what": "top-1 of the last epoch's network on NW-UCLA, cross-view, joints; the best epoch's for comparison",
        "clips": {"tested": len(known), "of them also in training": int(known.sum())},
        "python": platform.python_version(),
        "paddle": paddle.__version__,
        "numpy": np.__version__,
        **machines.describe(),
        "groups": groups,
    }
    with replacing(RESULTS / FILE) as file:
        file.write((json.dumps(result, indent=2) + "\n").encode())


def kept_outcomes(file: Path) -> dict[tuple[str, str], dict[int, dict[str, Any]]]:
    """Group and study -> seed -> its numbers, of the results as they are."""
    groups = json.loads(file.read_text(encoding="utf-8"))["groups"] if file.is_file() else {}
    return {
        (group, row["study"]): {seed["seed"]: seed for seed in row["seeds"]}
        for group, rows in groups.items()
        for row in rows
    }


def _seeds(runs: Path, name: str) -> list[int]:
    return [int(path.name.rsplit("-", 1)[1]) for path in runs.glob(folder_of(runs, name, 0).name[:-1] + "*")]


def summary(run: Run, seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """A study's row: each seed's numbers, their mean and spread."""
    config, study = run.config(), run.study
    network = build_network(config["MODEL"])
    row = {
        "study": run.name,
        "config": study.config,
        "changed": {**study.changes, **({"width": study.width} if study.width else {})},
        "epochs": config["epochs"],
        "parameters": sum(complexity.parameters(network).values()),
        "mmacs": round(complexity.macs(network, config["INFERENCE"]["window_size"]) / 1e6),
        "seeds": seeds,
    }
    for key in ("top1", "top1_of_new", "best_top1", "minutes"):
        values = [seed[key] for seed in seeds]
        row[key] = round(statistics.mean(values), 2)
        row[f"{key}_spread"] = round(max(values) - min(values), 2)
    return row


def outcome(run: Run, known: np.ndarray) -> dict[str, Any]:
    """What a run has reached; its curves are kept."""
    scores = Scores.read(run.folder / SCORES)
    assert scores.labels is not None
    right = scores.values.argmax(axis=1) == scores.labels
    found = curves.read(run.folder)
    assert found is not None
    keep(run.folder)
    return {
        "seed": run.seed,
        "top1": round(100 * right.mean(), 2),
        "top1_of_new": round(100 * right[~known].mean(), 2),
        "best_top1": round(100 * max(row["valid_top1"] or 0 for row in found.epochs), 2),
        "minutes": round(minutes(found.epochs), 1),
    }


def minutes(epochs: Sequence[Mapping[str, Optional[float]]]) -> float:
    """What a training would have taken, had every epoch the median's time; others use the machine as well."""
    taken = {
        validated: [row["seconds"] or 0 for row in epochs if (row["valid_top1"] is not None) == validated]
        for validated in (False, True)
    }
    return sum(len(seconds) * statistics.median(seconds) for seconds in taken.values() if seconds) / 60


def keep(folder: Path) -> None:
    """Copy a run's curves, and its log without steps and colours, to the results."""
    kept = RESULTS / "nw_ucla" / folder.name
    kept.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / curves.FOLDER / curves.EPOCHS, kept)
    lines = COLOUR.sub("", (folder / LOG).read_text(encoding="utf-8")).splitlines()
    with replacing(kept / "log.txt") as file:
        file.write("".join(f"{line.rstrip()}\n" for line in lines if TOLD.search(line)).encode())


def table(group: str, rows: list[dict[str, Any]]) -> str:
    """Rows for people."""
    lines = [f"{group:32}{'top-1':>14}{'of new clips':>14}{'best epoch':>12}{'minutes':>9}{'seeds':>7}"]
    for row in rows:
        top1 = f"{row['top1']:.1f} ({row['top1_spread']:.1f})"
        lines.append(
            f"{row['study']:32}{top1:>14}{row['top1_of_new']:>14.1f}{row['best_top1']:>12.1f}"
            f"{row['minutes']:>9.0f}{len(row['seeds']):>7}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
