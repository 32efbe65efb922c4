"""``to_static=True``: Paddle traces through what the run-time fixes have put into upstream, and computes the same.

Paddle compiles a network of these for half a minute: CTRGCNLite, which nobody can train so without the fix
``static-sizes``, is always tested, the others and mutual learning where ``EVERY_MODEL`` is set.
"""

from __future__ import annotations

import os
import re

import numpy as np
import pytest

FOLDER = "configs/recognition/ctrgcn"
LOSS = re.compile(r"train step:\d+\s+loss: (\S+)")
MODELS = ("CTRGCNLite", "CTRGCN", "CTRGCN_light", "CTRGCN_lightV2")
# what is trained -> its config, and what is changed in it
RECIPES = {
    **{model: ("ctrgcn_light_ntucs_joint", {"MODEL.backbone.name": model}) for model in MODELS},
    "mutual learning": ("ctrgcn_light_v2_ntucs_joint_dml", {}),
}
# what the log prints, of sums that a compiled network may add up in another order
TOLERANCE = 1e-4


@pytest.mark.parametrize("recipe", RECIPES if os.environ.get("EVERY_MODEL") else MODELS[:1])
def test_static_training_has_the_losses_of_dynamic(recipe, ppvideo_root, small, narrow, python, tmp_path):
    """The second loss is of weights that the first step has changed. Nothing is set but ``to_static``."""
    config, changes = RECIPES[recipe]
    options = [*small, *narrow(config, **{"log_interval": 1, **changes})]
    losses = {}
    for static in (False, True):
        work = tmp_path / str(static)
        work.mkdir()
        arguments = ["-c", f"{FOLDER}/{config}.yaml", *options, "-o", f"to_static={static}"]
        result = python([ppvideo_root / "main.py", *arguments], work)
        assert result.returncode == 0, result.stdout[-3000:]
        assert ("Successfully to apply @to_static" in result.stdout) is static
        plain = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
        losses[static] = [float(loss) for loss in LOSS.findall(plain)]
    assert len(losses[True]) == 2
    np.testing.assert_allclose(losses[True], losses[False], rtol=TOLERANCE)
