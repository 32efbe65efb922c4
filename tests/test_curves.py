"""Training curves as files: what is written is read, at any moment, and nothing else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import curves
from ctrgcn_plugin.curves import COLUMNS, EPOCHS, FOLDER, STEPS, CsvFiles, Curves
from ctrgcn_plugin.errors import UserError


def _step(epoch: int, step: int, **values: float) -> dict:
    return {**dict.fromkeys(COLUMNS[STEPS]), "epoch": epoch, "step": step, **values}


def _epoch(epoch: int, **values: float) -> dict:
    return {**dict.fromkeys(COLUMNS[EPOCHS]), "epoch": epoch, **values}


def test_a_run_without_curves(tmp_path):
    assert curves.read(tmp_path) is None
    assert curves.read(tmp_path / "missing") is None


def test_a_row_is_there_as_soon_as_it_is_known(tmp_path):
    files = CsvFiles(tmp_path, Curves())
    assert curves.read(tmp_path) == Curves()
    # nine digits are enough for any float32
    losses = [float(np.float32(value)) for value in (1 / 3, 1e-7, 12345.678)]
    for index, loss in enumerate(losses):
        files.step({"epoch": 1, "step": index + 1, "loss": loss, "top5": None})
        steps = curves.read(tmp_path).steps
        assert len(steps) == index + 1 and np.float32(steps[-1]["loss"]) == np.float32(loss)
    assert steps[0] == _step(1, 1, loss=steps[0]["loss"])

    files.epoch({"epoch": 1, "train_loss": 0.5, "seconds": 2.0})
    assert curves.read(tmp_path).epochs == [_epoch(1, train_loss=0.5, seconds=2.0)]
    files.epoch({"epoch": 1, "valid_top1": 0.25, "seconds": 3.0})
    files.epoch({"epoch": 2, "train_loss": float("nan")})
    first, second = curves.read(tmp_path).epochs
    assert first == _epoch(1, train_loss=0.5, valid_top1=0.25, seconds=3.0)
    assert np.isnan(second["train_loss"])
    files.close()
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == [EPOCHS, STEPS]
    assert (tmp_path / FOLDER / EPOCHS).read_text().splitlines()[0] == ",".join(COLUMNS[EPOCHS])


@pytest.mark.parametrize("done, steps, epochs", [(0, 0, 0), (1, 2, 1), (2, 4, 2), (9, 4, 2)])
def test_resumed(done, steps, epochs, tmp_path):
    """The rows of the epochs that are not repeated stay, and the next ones follow."""
    first = CsvFiles(tmp_path, Curves())
    for step in range(4):
        first.step(_step(step // 2 + 1, step + 1, lr=0.1))
    for epoch in (1, 2):
        first.epoch(_epoch(epoch, lr=0.1))
    first.close()
    kept = curves.read(tmp_path).until(done)
    assert (len(kept.steps), kept.last_step, len(kept.epochs)) == (steps, steps, epochs)
    second = CsvFiles(tmp_path, kept)
    second.step(_step(done + 1, steps + 1, lr=0.2))
    second.epoch(_epoch(done + 1, lr=0.2))
    second.close()
    found = curves.read(tmp_path)
    assert [row["step"] for row in found.steps] == list(range(1, steps + 2))
    assert [row["lr"] for row in found.steps] == [0.1] * steps + [0.2]
    assert [row["lr"] for row in found.epochs] == [0.1] * epochs + [0.2]


HEADER = ",".join(COLUMNS[STEPS])


def test_half_a_row_is_none(tmp_path):
    """What a full disk has left of a row looks like a number, and is another."""
    CsvFiles(tmp_path, Curves()).close()
    file = tmp_path / FOLDER / STEPS
    file.write_text(f"{HEADER}\n1,1,0.5,,,0.1,1\n1,2,0.5,,,0.1,12")
    assert curves.read(tmp_path).steps == [_step(1, 1, loss=0.5, lr=0.1, seconds=1.0)]


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "cannot be read"),
        ("epoch,step\n1,1\n", "its columns are not epoch,step,loss"),
        (f"{HEADER}\n1,1\n", "row 2 has 2 values, not 7"),
        (f"{HEADER}\n1,1,much,,,,\n", "row 2: loss is 'much', not a number"),
        (f"{HEADER}\n1,1,,,,,\n1,0,,,,,\n", "row 3: step is '0', not 1, 2, 3"),
        (f"{HEADER}\n,1,,,,,\n", "row 2: epoch is ''"),
        (f"{HEADER}\nnan,1,,,,,\n", "row 2: epoch is 'nan'"),
        (b"\xff\xfe\n", "cannot be read"),
    ],
)
def test_no_curves(text, said, tmp_path):
    file = tmp_path / FOLDER / STEPS
    file.parent.mkdir()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as found:
        curves.read(tmp_path)
    message = str(found.value)
    assert said in message and str(file) in message and "\n" not in message


def test_of_one_file_alone(tmp_path):
    CsvFiles(tmp_path, Curves([_epoch(1)], [_step(1, 1)])).close()
    (tmp_path / FOLDER / STEPS).unlink()
    assert curves.read(tmp_path) == Curves([_epoch(1)], [])


LINES = st.lists(
    st.sampled_from([HEADER, "1,1,0.5,,,,", "1,2", "-1,1,,,,,", '"', "\0", "é", "1e999,1,,,,,"]), max_size=5
)


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.binary(max_size=60), LINES.map(lambda lines: "\n".join([HEADER, *lines, ""]).encode())))
def test_anything_else_is_one_error(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp() / "curves_fuzzed"
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    (folder / FOLDER / STEPS).write_bytes(content)
    try:
        found = curves.read(folder)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert all(row["epoch"] >= 1 and row["step"] >= 1 for row in found.steps)
