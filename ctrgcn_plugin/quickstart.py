"""The whole chain once, where there is only Python: data, training, test, export, prediction, pictures, report."""

from __future__ import annotations

import json
import math
import shlex
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import numpy as np
import yaml

from ctrgcn_plugin import configs, terminal
from ctrgcn_plugin.data.prepared import CARD, DATA, LABELS
from ctrgcn_plugin.deploy.selection import find_models
from ctrgcn_plugin.environment import require_paddle
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError
from ctrgcn_plugin.resources import RECIPE
from ctrgcn_plugin.upstream import fetch, locate, running

if TYPE_CHECKING:
    from tqdm import tqdm

NAME = "CTRGCN_lightV2_quickstart"
EPOCHS = 7
BASE_CHANNEL = 16
BATCH_SIZE = 16
WINDOW = 32
# where the data are, as files of prepared data, and what a test saves
DATASET, PROTOCOL, SCORES = "data", "xsub", "scores.npz"
PICTURES, REPORT = ("clip.html", "clip.png"), "report.html"
PEAK_LR = 0.05
# module -> distribution of what stock PaddleVideo imports at its start, and of what draws pictures and pages
NEEDS = {
    "pandas": "pandas",
    "decord": "decord",
    "cv2": "opencv-python-headless",
    "scipy": "scipy",
    "PIL": "pillow",
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
}


@dataclass(frozen=True)
class Summary:
    """What a quickstart measured. Accuracies are shares of 1, times are seconds."""

    train_clips: int
    test_clips: int
    actions: int
    epochs: int
    parameters: int
    top1: float
    top5: float
    export_error: float
    clip: str
    action: str
    predicted: str
    probability: float
    seconds: dict[str, float]


def run(folder: Path, paddlevideo: Optional[Path] = None, seed: int = 1234, epochs: Optional[int] = None) -> Summary:
    """Do it all in `folder`, showing every command; files of an earlier run there are replaced."""
    require_paddle()
    _require_modules()
    epochs = EPOCHS if epochs is None else epochs
    if epochs < 1:
        raise UserError(f"--epochs must be at least 1, got {epochs}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}; give another folder with --dir") from error
    return _Quickstart(folder.resolve(), seed, epochs).run(paddlevideo)


class _Quickstart:
    def __init__(self, folder: Path, seed: int, epochs: int) -> None:
        self.folder = folder
        self.seed = seed
        self.epochs = epochs
        self.seconds: dict[str, float] = {}
        self.logs = folder / "logs"
        self.data = folder / DATASET / PROTOCOL
        for made in (self.logs, self.data):
            made.mkdir(parents=True, exist_ok=True)
        # a model of an earlier run must not pass for one of this run
        for stale in (folder / "output" / NAME, folder / "inference"):
            shutil.rmtree(stale, ignore_errors=True)

    def run(self, paddlevideo: Optional[Path]) -> Summary:
        from ctrgcn_plugin.data import synthetic

        self._title("PaddleVideo")
        upstream = locate.find(paddlevideo) if paddlevideo else fetch.get_wheel(self.folder)
        terminal.say(f"stock PaddleVideo: {upstream.root}")

        self._title("Data: procedural skeletons, 25 joints, up to two persons")
        started = time.perf_counter()
        with terminal.progress(unit="clip") as bar:
            data = synthetic.make_dataset(self.data, seed=self.seed, progress=partial(_advance, bar))
        (self.data.parent / CARD).write_text(data.card().text(), encoding="utf-8")
        raw = synthetic.make_raw(self.folder / "clips", seed=self.seed)
        self.seconds["data"] = time.perf_counter() - started
        terminal.say(f"{data.clips['train']} training clips; {data.clips['val']} test clips, of subjects held out")
        terminal.say(f"{raw} of their kind, each a file of its own, are in clips/, to try ctrgcn prepare on")
        self._write_config(data)

        self._title(f"Train CTRGCN_lightV2, width {BASE_CHANNEL}, {self.epochs} epochs, with upstream's main.py")
        main = self._script(upstream.main)
        steps = self.epochs * (data.clips["train"] // BATCH_SIZE)
        # upstream validates after the first epoch, every val_interval-th after it and the last
        steps += min(self.epochs, 2) * math.ceil(data.clips["val"] / BATCH_SIZE)
        with terminal.progress(total=steps, unit="step") as bar:
            self._command("train", [*main, "--validate", "-c", "quickstart.yaml", "--seed", str(self.seed)], bar)

        self._title("Test")
        # the last weights, not the best: those were chosen by the clips that they would be tested on
        last = f"output/{NAME}/{NAME}_epoch_{self.epochs:05d}.pdparams"
        tested = self._command("test", [*main, "--test", "-c", "quickstart.yaml", "-w", last])
        top1, top5 = running.test_accuracy(tested)
        terminal.say(f"top-1 {top1:.2%}, top-5 {top5:.2%} (chance {1 / len(data.actions):.1%})")

        self._title("Export, proven against the trained model")
        ctrgcn = [sys.executable, "-m", "ctrgcn_plugin"]
        self._command("export", [*ctrgcn, "export", "-c", "quickstart.yaml", "-p", last, "-o", "inference"])
        (card,) = find_models(self.folder / "inference").values()

        self._title("Predict a clip of a subject that was not trained on")
        clip_file, action = self._held_out_clip(data)
        answer = self._command("predict", [*ctrgcn, "predict", "-m", "inference", "-i", clip_file, "--json"])
        top = json.loads(answer.strip().splitlines()[-1])["top"]
        terminal.say("\n".join(terminal.ranking((f"    {entry['name']}", entry["probability"]) for entry in top)))
        for picture in PICTURES:
            look = ["clip", clip_file, "-m", "inference", "--label", action, "-o", picture]
            self._command(f"visualize_{Path(picture).suffix[1:]}", [*ctrgcn, "visualize", *look])

        self._title("Report of the test")
        self._command("report", [*ctrgcn, "report", "-c", "quickstart.yaml", "-o", REPORT])
        summary = Summary(
            train_clips=data.clips["train"],
            test_clips=data.clips["val"],
            actions=len(data.actions),
            epochs=self.epochs,
            parameters=card.parameters,
            top1=top1,
            top5=top5,
            export_error=card.worst_error,
            clip=clip_file,
            action=action,
            predicted=top[0]["name"],
            probability=top[0]["probability"],
            seconds={step: round(seconds, 1) for step, seconds in self.seconds.items()},
        )
        (self.folder / "summary.json").write_text(json.dumps(asdict(summary), indent=2) + "\n", encoding="utf-8")
        self._title(f"Done in {sum(self.seconds.values()):.0f} s; everything is in {self.folder}")
        terminal.say(f"to open in a browser: {self.folder / REPORT} and {self.folder / PICTURES[0]}")
        return summary

    def _title(self, text: str) -> None:
        terminal.say("\n" + terminal.style(f"== {text}", "bold"))

    def _script(self, path: Path) -> list[str]:
        """How to run one of upstream's scripts with the plugin loaded."""
        if running.hook_runs_at_start():
            return [sys.executable, str(path)]
        return [sys.executable, "-m", "ctrgcn_plugin", "run", str(path)]

    def _command(self, step: str, command: list[str], bar: Optional[tqdm] = None) -> str:
        """Run a command in the work folder, its output into a log; the output."""
        terminal.hand_over(f"$ cd {shlex.quote(str(self.folder))} && {shlex.join(command)}")
        started = time.perf_counter()
        output = running.stream(command, self.folder, self.logs / f"{step}.log", bar)
        self.seconds[step] = time.perf_counter() - started
        return output

    def _write_config(self, data: Any) -> None:
        config = configs.load(RECIPE)
        config["MODEL"]["backbone"]["base_channel"] = BASE_CHANNEL
        config["MODEL"]["head"].update(in_channels=BASE_CHANNEL, num_classes=len(data.actions))
        config["DATASET"].update(batch_size=BATCH_SIZE, test_batch_size=BATCH_SIZE, num_workers=0)
        for part, split in (("train", "train"), ("valid", "val"), ("test", "val")):
            config["DATASET"][part].update(
                file_path=f"{DATASET}/{PROTOCOL}/{DATA.format(split=split)}",
                label_path=f"{DATASET}/{PROTOCOL}/{LABELS.format(split=split)}",
            )
            for step in config["PIPELINE"][part]["sample"]:
                if "SketeonCropSample" in step:
                    step["SketeonCropSample"]["window_size"] = WINDOW
        config["OPTIMIZER"]["learning_rate"].update(
            warmup_epochs=max(1, self.epochs // 6), max_epoch=self.epochs, cosine_base_lr=PEAK_LR
        )
        config["METRIC"]["scores"] = SCORES
        config["INFERENCE"]["window_size"] = WINDOW
        config.update(
            model_name=NAME, epochs=self.epochs, log_interval=1, save_interval=self.epochs, val_interval=self.epochs
        )
        text = yaml.safe_dump(config, sort_keys=False)
        (self.folder / "quickstart.yaml").write_text(text, encoding="utf-8")

    def _held_out_clip(self, data: Any) -> tuple[str, str]:
        from ctrgcn_plugin.data.synthetic import clips_by_action

        clips = np.load(self.data / DATA.format(split="val"), mmap_mode="r")
        action = data.actions[-1]
        row = clips_by_action(self.data / LABELS.format(split="val"))[action][0]
        np.save(self.folder / "clip.npy", clips[row])
        return "clip.npy", action


def _advance(bar: tqdm, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def _require_modules() -> None:
    missing = [package for module, package in NEEDS.items() if not find_spec(module)]
    if missing:
        raise EnvironmentSetupError(
            f"the quickstart needs {', '.join(missing)}, which stock PaddleVideo, pictures and pages are made with; "
            'pip install "ctrgcn-plugin[cpu,upstream,plot]"'
        )
