"""What a training has beside weights and optimizer, saved and put back; without PaddleVideo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import paddle
import pytest

from ctrgcn_plugin.errors import CheckpointError, ConfigError
from ctrgcn_plugin.training import best, state
from ctrgcn_plugin.training.best import Best
from ctrgcn_plugin.training.state import Checkpoint
from ctrgcn_plugin.upstream.fixes import tasks_train_resume
from ctrgcn_plugin.upstream.fixes.tasks_train_resume import Training

NAME = "run"
RANKS = 2


def _training(folder: Path, resumed: int = 0, rank: int = 0) -> Training:
    training = Training(folder, NAME, resumed, rank)
    training.samplers.append(paddle.io.DistributedBatchSampler(range(8), 4, shuffle=True))
    schedule = paddle.optimizer.lr.ReduceOnPlateau(0.1, patience=0)
    training.watch_schedule(schedule)
    with pytest.warns(UserWarning, match="Scaler can only be enabled"):
        training.scaler = paddle.amp.GradScaler()
    # as on a GPU: there it has a state
    training.scaler._enable = True
    training.scaler.load_state_dict(
        {"scale": [65536.0], "incr_ratio": 2.0, "decr_ratio": 0.5, "incr_every_n_steps": 2000}
        | {"decr_every_n_nan_or_inf": 1, "incr_count": 0, "decr_count": 0, "use_dynamic_loss_scaling": True}
    )
    return training


def _parts(training: Training) -> dict[str, Any]:
    return {
        "samplers": [next(iter(sampler)) for sampler in training.samplers],
        "schedule": {
            name: vars(training._schedule)[name] for name in ("last_lr", "last_epoch", "best", "num_bad_epochs")
        },
        "scaler": {name: str(value) for name, value in training.scaler.state_dict().items()},
        "drawn": paddle.rand([2]).tolist(),
    }


def _train(training: Training) -> None:
    """What an epoch changes."""
    list(training.samplers[0])
    training._schedule.step(0.5)
    training._schedule.step(0.75)
    training.scaler._scale = paddle.to_tensor([1024.0])
    training.scaler._incr_count = 17


def _save(folder: Path, training: Training, epoch: int = 1) -> None:
    """As upstream does, the weights last."""
    for suffix in state.PAIR:
        file = Checkpoint(folder, NAME, epoch).file(suffix)
        file.write_bytes(b"whole")
        training.saved(file)


@pytest.mark.parametrize("rank", range(RANKS))
def test_everything_is_put_back(tmp_path, rank):
    trainings = [_training(tmp_path, rank=number) for number in range(RANKS)]
    for training in trainings:
        _train(training)
        _save(tmp_path, training)
        saved = _parts(training)
        if training is trainings[rank]:
            expected = saved
    resumed = _training(tmp_path, 1, rank)
    assert _parts(resumed) != expected
    resumed = _training(tmp_path, 1, rank)
    resumed.put_back()
    assert _parts(resumed) == expected


def test_what_a_config_has_set_of_a_schedule_is_not_put_back(tmp_path):
    training = _training(tmp_path)
    _save(tmp_path, training)
    resumed = _training(tmp_path, 1)
    resumed._schedule.patience = 5
    resumed.put_back()
    assert resumed._schedule.patience == 5


def test_a_damaged_state_is_refused_in_one_line(tmp_path):
    _save(tmp_path, _training(tmp_path))
    file = Checkpoint(tmp_path, NAME, 1).state_file()
    file.write_text(json.dumps({**json.loads(file.read_text()), "draws": {"python": [3, [1], None]}}))
    with pytest.raises(CheckpointError, match=r"\.state\.json of the checkpoint that is resumed is damaged: .*\S$"):
        _training(tmp_path, 1).put_back()


def test_the_best_is_that_of_the_training_and_not_one_that_was_there_before(tmp_path):
    def saved(training: Training, epoch: int) -> object:
        _save(tmp_path, training, epoch)
        return state.read(Checkpoint(tmp_path, NAME, epoch).state_file()).best

    checkpoint = tmp_path / f"{NAME}_best.pdparams"
    checkpoint.touch()
    best.write(tmp_path, NAME, Best(0.9, 30))
    training = _training(tmp_path)
    assert saved(training, 1) is None
    training.saved(checkpoint)
    best.write(tmp_path, NAME, Best(0.5, 2))
    assert saved(training, 2) == {"best": 0.5, "epoch": 2}
    # it goes on past epoch 2, and is resumed from there
    best.write(tmp_path, NAME, Best(0.75, 3))
    assert saved(_training(tmp_path, 2), 3) == {"best": 0.5, "epoch": 2}
    assert saved(_training(tmp_path, 1), 3) is None


def test_of_a_checkpoint_without_a_state_the_best_is_what_is_noted(tmp_path):
    (tmp_path / f"{NAME}_best.pdparams").touch()
    best.write(tmp_path, NAME, Best(0.5, 1))
    _save(tmp_path, _training(tmp_path))
    checkpoint = Checkpoint(tmp_path, NAME, 1)
    for suffix in state.PAIR:
        paddle.save({}, str(checkpoint.file(suffix)))
    checkpoint.state_file().unlink()
    resumed = _training(tmp_path, 1)
    resumed.put_back()
    _save(tmp_path, resumed, 2)
    assert state.read(Checkpoint(tmp_path, NAME, 2).state_file()).best == {"best": 0.5, "epoch": 1}


@pytest.mark.parametrize("given", ["last", -1, True, 1.0])
def test_what_is_no_epoch_is_refused(given):
    with pytest.raises(ConfigError, match="resume_epoch must be the number of a saved epoch, or 0 for none, got"):
        tasks_train_resume.resumed_epoch({"resume_epoch": given})
