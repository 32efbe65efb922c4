"""Numbers that are NaN end a training before they are learned or saved; what it says leads back to the data."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle.io import BatchSampler, DistributedBatchSampler

from ctrgcn_plugin import configs
from ctrgcn_plugin.training import finite
from ctrgcn_plugin.training.batches import noting
from ctrgcn_plugin.training.state import Checkpoint

FOLDER = "configs/recognition/ctrgcn"
LIGHT = f"{FOLDER}/ctrgcn_light_ntucs_joint.yaml"
DML = f"{FOLDER}/ctrgcn_lite_ntucs_joint_dml.yaml"

# main.py in a process that has imported Paddle already, with something spoilt in it
MAIN = """
import runpy, sys
root, sys.argv = {root!r}, [{root!r} + "/main.py", *{arguments!r}]
sys.path.insert(0, root)
import numpy as np
import paddle
from paddlevideo.loader.pipelines.skeleton_pipeline import SketeonCropSample
from paddlevideo.modeling.heads import CTRGCNHead
{spoil}
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except Exception as error:
    sys.excepthook(type(error), error, error.__traceback__)
    sys.exit(1)
"""
# of every clip of one class, in the crop that has {number} proportions
CLIP = """
crop = SketeonCropSample.__call__
def spoilt(self, results):
    results = crop(self, results)
    if len(self.p_interval) == {number} and results["label"] == 3:
        results["data"] = results["data"] * np.{value}
    return results
SketeonCropSample.__call__ = spoilt
"""
# from the third step of training on
LOSS = """
loss, calls = CTRGCNHead.loss, []
def spoilt(*args, **kwargs):
    found = loss(*args, **kwargs)
    calls.extend([None] * (not kwargs.get("valid_mode")))
    return {**found, "loss": found["loss"] * float("nan" if len(calls) > 2 else 1)}
CTRGCNHead.loss = spoilt
"""
# one of a parameter that is learned, in the last step
GRADIENT = """
step, calls = paddle.optimizer.Momentum.step, []
def spoilt(self):
    calls.append(None)
    learned = next(parameter for parameter in self._parameter_list if parameter.grad is not None)
    if len(calls) > 1:
        learned.grad.set_value(learned.grad * float("inf"))
    return step(self)
paddle.optimizer.Momentum.step = spoilt
"""
FREE = {"MODEL.freeze_params_list": [False, False]}
FREE.update({f"MODEL.models.{place}.backbone.pretrained": "''" for place in ("0.Teacher", "1.Student")})
NAME = configs.load(LIGHT)["model_name"]
CLIPS = 8  # of the small set
LOWER = "with a lower OPTIMIZER.learning_rate"


@pytest.fixture
def train(ppvideo_root, small, narrow, preloaded, tmp_path):
    """Train with stock main.py and something spoilt: the one line that it ends with, and the epochs that it saved."""

    def run(spoil: str, config: str, **settings: object) -> tuple[str, list[int]]:
        options = [*small, *narrow(Path(config).stem, save_interval=1, output_dir="out", **settings)]
        arguments = ["--validate", "-c", config, *options]
        script = tmp_path / "train.py"
        script.write_text(MAIN.format(root=str(ppvideo_root), arguments=arguments, spoil=spoil))
        status, printed = preloaded(script, tmp_path, tmp_path / "train.log")
        assert status == 1 and "Traceback" not in printed, printed[-3000:]
        (line,) = (line for line in printed.splitlines() if line.startswith("error: "))
        return line, sorted(int(path.stem[-5:]) for path in (tmp_path / "out").glob("*_epoch_*.pdparams"))

    return run


def _batches(epoch: int) -> list[list[str]]:
    """The clips of each batch of an epoch, from 0, as upstream's sampler shuffles them."""
    sampler = DistributedBatchSampler(list(range(CLIPS)), 4, shuffle=True, drop_last=True)
    sampler.set_epoch(epoch)
    return [[f"clip{index}" for index in batch] for batch in sampler]


def test_a_loss(train):
    """It is not learned from, and the checkpoint of the epoch before is where to go on from."""
    line, saved = train(LOSS, LIGHT, epochs=3)
    assert line == (
        "error: epoch 2, train step 0: the loss is nan; nothing was learned of this batch, which is "
        f"{', '.join(_batches(1)[0])}. The last good checkpoint is out/{NAME}_epoch_00001.pdparams: "
        f"-o resume_epoch=1, {LOWER}"
    )
    assert saved == [1]


def test_weights_at_a_loss_that_is_none(train):
    """Of a gradient that is infinite in an epoch's last step, which no step is left to show."""
    line, saved = train(GRADIENT, LIGHT, **{"DATASET.train.format": "MappedSkeletonDataset"})
    assert re.fullmatch(
        r"error: epoch 1: \d+ of the model's weights have become NaN or infinite, the first is backbone\.\S+; they are "
        rf"not saved\. No checkpoint with finite weights was saved: start again {LOWER}",
        line,
    )
    assert saved == []


def test_clips_of_a_mixed_batch_that_workers_made(train):
    """In mutual learning. No more is said than that: which of a mixed pair it was, the tensors do not know."""
    line, saved = train(CLIP.format(number=2, value="inf"), DML, **FREE, **{"DATASET.num_workers": 2})
    first = next(step for step, batch in enumerate(_batches(0)) if {"clip3", "clip7"} & set(batch))
    found = re.fullmatch(
        rf"error: epoch 1, train step {first}: the pipeline gives NaN or infinite values of (.+?)"
        r"(?: \(mixed with each other\))?; nothing was learned of this batch\. No checkpoint .* with mended data .*",
        line,
    )
    assert found and {"clip3", "clip7"} & set(found[1].split(", ")) <= set(_batches(0)[first])
    assert saved == []


def test_a_clip_to_validate_on(train):
    line, _ = train(CLIP.format(number=1, value="nan"), LIGHT)
    assert "error: epoch 1, valid step 0: the pipeline gives NaN or infinite values of clip3; " in line


def _tensor(*values: float) -> paddle.Tensor:
    return paddle.to_tensor(np.array(values, "float32"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_found_is_what_numpy_finds(value):
    batch = np.random.default_rng(0).standard_normal((6, 3, 4)).astype("float32")
    assert finite.all_finite(paddle.to_tensor(batch), _tensor(1e38))
    assert finite.rows_not_finite(paddle.to_tensor(batch)) == []
    batch[1, 2, 3] = batch[4, 0, 0] = value
    assert not finite.all_finite(_tensor(1), paddle.to_tensor(batch))
    assert finite.rows_not_finite(paddle.to_tensor(batch)) == [1, 4]
    weights = {"a": _tensor(1, 2), "count": paddle.to_tensor([3]), "b": _tensor(0, value), "c": _tensor(value)}
    assert finite.weights_not_finite(weights) == ["b", "c"]


def test_the_newest_checkpoint_that_is_finite(tmp_path):
    """Not a later one with NaN in it, nor one that is damaged or lacks its optimizer."""

    def save(epoch: int, value: float, age: int) -> None:
        saved = Checkpoint(tmp_path, "net", epoch)
        for suffix in (".pdparams", ".pdopt"):
            paddle.save({"weight": _tensor(1, value)}, str(saved.file(suffix)))
            os.utime(saved.file(suffix), (10**9 - age, 10**9 - age))

    assert finite.newest_finite(tmp_path, "net") is None
    assert finite.newest_finite(tmp_path / "nowhere", "net") is None
    for epoch, (value, age) in enumerate([(0, 60), (0, 50), (np.nan, 40), (0, 30), (0, 20)], start=1):
        save(epoch, value, age)
    Checkpoint(tmp_path, "net", 4).file(".pdopt").unlink()
    damaged = Checkpoint(tmp_path, "net", 5).file(".pdparams")
    damaged.write_bytes(damaged.read_bytes()[:-20])
    (tmp_path / "net_epoch_last.pdparams").touch()
    found = finite.newest_finite(tmp_path, "net")
    assert found and found.epoch == 2


def test_a_sampler_tells_the_batches_that_it_has_handed_out():
    """In their order, of this epoch, however far ahead the loader is; and hands out what it did before."""
    plain, noted = (BatchSampler(list(range(7)), batch_size=3) for _ in range(2))
    assert noting(noted) is noted and isinstance(noted, BatchSampler) and len(noted) == 3
    broken_off = iter(noted)
    next(broken_off)
    batches = list(noted)
    next(broken_off)
    assert batches == list(plain)
    assert [(noted.take(), noted.step) for _ in batches] == [(batch, step) for step, batch in enumerate(batches)]
