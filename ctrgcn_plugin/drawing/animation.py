"""A clip as an animation: GIF, which needs nothing else, and MP4 where there is an ffmpeg."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional

import numpy as np

from ctrgcn_plugin.drawing.picture import Sheet
from ctrgcn_plugin.drawing.skeleton import Skeletons
from ctrgcn_plugin.drawing.timing import FPS, Timing, in_ticks, thinned
from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError, one_line
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.layouts import Layout

if TYPE_CHECKING:
    from matplotlib.animation import AbstractMovieWriter

PANEL = (5.0, 4.6)  # inches, widest and highest
DPI = 100
MOST_FRAMES = 100  # of a GIF, which holds each as a picture


class _Format(NamedTuple):
    """`settings` are matplotlib's, for its `writer`."""

    timing: Callable[[int, float, Optional[int]], Timing]
    writer: Callable[[float], AbstractMovieWriter]
    settings: Callable[[], dict[str, str]]


def animate(
    clip: np.ndarray,
    path: str | os.PathLike[str],
    *,
    layout: Layout,
    title: str = "",
    fps: float = FPS,
    frames: Optional[int] = None,
    unit: str = "",
    importance: Optional[np.ndarray] = None,
) -> None:
    """Draws a clip as an animation, as :func:`~ctrgcn_plugin.drawing.picture.draw_clip` draws one frame of it.

    Args:
        clip: (C, T, V, M), see :meth:`Skeletons.of`.
        path: ends in one of :data:`FORMATS`; the file appears there when it is whole.
        fps: frames of the clip in a second.
        frames: at most so many are drawn, evenly spread over the same time; by default :data:`MOST_FRAMES` in a GIF.

    Raises:
        UserError: the clip cannot be drawn with this layout, or there is no such format.
        EnvironmentSetupError: matplotlib is not installed, or no ffmpeg for MP4.
    """
    skeletons = Skeletons.of(clip, layout, unit=unit, importance=importance)
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise UserError(f"cannot write an animation {path}: {suffix or 'no suffix'} is none of {', '.join(FORMATS)}")
    timing = FORMATS[suffix].timing(skeletons.frames, fps, frames)
    sheet = Sheet(skeletons, timing.frames, columns=1, panel=PANEL, title=title)
    sheet.freeze(DPI)
    matplotlib = require_library("matplotlib", "plot", "drawing a clip")
    with tempfile.TemporaryDirectory() as folder, matplotlib.rc_context(FORMATS[suffix].settings()):
        # the writers go by the file's suffix
        whole = Path(folder) / f"clip{suffix}"
        writer = FORMATS[suffix].writer(timing.fps)
        try:
            with writer.saving(sheet.figure, whole, DPI):
                for frame in timing.frames:
                    sheet.draw(0, frame, f"frame {frame} of {skeletons.frames}")
                    writer.grab_frame()
        except subprocess.CalledProcessError as error:
            said = str(error.stderr or "").strip().rpartition("\n")[2]
            ended = f"{error.cmd[0]} ended with status {error.returncode}: {said}"
            raise UserError(f"cannot write {path}: {ended}") from error
        except OSError as error:
            raise UserError(f"cannot write {path}: {one_line(error)}") from error
        with replacing(path) as file:
            file.write(whole.read_bytes())


def _of_gif(length: int, fps: float, frames: Optional[int]) -> Timing:
    return in_ticks(length, fps, MOST_FRAMES if frames is None else frames)


def _gif_writer(fps: float) -> AbstractMovieWriter:
    animation = require_library("matplotlib.animation", "plot", "drawing a clip")
    # it has the milliseconds of a frame cut off, Pillow their hundredths of a second
    milliseconds = round(1000 / fps) + 0.5
    return animation.PillowWriter(fps=1000 / milliseconds)


def _mp4_writer(fps: float) -> AbstractMovieWriter:
    animation = require_library("matplotlib.animation", "plot", "drawing a clip")
    # in one thread and without its version, so that the same clip gives the same bytes
    same = ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart"]
    return animation.FFMpegWriter(fps=fps, codec="h264", bitrate=-1, extra_args=same)


def _with_ffmpeg() -> dict[str, str]:
    return {"animation.ffmpeg_path": ffmpeg()}


def ffmpeg() -> str:
    """The program: on the PATH, else that of imageio-ffmpeg."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise EnvironmentSetupError(
            f'writing .mp4 needs ffmpeg ({one_line(error)}); install it, or pip install "ctrgcn-plugin[video]"; '
            ".gif and .html need none"
        ) from error


FORMATS = {".gif": _Format(_of_gif, _gif_writer, dict), ".mp4": _Format(thinned, _mp4_writer, _with_ffmpeg)}
