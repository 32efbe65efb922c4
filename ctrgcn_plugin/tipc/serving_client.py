"""Asks a Paddle Serving server for the action of one clip: the client of upstream's ``test_serving_infer_cpp.sh``.

    python -m ctrgcn_plugin.tipc.serving_client --network CONFIG -n NAME -c CLIENT_CONF.prototxt --input_file CLIP

That script starts the server and gives the last three options. Upstream's own client knows two models, for videos.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ctrgcn_plugin import configs
from ctrgcn_plugin.data.clips import read
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.deploy.trained import sampling
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError
from ctrgcn_plugin.models.network import build_network

# the names of the exported model's input, and of its output after test_serving_infer_cpp.sh has changed it
INPUT, OUTPUT = "data_batch_0", "outputs"


def feed(config: Mapping[str, Any], clip: Path) -> dict[str, np.ndarray]:
    """What the server is sent: the clip as the network of a config takes it, (1, C, T, V, M)."""
    clip_shape = build_network(config["MODEL"]).backbone.clip_shape
    window_size, p = sampling(config.get("INFERENCE") or {}, clip_shape)
    return {INPUT: centre_crop_resample(read(clip, clip_shape), window_size, p)[None]}


def answer(fetched: Mapping[str, np.ndarray]) -> tuple[int, float]:
    """The likeliest class and its probability, of scores (1, K)."""
    scores = np.asarray(fetched[OUTPUT], dtype=np.float64).reshape(-1)
    probabilities = np.exp(scores - scores.max())
    return int(scores.argmax()), float(probabilities.max() / probabilities.sum())


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Print the answer as upstream's predicting scripts do."""
    parser = argparse.ArgumentParser("serving_client", description="Ask a Paddle Serving server for one clip.")
    parser.add_argument("--network", required=True, help="PaddleVideo's config of the served network")
    parser.add_argument("-n", "--name", help="of the model; the script gives it, and nothing here depends on it")
    parser.add_argument("-c", "--config", required=True, help="serving_client_conf.prototxt")
    parser.add_argument("--url", default="127.0.0.1:9993")
    parser.add_argument("--input_file", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        clip = feed(configs.load(options.network), options.input_file)
        try:
            from paddle_serving_client import Client
        except ImportError as error:
            raise EnvironmentSetupError(f"paddle-serving-client cannot be imported: {error}") from error
        client = Client()
        client.load_client_config(options.config)
        client.connect([options.url])
        top, probability = answer(client.predict(feed=clip, fetch=[OUTPUT], batch=True))
    except UserError as error:
        sys.stderr.write(f"serving_client: error: {error}\n")
        return 1
    print(f"Current video file: {options.input_file}\n\ttop-1 class: {top}\n\ttop-1 score: {probability}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
