"""Checkpoints that can be gone on from: which are whole, which was saved last, and what is said of the others."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.errors import CheckpointError
from ctrgcn_plugin.training import state
from ctrgcn_plugin.training.state import Checkpoint, State

NAME = "model.v2"


def _save(folder: Path, epoch: int, content: str = "", with_state: bool = True, saved: float = 0.0) -> Checkpoint:
    checkpoint = Checkpoint(folder, NAME, epoch)
    for suffix in state.PAIR:
        checkpoint.file(suffix).write_bytes(pickle.dumps({"weight": f"{epoch}{content}"}))
    if with_state:
        state.write(checkpoint.state_file(), _state(checkpoint, saved))
    return checkpoint


def _state(checkpoint: Checkpoint, saved: float) -> State:
    return State({}, [1, 0], {"last_epoch": 0.1}, {}, None, state.checksums(checkpoint), saved)


def test_a_state_is_read_as_it_was_written(tmp_path):
    # a tenth has no end in binary, and comes back to the bit
    written = State({"paddle": 3}, [2], {"last_lr": 0.1}, {"scale": [65536.0]}, {"best": 0.1, "epoch": 2}, {}, 1.5)
    state.write(tmp_path / "file", written)
    assert state.read(tmp_path / "file") == written
    assert state.read(tmp_path / "none") is None


def test_the_newest_is_the_one_that_was_saved_last(tmp_path):
    assert state.newest(tmp_path / "none", NAME) is None
    for epoch, saved in ((1, 10.0), (2, 20.0), (7, 5.0)):
        _save(tmp_path, epoch, saved=saved)
    # epoch 7 is of an earlier training in this folder, and 9 cannot be gone on from exactly
    _save(tmp_path, 9, with_state=False)
    (tmp_path / f"{NAME}_best.pdparams").write_bytes(b"")
    (tmp_path / "modelXv2_epoch_00008.pdparams").write_bytes(b"")
    assert state.newest(tmp_path, NAME) == 2
    assert "epochs that can be resumed: 1, 2, 7, 9, the newest with -o resume_epoch=2" in state.which_can(
        tmp_path, NAME
    )


# what happens to a checkpoint, and what is said of it
BROKEN: dict[str, tuple[Callable[[Checkpoint], object], str]] = {
    "optimizer missing": (lambda found: found.file(".pdopt").unlink(), r"there is no \S*_00002\.pdopt;"),
    "weights missing": (lambda found: found.file(".pdparams").unlink(), r"there is no \S*_00002\.pdparams;"),
    "weights of another": (
        lambda found: found.file(".pdparams").write_bytes(pickle.dumps({})),
        "were not saved together with",
    ),
    "half the weights": (
        lambda found: found.file(".pdparams").write_bytes(found.file(".pdparams").read_bytes()[:-3]),
        "were not saved together with",
    ),
    "half the state": (
        lambda found: found.state_file().write_bytes(found.state_file().read_bytes()[:-3]),
        r"\.state\.json cannot be read: .*",
    ),
    "half the weights, without a state": (
        lambda found: (
            found.state_file().unlink(),
            found.file(".pdparams").write_bytes(found.file(".pdparams").read_bytes()[:-3]),
        ),
        r"_00002\.pdparams cannot be read: .*",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_not_whole_is_refused_and_the_whole_ones_are_named(tmp_path, case):
    break_it, message = BROKEN[case]
    _save(tmp_path, 1)
    checkpoint = _save(tmp_path, 2, saved=2.0)
    break_it(checkpoint)
    with pytest.raises(CheckpointError, match=message) as error:
        state.check(checkpoint)
    assert str(error.value).startswith("resume_epoch=2: ") and "\n" not in str(error.value)
    assert "epochs that can be resumed: 1, the newest with -o resume_epoch=1" in str(error.value)
    assert state.newest(tmp_path, NAME) == 1


def test_where_none_is_whole_the_start_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="no epoch in .* can be resumed, set resume_epoch=0"):
        state.check(Checkpoint(tmp_path, NAME, 1))


def test_whole_ones_are_resumed_with_and_without_a_state(tmp_path):
    first, second = _save(tmp_path, 1), _save(tmp_path, 2, with_state=False)
    assert state.check(first) == state.read(first.state_file())
    assert state.check(second) is None


def test_what_can_run_code_is_left_to_whoever_loads_it(tmp_path):
    checkpoint = _save(tmp_path, 1, with_state=False)
    checkpoint.file(".pdparams").write_bytes(pickle.dumps(print))
    assert state.check(checkpoint) is None


def test_what_cannot_be_saved_leaves_what_was_there(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"old")
    message = "weights cannot be saved: No space left on device; .* as it was"
    with pytest.raises(CheckpointError, match=message), state.saving(file) as opened:
        opened.write(b"half of the n")
        raise OSError(28, "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["weights"] and file.read_bytes() == b"old"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*vars(State({}, [], {}, {}))]), inner),
    max_leaves=12,
)


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=100, deadline=None)
def test_any_content_is_a_state_or_refused(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "any.state.json"
    file.write_bytes(content)
    try:
        found = state.read(file)
    except CheckpointError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(found, State) and replace(found) == found
