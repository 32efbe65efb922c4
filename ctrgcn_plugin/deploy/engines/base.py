"""What every inference engine is to the rest."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ctrgcn_plugin.errors import UserError


class EngineError(UserError):
    """An engine is not installed, or an exported model is unreadable or does not run."""


class Engine(Protocol):
    """An exported model, loaded."""

    def run(self, x: np.ndarray) -> np.ndarray:
        """Clips (N, C, T, V, M) float32 -> scores (N, K) float32. May be called from several threads."""
