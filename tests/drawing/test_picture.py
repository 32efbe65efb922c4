"""Strips of skeletons, looked at through their pixels."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.synthetic import make_clip
from ctrgcn_plugin.drawing import picture, skeleton
from ctrgcn_plugin.drawing.picture import draw_clip
from ctrgcn_plugin.drawing.skeleton import COLOURS
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError
from ctrgcn_plugin.layouts import Layout

image = pytest.importorskip("matplotlib.image")

NTU = layouts.get("ntu_rgb_d")
BLUE, ORANGE = COLOURS[:2]
# A corner of equal sides, its arm to the right being a right limb's.
CORNER = Layout("corner", ("root", "top", "right_hand"), (0, 0, 0))
CORNER_POINTS = np.array([[0, 0, 1], [0, 1, 0]], dtype=float)  # (2, V)


@pytest.fixture
def draw(tmp_path):
    """Draws a clip and gives the picture (H, W, 3), 0 to 255, without its legend."""

    def draw(clip, layout=NTU, **kwargs):
        draw_clip(clip, tmp_path / "clip.png", layout=layout, **kwargs)
        pixels = (image.imread(tmp_path / "clip.png")[..., :3] * 255).round().astype(int)
        return pixels[: -int(0.3 * picture.DPI * (1 + (clip.shape[-1] > 1)))]

    return draw


def where(pixels: np.ndarray, colour: str, side: str = "right") -> np.ndarray:
    """(H, W) bool: pixels of a person's limb."""
    wanted = np.array(skeleton.shade(colour, side)) * 255
    return (np.abs(pixels - wanted) < 3).all(axis=-1)


def still(points: np.ndarray, frames: int = 4) -> np.ndarray:
    """(C, V) -> (C, T, V, 1)."""
    return np.tile(points[:, None, :, None], (1, frames, 1, 1))


def test_it_is_a_png_that_looks_like_something(draw, tmp_path):
    pixels = draw(make_clip("walk toward each other", 3), title="walk toward each other 99 %")
    assert (tmp_path / "clip.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert 200 < pixels.shape[0] < 1000 and 600 < pixels.shape[1] < 4000
    for colour in (BLUE, ORANGE):
        for side in ("trunk", "right", "left"):
            assert where(pixels, colour, side).sum() > 100


def test_the_same_clip_gives_the_same_bytes_and_another_does_not(tmp_path):
    for name, action in (("a", "sit down"), ("b", "sit down"), ("c", "stand up")):
        draw_clip(make_clip(action, 3), tmp_path / name, layout=NTU, frames=2)
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_somebody_who_moves_is_drawn_elsewhere(draw):
    clip = still(CORNER_POINTS, 2)
    clip[0, 1] += 0.5
    halves = np.array_split(draw(clip, CORNER, frames=2), 2, axis=1)
    centres = [np.flatnonzero(where(half, BLUE).any(axis=0)).mean() for half in halves]
    assert centres[1] - centres[0] > 20


def test_one_panel_for_each_frame(draw):
    def bars(pixels):
        columns = where(pixels, BLUE).any(axis=0)
        return np.count_nonzero(np.diff(columns.astype(int)) == 1)

    assert bars(draw(still(CORNER_POINTS, 30), CORNER, frames=5)) == 5
    assert bars(draw(still(CORNER_POINTS, 3), CORNER, frames=5)) == 3


def test_axes_are_equal(draw):
    pixels = draw(still(CORNER_POINTS, 1), CORNER, frames=1)
    along = np.flatnonzero(where(pixels, BLUE, "right").any(axis=0))
    upward = np.flatnonzero(where(pixels, BLUE, "trunk").any(axis=1))
    assert np.ptp(along) == pytest.approx(np.ptp(upward), rel=0.05)
    assert np.ptp(along) > 100


def test_axes_are_equal_from_panel_to_panel(draw):
    clip = np.concatenate([still(CORNER_POINTS, 1), still(CORNER_POINTS / 2, 1)], axis=1)
    halves = np.array_split(draw(clip, CORNER, frames=2), 2, axis=1)
    large, small = (np.ptp(np.flatnonzero(where(half, BLUE).any(axis=0))) for half in halves)
    assert small == pytest.approx(large / 2, rel=0.1)


def test_an_absent_person_is_not_drawn(draw):
    clip = make_clip("push another person", 0)
    assert where(draw(clip, frames=2), ORANGE).any()
    clip[..., 1] = 0
    assert not where(draw(clip, frames=2), ORANGE).any()


def test_a_person_who_is_lost_for_a_while_is_drawn_in_the_other_frames(draw):
    clip = np.concatenate([still(CORNER_POINTS), still(CORNER_POINTS + [[0], [2]])], axis=-1)
    clip[:, 1:3, :, 1] = 0
    columns = np.array_split(where(draw(clip, CORNER, frames=4), ORANGE), 4, axis=1)
    assert [column.any() for column in columns] == [True, False, False, True]


def test_zeros_after_the_end_do_not_matter(draw):
    clip = make_clip("start waving", 1, frames=100)
    longer = np.concatenate([clip, np.zeros_like(clip)], axis=1)
    np.testing.assert_array_equal(draw(clip, frames=3), draw(longer, frames=3))


def test_left_and_right_can_be_told_apart_and_are_where_the_camera_sees_them(draw):
    """Who faces the camera has the right hand on the left of the picture, and at larger x in the data."""
    clip = make_clip("sit down", 1, view=1)[:, :1]
    assert clip[0, 0, NTU.joints.index("right_hand"), 0] > clip[0, 0, NTU.joints.index("left_hand"), 0]
    pixels = draw(clip, frames=1)
    right, left = (np.flatnonzero(where(pixels, BLUE, side).any(axis=0)).mean() for side in ("right", "left"))
    assert left - right > 30


def test_two_dimensions_are_drawn_as_they_are(draw):
    pixels = draw(still(CORNER_POINTS, 1), CORNER, frames=1)
    right, trunk = (np.argwhere(where(pixels, BLUE, side)).mean(axis=0) for side in ("right", "trunk"))
    assert right[1] > trunk[1] + 50  # to the right
    assert right[0] > trunk[0] + 50  # rows count downward, and the trunk goes up


def test_depth_can_be_seen(draw):
    """An arm that points straight at the camera has a length in the picture."""
    points = np.array([[0, 0, 0], [0, 1, 0], [0, 0, -1]], dtype=float)
    along = np.flatnonzero(where(draw(still(points, 1), CORNER, frames=1), BLUE).any(axis=0))
    assert np.ptp(along) > 50


def test_title_and_time_stamps_are_drawn(draw):
    plain, titled = (draw(still(CORNER_POINTS), CORNER, title=title) for title in ("", "sit down 98 %"))
    assert titled.shape[0] > plain.shape[0]
    top = titled[: titled.shape[0] - plain.shape[0]]
    assert (top.min(axis=-1) < 100).sum() > 50
    later = np.concatenate([still(CORNER_POINTS, 1), still(CORNER_POINTS, 90)], axis=1)
    assert not np.array_equal(draw(later, CORNER, frames=2), draw(later[:, :40], CORNER, frames=2))


@pytest.mark.parametrize(
    ("clip", "kwargs", "message"),
    [
        (np.ones((3, 4, 25)), {}, r"shape \(3, 4, 25\) of float64: it takes numbers \(C, T, V, M\)"),
        (np.ones((4, 4, 25, 1)), {}, "C = 2 or 3"),
        (np.ones((3, 4, 17, 1)), {}, "17 joints with layout 'ntu_rgb_d', which has 25"),
        (np.full((3, 4, 25, 1), np.nan), {}, "nobody"),
        (np.full((3, 4, 25, 1), np.inf), {}, "not finite: the first infinite value is in frame 0"),
        (np.full((3, 4, 25, 1), "1"), {}, "of <U1: it takes numbers"),
        (np.ones((3, 4, 25, 1)), {"importance": np.ones(24)}, r"importance of shape \(24,\): .* 25 values from 0 to 1"),
        (np.ones((3, 4, 25, 1)), {"importance": np.full(25, np.nan)}, "25 values from 0 to 1"),
        (np.zeros((3, 4, 25, 2)), {}, "nobody"),
        (np.ones((3, 0, 25, 2)), {}, "nobody"),
        (np.ones((3, 4, 25, 1)), {"frames": 0}, "frames=0"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_line(tmp_path, clip, kwargs, message):
    with pytest.raises(UserError, match=message) as error:
        draw_clip(clip, tmp_path / "clip.png", layout=NTU, **kwargs)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_one_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        EnvironmentSetupError, match=r'drawing a clip needs matplotlib.*ctrgcn-plugin\[plot\]"'
    ) as error:
        draw_clip(still(CORNER_POINTS), tmp_path / "clip.png", layout=CORNER)
    assert "\n" not in str(error.value)


def test_a_failure_leaves_the_old_picture(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def full_disk(self, file, **kwargs):
        file.write(b"half a picture")
        raise OSError("no space left on device")

    path = tmp_path / "clip.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", full_disk)
    with pytest.raises(OSError, match="no space"):
        draw_clip(still(CORNER_POINTS), path, layout=CORNER)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"clip.png": b"old"}


def test_neither_importing_nor_drawing_touches_pyplot(tmp_path):
    script = f"""
import sys
import numpy as np
from ctrgcn_plugin import layouts
from ctrgcn_plugin.drawing.picture import draw_clip
assert not any(name.startswith("matplotlib") for name in sys.modules)
clip = np.random.default_rng(0).normal(size=(3, 2, 25, 1))
draw_clip(clip, {str(tmp_path / "clip.png")!r}, layout=layouts.get("ntu_rgb_d"))
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])
    assert image.imread(io.BytesIO((tmp_path / "clip.png").read_bytes())).ndim == 3


def test_a_joint_that_was_not_seen_and_its_bones_are_not_drawn(draw):
    clip = still(CORNER_POINTS, 1)
    clip[0, 0, 2] = np.nan
    pixels = draw(clip, CORNER, frames=1)
    assert where(pixels, BLUE, "trunk").any() and not where(pixels, BLUE, "right").any()


def test_joints_have_the_colour_and_size_of_their_importance(draw):
    importance = np.array([0, 0.5, 1])
    pixels = draw(still(CORNER_POINTS, 1), CORNER, frames=1, importance=importance)
    areas = [
        (np.abs(pixels - [int(colour[at : at + 2], 16) for at in (1, 3, 5)]) < 3).all(axis=-1).sum()
        for colour in skeleton.importance_colours(importance)
    ]
    assert 20 < areas[0] < areas[1] < areas[2]


@pytest.mark.parametrize("title", ["longword" * 60, "$x_1 \\frac{\n" * 20, "挥手" * 90])
def test_any_title_fits(draw, title, recwarn):
    pixels = draw(still(CORNER_POINTS, 1), CORNER, frames=1, title=title)
    plain = draw(still(CORNER_POINTS, 1), CORNER, frames=1)
    assert pixels.shape[1] == plain.shape[1] and pixels.shape[0] < plain.shape[0] + picture.DPI
    top = pixels[: pixels.shape[0] - plain.shape[0]]
    assert (top < 100).sum() > 50 and (top[:, :10] > 240).all() and (top[:, -10:] > 240).all()
    assert not recwarn.list


def test_letters_that_no_font_has_are_named_once(draw, capsys):
    draw(still(CORNER_POINTS), CORNER, title="\U000e0041 \U000e0042")
    assert capsys.readouterr().err.count("no font for \U000e0041\U000e0042 in a picture") == 1
    draw(still(CORNER_POINTS), CORNER, title="größer – ½ ×")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", layouts.available())
def test_every_layout(draw, name):
    layout = layouts.get(name)
    clip = np.random.default_rng(0).normal(size=(layout.dimensions, 1, layout.num_joints, 2))
    pixels = draw(clip, layout, frames=1)
    for colour in (BLUE, ORANGE):
        for limb in skeleton.Skeletons.of(clip, layout).limbs:
            assert where(pixels, colour, limb).any()
