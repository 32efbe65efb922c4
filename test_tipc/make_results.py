"""Writes the reference results beside this file: what each network says of upstream's example clip with fixed weights.

    python test_tipc/make_results.py PADDLEVIDEO    # a checkout, for its configs and its clip

They are the networks' own answers, computed in dynamic mode, in the form that upstream's compare_results.py reads.
Engines that store weights in half the bits are compared with the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from make_configs import CLIP, HERE, RECIPES

from ctrgcn_plugin import configs
from ctrgcn_plugin.data.clips import read
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.deploy.trained import sampling
from ctrgcn_plugin.models.network import build_network
from ctrgcn_plugin.tipc import fixed
from ctrgcn_plugin.tipc.reference import find_config


def answer(root: Path, config_name: str) -> tuple[int, float]:
    """The likeliest class of the example and its probability."""
    import paddle

    config = configs.load(find_config(root, config_name))
    network = build_network(config["MODEL"])
    fixed.fill(network)
    clip_shape = network.backbone.clip_shape
    x = centre_crop_resample(read(root / CLIP, clip_shape), *sampling(config["INFERENCE"], clip_shape))
    scores = network(paddle.to_tensor(x[None])).numpy()[0].astype(np.float64)
    probabilities = np.exp(scores - scores.max())
    return int(scores.argmax()), float(probabilities.max() / probabilities.sum())


def main() -> int:
    """Write two files for each model."""
    root = Path(sys.argv[1])
    for model, recipe in {recipe.model: recipe for recipe in reversed(RECIPES)}.items():
        top, score = answer(root, recipe.config)
        text = f"Current video file: {CLIP}\n\ttop-1 class: {top}\n\ttop-1 score: {score:.8f}\n"
        for precision in ("fp32", "fp16"):
            file = HERE / "results" / model / f"python_ppvideo_{model}_results_{precision}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
