"""What an estimator is: a thing that knows where the joints of everybody in a video are."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Protocol

from ctrgcn_plugin.data.sources.poses import Recorded


class Estimator(Protocol):
    """A pose estimator, ready to run.

    Attributes:
        name: key in the table of estimators.
        layout: name of the skeleton layout that its joints have.
        world: unit of its 3-D joints; empty for one that finds joints in the picture alone. Those are in pixels,
            with a confidence each.
    """

    @property
    def name(self) -> str: ...

    @property
    def layout(self) -> str: ...

    @property
    def world(self) -> str: ...

    def recorded(self, video: Path, keep: Optional[Path] = None) -> Recorded:
        """Everybody in a video.

        Args:
            video: a file that the estimator's own reader of videos can read.
            keep: a file that gets the keypoints, in a form that can be read in place of the video.

        Raises:
            ClipError: the video cannot be read.
            EnvironmentSetupError: the estimator cannot run; one line says what to install.
        """
