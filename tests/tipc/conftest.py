"""What a run of TIPC leaves behind, written as upstream's scripts and tools write it, for a network that is real."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import paddle
import pytest
import yaml

from ctrgcn_plugin import configs, resources
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.models.network import build_network
from ctrgcn_plugin.tipc import evidence
from ctrgcn_plugin.tipc.chain import LITE, Chain
from ctrgcn_plugin.tipc.evidence import Record
from ctrgcn_plugin.tipc.judge import Judge, Verdict
from ctrgcn_plugin.tipc.reference import Networks, exports

OUT = f"test_tipc/output/small/{LITE}"
TRAINED = f"{OUT}/norm_train_gpus_-1_autocast_null_nodes_1"
CLIP = "./data/clip.npy"
STEP = (
    "[11/22 04:09:44] \x1b[35mepoch:[  1/2  ]\x1b[0m \x1b[95mtrain step:{}   \x1b[0m \x1b[92mloss: {} lr: 0.020000 "
    "top1: 0.00000 top5: 0.00000\x1b[0m \x1b[92mbatch_cost: 1.81216 sec,\x1b[0m"
)
REPORT = """[2026/11/22 04:25:41] root INFO:  cpu_rss(MB): 442.5508, gpu_rss(MB): None, gpu_util: None%
[2026/11/22 04:25:41] root INFO:  preprocess_time(ms): 1.8989, inference_time(ms): 64.5811, postprocess_time(ms): 0.386
"""
PREDICTIONS = [("False", "1", "fp32"), ("True", "1", "fp32"), ("True", "1", "fp16")]


@dataclass
class LeftBehind:
    """A run that went well; what a test changes in it is what the judge has to see.

    Attributes:
        scores: (K,) of the network for the clip.
    """

    root: Path
    chain: Chain
    scores: np.ndarray
    notes: list[dict]

    def file(self, name: str) -> Path:
        return self.root / name

    def replace(self, name: str, old: str, new: str) -> None:
        text = self.file(name).read_text(encoding="utf-8")
        assert old in text
        self.file(name).write_text(text.replace(old, new), encoding="utf-8")

    def notes_of(self, script: str, key: str) -> list[dict]:
        return [note for note in self.notes if script in note["argv"] and key in note]

    def judged(self, tolerance: float = 1e-3) -> list[Verdict]:
        record = self.root / "record.jsonl"
        record.write_text("".join(json.dumps(note) + "\n" for note in self.notes), encoding="utf-8")
        stages = evidence.stages(self.file(f"{OUT}/results_python.log").read_text(encoding="utf-8"))
        networks = Networks(self.root, exports(stages))
        return Judge(self.chain, LITE, self.root, Record.read(record), networks.scores, tolerance).verdicts()

    def failure(self) -> Verdict:
        """The one stage that has failed."""
        (failed,) = [verdict for verdict in self.judged() if not verdict.passed]
        assert "\n" not in failed.reason
        return failed


class Small(NamedTuple):
    """A narrow CTRGCN_light, and a clip (C, T, V, M) with its scores (K,)."""

    config: Path
    weights: Path
    clip: np.ndarray
    scores: np.ndarray
    scores_of: Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="session")
def network(tmp_path_factory) -> Small:
    folder = tmp_path_factory.mktemp("network")
    config = configs.load("configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint.yaml")
    config["MODEL"]["backbone"]["base_channel"] = config["MODEL"]["head"]["in_channels"] = 8
    (folder / "small.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    paddle.seed(0)
    built = build_network(config["MODEL"])
    built.eval()
    paddle.save(built.state_dict(), str(folder / "w.pdparams"))
    clip = np.zeros((3, 90, 25, 2), "float32")
    clip[:, :70] = np.random.default_rng(0).standard_normal((3, 70, 25, 2))

    def scores_of(window: np.ndarray) -> np.ndarray:
        return built(paddle.to_tensor(window[None])).numpy()[0]

    scores = scores_of(centre_crop_resample(clip, 64, 0.95))
    return Small(folder / "small.yaml", folder / "w.pdparams", clip, scores, scores_of)


@pytest.fixture
def left_behind(tmp_path, network) -> LeftBehind:
    config, weights, clip, scores, _ = network
    root = tmp_path / "PaddleVideo"
    (root / TRAINED).mkdir(parents=True)
    (root / "data").mkdir()
    (root / "small.yaml").write_bytes(config.read_bytes())
    np.save(root / "data" / "clip.npy", clip)
    text = (resources.folder("test_tipc") / "configs" / "CTRGCN_light" / "train_infer_python.txt").read_text()
    text = text.replace("model_name:CTRGCN_light", "model_name:small").replace("--cpu_threads:1|6", "--cpu_threads:1")
    (root / "small.txt").write_text(text, encoding="utf-8")
    chain = Chain.read(root / "small.txt")

    status, notes = _Status(), []
    checkpoint = f"{TRAINED}/small_epoch_00001.pdparams"
    (root / checkpoint).write_bytes(weights.read_bytes())
    losses = [5.0, 4.5, 4.75, 3.5, 3.25, 3.0]
    _write(
        root / f"{TRAINED}.log",
        *(STEP.format(step, loss) for step, loss in enumerate(losses)),
        "[11/22 04:10:01] training small finished",
    )
    train = f"main.py --validate -c small.yaml --seed 1234 -o output_dir=./{TRAINED} -o epochs=2"
    status.add(train, f"{OUT}/train.log", f"{TRAINED}.log")

    test = f"main.py --test -c small.yaml -w=./{checkpoint}"
    _write(root / f"{TRAINED}_eval.log", "[11/22] [TEST] finished, avg_acc1= 0.30000001192092896, avg_acc5= 0.600000")
    status.add(test, f"{TRAINED}_eval.log")

    export = f"tools/export_model.py -c small.yaml --save_name inference -p=./{checkpoint} -o=./{TRAINED}"
    _write(root / f"{TRAINED}_export.log", f"model (small) has been already saved in (./{TRAINED}).")
    _write(root / TRAINED / "inference.json", "{}")
    _write(root / TRAINED / "inference.pdiparams", "parameters")
    status.add(export, f"{TRAINED}_export.log")

    commands = [train, test, export]
    for onednn, threads, precision in PREDICTIONS:
        predict = (
            f"tools/predict.py --config small.yaml --use_gpu=False --enable_mkldnn={onednn} --cpu_threads={threads} "
            f"--model_file=./{TRAINED}/inference.pdmodel --batch_size=1 --input_file={CLIP} --enable_benchmark=True "
            f"--precision={precision} --params_file=./{TRAINED}/inference.pdiparams"
        )
        log = f"{OUT}/python_infer_cpu_usemkldnn_{onednn}_threads_{threads}_precision_{precision}_batchsize_1.log"
        _write(root / log, REPORT)
        status.add(predict, log)
        notes.append({"argv": predict.split(), "files": [CLIP], "scores": [scores.astype(float).tolist()]})
        commands.append(predict)
    notes += [{"argv": command.split(), "seconds": 1.5, "status": 0} for command in commands]
    _write(root / OUT / "results_python.log", *status.lines)
    return LeftBehind(root, chain, scores, notes)


class _Status:
    """Lines as status_check of upstream's common_func.sh writes them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, command: str, printed: str, log: str = "") -> None:
        self.lines.append(
            f"\x1b[33m Run successfully with command - small - python {command}  > ./{printed} 2>&1  "
            f"- ./{log or printed} \x1b[0m"
        )


def _write(file: Path, *lines: str) -> None:
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
