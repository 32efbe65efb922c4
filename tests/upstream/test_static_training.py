"""``to_static=True``: Paddle traces through what the run-time fixes have put into upstream, and computes the same."""

from __future__ import annotations

import re

import numpy as np

FOLDER = "configs/recognition/ctrgcn"
LOSS = re.compile(r"train step:\d+\s+loss: (\S+)")


def test_static_training_has_the_losses_of_dynamic(ppvideo_root, small, narrow, python, tmp_path):
    """Of upstream's own network, which has the most of the fixes in it; TIPC trains all of them so."""
    config = f"{FOLDER}/ctrgcn_light_ntucs_joint.yaml"
    options = [*small, *narrow("light"), "-o", "log_interval=1", "-o", "MODEL.backbone.name=CTRGCN"]
    losses = {}
    for static in (False, True):
        work = tmp_path / str(static)
        work.mkdir()
        chosen = [*options, "-o", f"to_static={static}"]
        result = python([ppvideo_root / "main.py", "-c", config, *chosen], work, SOT_ALLOW_DYNAMIC_SHAPE="False")
        assert result.returncode == 0, result.stdout[-3000:]
        assert ("Successfully to apply @to_static" in result.stdout) is static
        plain = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
        losses[static] = [float(loss) for loss in LOSS.findall(plain)]
    assert len(losses[True]) == 2
    np.testing.assert_allclose(losses[True], losses[False], rtol=1e-4)
