"""GIFs and films, looked at through their frames."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from ctrgcn_plugin.drawing import animation, skeleton
from ctrgcn_plugin.drawing.animation import animate
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError
from ctrgcn_plugin.layouts import Layout

pytest.importorskip("matplotlib")
image = pytest.importorskip("PIL.Image")

CORNER = Layout("corner", ("root", "top", "right_hand"), (0, 0, 0))
POINTS = np.array([[0, 0, 1], [0, 1, 0]], dtype=float)  # (2, V)


def moving(frames: int) -> np.ndarray:
    """(2, T, 3, 1): a corner on its way to the right, followed by frames without anybody."""
    clip = np.tile(POINTS[:, None, :, None], (1, frames, 1, 1))
    clip[0] += np.linspace(0, 2, frames)[:, None, None]
    return np.concatenate([clip, np.zeros_like(clip)], axis=1)


def pictures(path) -> list[np.ndarray]:
    """Of a GIF: (H, W, 3) each."""
    with image.open(path) as gif:
        frames = []
        for number in range(gif.n_frames):
            gif.seek(number)
            frames.append(np.asarray(gif.convert("RGB")).astype(int))
        return frames


def durations(path) -> list[int]:
    """Of a GIF's frames, in milliseconds."""
    with image.open(path) as gif:
        shown = []
        for number in range(gif.n_frames):
            gif.seek(number)
            shown.append(gif.info["duration"])
        return shown


def film(path) -> np.ndarray:
    """(frames, H, W) grey, as ffmpeg decodes it."""
    said = subprocess.run([animation.ffmpeg(), "-i", path], capture_output=True, text=True, check=False).stderr
    width, height = map(int, re.search(r", (\d+)x(\d+)[ ,]", said).groups())
    decode = [animation.ffmpeg(), "-loglevel", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(decode, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width)


@pytest.fixture(scope="module")
def gif(tmp_path_factory):
    path = tmp_path_factory.mktemp("gif") / "clip.gif"
    animate(moving(10), path, layout=CORNER, title="to the right", fps=25)
    return path


def test_a_gif_plays_in_the_time_of_the_clip_and_again_and_again(gif):
    assert durations(gif) == [40] * 10
    with image.open(gif) as opened:
        assert opened.info["loop"] == 0


def test_who_moves_is_drawn_elsewhere_and_all_else_stays(gif):
    frames = pictures(gif)
    blue = np.array([int(skeleton.COLOURS[0][at : at + 2], 16) for at in (1, 3, 5)])
    # above the legend
    places = [
        np.flatnonzero((np.abs(frame[: len(frame) - 60] - blue).sum(axis=-1) < 60).any(axis=0)).mean()
        for frame in frames
    ]
    assert (np.diff(places) > 5).all()
    title = [frame[:40] for frame in frames]
    assert (title[0] < 100).any() and all(np.abs(title[0] - other).max() < 30 for other in title)
    assert not np.array_equal(frames[0][-60:-30], frames[-1][-60:-30])  # the frame's number


def test_a_long_clip_becomes_a_bounded_gif_of_the_same_time(tmp_path):
    clip = np.concatenate([moving(90)[:, :90]] * 10, axis=1)
    animate(clip, tmp_path / "clip.gif", layout=CORNER, frames=6)
    assert durations(tmp_path / "clip.gif") == [5000] * 6


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_the_same_clip_gives_the_same_bytes_and_another_does_not(suffix, tmp_path):
    _need_ffmpeg(suffix)
    clips = {"a": moving(3), "b": moving(3), "c": moving(3) * 2 + 1}
    for name, clip in clips.items():
        animate(clip, tmp_path / f"{name}{suffix}", layout=CORNER)
    first, again, other = ((tmp_path / f"{name}{suffix}").read_bytes() for name in clips)
    assert first == again != other


def test_a_film_has_all_frames(tmp_path):
    _need_ffmpeg(".mp4")
    animate(moving(7), tmp_path / "clip.mp4", layout=CORNER)
    frames = film(tmp_path / "clip.mp4")
    assert len(frames) == 7
    assert frames.shape[1] % 2 == frames.shape[2] % 2 == 0
    dark = [np.flatnonzero((frame[50:-70, 20:-20] < 120).any(axis=0)).mean() for frame in frames]
    assert (np.diff(dark) > 5).all()


def test_importance_is_drawn(tmp_path):
    animate(moving(1), tmp_path / "clip.gif", layout=CORNER, importance=np.array([0, 0.5, 1]))
    (frame,) = pictures(tmp_path / "clip.gif")
    for colour in skeleton.importance_colours(np.array([0, 0.5, 1])):
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert (np.abs(frame[:-60] - wanted).sum(axis=-1) < 40).sum() > 5


@pytest.mark.parametrize(
    "name, settings, message",
    [
        ("clip.avi", {}, ".avi is none of .gif, .mp4"),
        ("clip", {}, "no suffix is none of"),
        ("clip.gif", {"fps": 0}, "cannot play 0 frames a second"),
        ("clip.gif", {"frames": 0}, "frames=0: at least 1"),
    ],
)
def test_a_mistake_is_one_line(name, settings, message, tmp_path):
    with pytest.raises(UserError, match=message) as error:
        animate(moving(2), tmp_path / name, layout=CORNER, **settings)
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_without_ffmpeg_one_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(EnvironmentSetupError, match=r'needs ffmpeg.*ctrgcn-plugin\[video\]"; .gif and .html') as error:
        animate(moving(2), tmp_path / "clip.mp4", layout=CORNER)
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_an_ffmpeg_that_fails_leaves_the_old_film(tmp_path, monkeypatch):
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\necho half > clip\necho no encoder >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "films" / "clip.mp4"
    path.parent.mkdir()
    path.write_bytes(b"old")
    monkeypatch.chdir(path.parent)
    with pytest.raises(UserError, match="cannot write .*clip.mp4: .*ffmpeg ended with status 1: no encoder") as error:
        animate(moving(2), path, layout=CORNER)
    assert "\n" not in str(error.value) and path.read_bytes() == b"old"


def _need_ffmpeg(suffix: str) -> None:
    try:
        if suffix == ".mp4":
            animation.ffmpeg()
    except EnvironmentSetupError as error:
        pytest.skip(str(error))
