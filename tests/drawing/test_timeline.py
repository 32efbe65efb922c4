"""The picture of a time line: what is likeliest is in full colour where it is, and nothing is where nobody was."""

from __future__ import annotations

import io

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.image import imread

from ctrgcn_plugin.deploy.timeline import Answer, Timeline
from ctrgcn_plugin.deploy.windows import Window
from ctrgcn_plugin.drawing import timeline as picture
from ctrgcn_plugin.drawing.skeleton import COLOURS

WAVE, FALL = np.array([0.9, 0.1]), np.array([0.1, 0.9])


def drawn(answers: list[Answer], names: list[str]) -> tuple[bytes, np.ndarray]:
    """The file, and which pixels have the full colour."""
    file = io.BytesIO()
    picture.draw(Timeline("a.mp4", 10.0, names, answers), file)
    file.seek(0)
    pixels = imread(file)[..., :3]
    colour = [int(COLOURS[0][place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return file.getvalue(), (np.abs(pixels - colour) < 0.01).all(axis=-1)


def test_actions_are_where_they_happen() -> None:
    answers = [Answer(Window(0, 10), WAVE), Answer(Window(10, 30), None), Answer(Window(30, 40), FALL)]
    _, full = drawn(answers, ["wave", "fall"])
    rows, columns = full.any(axis=1), np.flatnonzero(full.any(axis=0))
    # two rows, one below the other
    edges = np.flatnonzero(np.diff(rows.astype(int)))
    assert len(edges) == 4
    wave, fall = (np.flatnonzero(full[top:bottom].any(axis=0)) for top, bottom in (edges[:2] + 1, edges[2:] + 1))
    # a quarter of the time each, at both ends, with the middle half between
    assert wave[-1] - wave[0] == pytest.approx(fall[-1] - fall[0], abs=3)
    assert fall[0] - wave[-1] == pytest.approx(2 * (wave[-1] - wave[0]), rel=0.05)
    assert (wave[0], fall[-1]) == (columns[0], columns[-1])


def test_the_same_answers_give_the_same_file() -> None:
    answers = [Answer(Window(0, 10), WAVE)]
    assert drawn(answers, ["wave"])[0] == drawn(answers, ["wave"])[0]


def test_of_many_actions_those_that_last_longest() -> None:
    scores = np.eye(30)
    answers = [Answer(Window(place * 10, place * 10 + 1 + place % 10), scores[place]) for place in range(30)]
    file, full = drawn(answers, [])
    assert len(np.flatnonzero(np.diff(full.any(axis=1).astype(int)))) == 2 * picture.ROWS


def test_names_are_texts_in_whatever_letters(
    capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    # a dollar sign begins no formula, and a letter of which there is no font is said in a note
    answers = [Answer(Window(0, 10), WAVE), Answer(Window(10, 20), FALL)]
    drawn(answers, ["throw $5", r"$\frac{"])
    assert not capsys.readouterr().err
    private = "\ue000"
    drawn(answers, [f"{private}wave", "fall"])
    assert f"no font for {private} in a picture" in capsys.readouterr().err
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]
