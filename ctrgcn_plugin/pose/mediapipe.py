"""MediaPipe's Pose Landmarker (BlazePose, Bazarevsky et al. 2020) as an estimator: several persons, on a CPU.

Its wheels up to 0.10.21 carry the weights and want NumPy 1; later ones, which want neither, need a file of weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ctrgcn_plugin import layouts, terminal
from ctrgcn_plugin.data.sources import mediapipe as format
from ctrgcn_plugin.data.sources.poses import Pose, Recorded
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.pose import process

SCRIPT = Path(__file__).parent / "scripts" / "blazepose.py"
INSTALL = (
    'pip install "mediapipe==0.10.21" (Python 3.9 to 3.12), which has its weights in it, here or in an environment of '
    "its own whose Python --pose_python names; later ones need --pose_model pose_landmarker.task"
)


@dataclass(frozen=True)
class MediaPipe:
    """See :class:`~ctrgcn_plugin.pose.estimator.Estimator`.

    Attributes:
        python: that has mediapipe.
        model: a ``pose_landmarker.task``; by default the weights in mediapipe's wheel.
        persons: how many to look for.
    """

    python: str = ""
    model: Optional[Path] = None
    persons: int = 1
    name: str = "mediapipe"
    layout: str = format.LAYOUT
    world: str = format.METRES

    def recorded(self, video: Path, keep: Optional[Path] = None) -> Recorded:
        layout = layouts.get(self.layout)
        results = self._results(video)
        where = f"clip {video}"
        opening = next(results)
        header = format.header_of(opening, where)
        poses: list[Pose] = []
        with ExitStack() as stack:
            file = stack.enter_context(replacing(keep)) if keep else None
            if file:
                file.write(json.dumps(opening)[:-1].encode() + b', "frames": [')
            bar = terminal.progress(results, total=opening.get("count"), unit="frame", text=video.name)
            for frame, result in enumerate(bar):
                poses += format.poses_in(result, frame, header.size or (1, 1), layout, f"{video}, frame {frame}")
                if file:
                    file.write((b",\n" if frame else b"\n") + json.dumps(result).encode())
            if file:
                file.write(b"\n]}\n")
        return Recorded(poses, header.rate)

    def _results(self, video: Path) -> Iterator[dict[str, Any]]:
        if self.model and not self.model.is_file():
            raise ConfigError(f"no weights at {self.model}; give a pose_landmarker.task")
        arguments = [str(video), "--persons", str(self.persons)]
        arguments += ["--model", str(self.model)] if self.model else []
        return process.results(SCRIPT, arguments, python=self.python, install=INSTALL)


estimator = MediaPipe
