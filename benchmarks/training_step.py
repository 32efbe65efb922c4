"""What a training step costs on a CPU: our models, their plain forms, and upstream's CTRGCN.

The plain form of a model is the same model with the same parameters, computed in the order of its
authors' code by Paddle's own layers. Forms are trained in turn, one step each, so that whatever
else the machine does meets all alike. Beside the steps' medians stand the ratios within a round.
A step is forward, loss, backward and SGD with momentum; with --evaluation it is the forward pass of a
validation.

    PADDLEVIDEO_ROOT=... python benchmarks/training_step.py --json benchmarks/results/training_step.json

Upstream's CTRGCN is left out where there is no PaddleVideo. Threads are what OMP_NUM_THREADS says,
and one without it: Paddle's own default.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np
import paddle
from paddle import nn

from ctrgcn_plugin.benchmark import machines
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.models import backbones, operations, units
from ctrgcn_plugin.models.heads import CTRGCNMixupHead
from ctrgcn_plugin.upstream import locate
from ctrgcn_plugin.upstream.fixes.fix import SWITCH

BASE_CHANNELS = {"CTRGCN": 64, "CTRGCNLite": 64, "CTRGCN_light": 60, "CTRGCN_lightV2": 62}
CLASSES = 60
BATCH = 16


ORDER = ("median", "quartile_1", "quartile_3")


class Shape(NamedTuple):
    """What a clip is: frames, joints, persons."""

    frames: int
    joints: int
    persons: int


SHAPES = {"NTU RGB+D": Shape(64, 25, 2), "NW-UCLA": Shape(52, 20, 1)}


class PlainSubsetCTRGC(units.SubsetCTRGC):
    """As the authors' code computes it: convolutions, then the mean; one matmul for each subset."""

    def forward(self, x: paddle.Tensor, subsets: paddle.Tensor, alpha: paddle.Tensor) -> paddle.Tensor:
        y = None
        for i, conv in enumerate(self):
            relation = relate(conv.conv1(x), conv.conv2(x))
            z = aggregate(conv.conv4(relation) * alpha + subsets[i].unsqueeze([0, 1]), conv.conv3(x))
            y = z if y is None else z + y
        return y


class PlainMergedCTRGC(units.MergedCTRGC):
    """The same from one convolution's sections (CTRGCN_lightV2)."""

    def forward(self, x: paddle.Tensor, subsets: paddle.Tensor, alpha: paddle.Tensor) -> paddle.Tensor:
        query, key, *features = paddle.split(self.conv1(x), self.sections, axis=1)
        relation, y = relate(query, key), None
        for i, lift in enumerate(self.conv2):
            z = aggregate(lift(relation) * alpha + subsets[i].unsqueeze([0, 1]), features[i])
            y = z if y is None else z + y
        return y


def relate(query: paddle.Tensor, key: paddle.Tensor) -> paddle.Tensor:
    """(B, R, T, V), (B, R, T, V) -> (B, R, V, V)."""
    return paddle.tanh(query.mean(-2).unsqueeze(-1) - key.mean(-2).unsqueeze(-2))


def aggregate(topology: paddle.Tensor, features: paddle.Tensor) -> paddle.Tensor:
    """(B, C, V, V), (B, C, T, V) -> (B, C, T, V)."""
    return paddle.matmul(features, topology.transpose([0, 1, 3, 2]))


PLAIN = {operations.Conv2D: nn.Conv2D, units.SubsetCTRGC: PlainSubsetCTRGC, units.MergedCTRGC: PlainMergedCTRGC}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7, help="steps of each form (default: 7)")
    parser.add_argument("--models", nargs="+", choices=BASE_CHANNELS, default=list(BASE_CHANNELS), metavar="NAME")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES), metavar="NAME")
    parser.add_argument("--evaluation", action="store_true", help="evaluate in place of training")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    options = parser.parse_args()
    stock = upstream()
    what = "an evaluation" if options.evaluation else "a training step"
    result = {
        "what": f"seconds of {what}, batch {BATCH}, forms in turn",
        "command": " ".join(["python", "benchmarks/training_step.py", *described(options)]),
        "python": platform.python_version(),
        "paddle": paddle.__version__,
        "numpy": np.__version__,
        **machines.describe(),
        "rounds": options.rounds,
        "steps": [],
    }
    print(f"{result['cpu']}, {result['cores']} cores, Paddle {result['paddle']}, {result['variables']}")
    for shape in options.shapes:
        for name in options.models:
            row = {
                "model": name,
                "shape": shape,
                **SHAPES[shape]._asdict(),
                **measure(name, shape, stock, options),
            }
            result["steps"].append(row)
            print(describe(row), flush=True)
            if options.json:
                options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(name: str, shape: str, stock: Optional[type], options: argparse.Namespace) -> dict[str, dict]:
    """Every form's steps at one shape."""
    make = evaluation if options.evaluation else step
    steps = {form: make(net, SHAPES[shape]) for form, net in forms(name, SHAPES[shape], stock).items()}
    seconds: dict[str, list[float]] = {form: [] for form in steps}
    for number in range(-1, options.rounds):
        for form, train in steps.items():
            before = time.perf_counter()
            train()
            # the first round only warms up
            if number >= 0:
                seconds[form].append(time.perf_counter() - before)
    return {form: summary(values, seconds["ours"]) for form, values in seconds.items()}


def forms(name: str, shape: Shape, stock: Optional[type]) -> dict[str, nn.Layer]:
    """The model in all its forms, on the same parameters."""
    options = {"base_channel": BASE_CHANNELS[name], "num_person": shape.persons}
    ours = getattr(backbones, name)(**options)
    plain = copy.deepcopy(ours)
    for layer in plain.sublayers():
        layer.__class__ = PLAIN.get(type(layer), type(layer))
    found = {"ours": ours, "plain": plain}
    if stock is not None and name == "CTRGCN":
        found["upstream"] = stock(**options)
        found["upstream"].set_state_dict(ours.state_dict())
    for net in found.values():
        keep_joints(net, shape)
    return found


def keep_joints(net: nn.Layer, shape: Shape) -> None:
    """Cut a network down to its graph's first joints, in place of a layout that has so many."""
    net.clip_shape = (3, shape.joints, shape.persons)
    net.data_bn = nn.BatchNorm1D(shape.persons * 3 * shape.joints)
    for layer in net.sublayers():
        if hasattr(layer, "PA"):
            cut = layer.PA[:, : shape.joints, : shape.joints].numpy()
            layer.PA = layer.create_parameter(cut.shape, default_initializer=nn.initializer.Assign(cut))


def step(net: nn.Layer, shape: Shape) -> Callable[[], None]:
    """What trains `net` by one step."""
    net.train()
    head = CTRGCNMixupHead(in_channels=net.base_channel, num_classes=CLASSES)
    paddle.seed(0)
    clips = paddle.randn([BATCH, 3, shape.frames, shape.joints, shape.persons])
    labels = (paddle.arange(BATCH).unsqueeze(-1),)
    optimizer = paddle.optimizer.Momentum(
        0.01, parameters=[*net.parameters(), *head.parameters()], use_nesterov=True, weight_decay=4e-4
    )

    def train() -> None:
        head.loss(head(net(clips)), labels)["loss"].backward()
        optimizer.step()
        optimizer.clear_grad()

    return train


def evaluation(net: nn.Layer, shape: Shape) -> Callable[[], None]:
    """What has `net` look at a batch."""
    net.eval()
    clips = paddle.randn([BATCH, 3, shape.frames, shape.joints, shape.persons])

    def evaluate() -> None:
        with paddle.no_grad():
            net(clips)

    return evaluate


def upstream() -> Optional[type]:
    """Upstream's CTRGCN as it is, if there is a PaddleVideo."""
    # of this package's cures only those that let it be imported
    os.environ[SWITCH] = "onednn-matmul,ctrgcn-initialisation,ctrgcn-training-cost"
    try:
        sys.path.insert(0, str(locate.find().root))
        return importlib.import_module("paddlevideo.modeling.backbones.ctrgcn").CTRGCN
    except (UserError, ImportError) as error:
        print(f"without upstream's CTRGCN: {error}", file=sys.stderr)
        return None


def summary(seconds: list[float], ours: list[float]) -> dict[str, float]:
    """Median and quartiles of a form's seconds, and of how many times ours they are within a round."""
    result = {}
    for prefix, values in (("", seconds), ("over_ours_", [its / our for its, our in zip(seconds, ours)])):
        for what, value in zip(
            ("quartile_1", "median", "quartile_3"), statistics.quantiles(values, n=4, method="inclusive")
        ):
            result[prefix + what] = round(value, 3)
    return result


def described(options: argparse.Namespace) -> list[str]:
    """The options that a run was made with, but for where its result went."""
    return [
        *("--rounds", str(options.rounds)),
        *("--models", *options.models),
        *("--shapes", *(f"'{shape}'" if " " in shape else shape for shape in options.shapes)),
        *(["--evaluation"] if options.evaluation else []),
    ]


def describe(row: dict) -> str:
    """A row, for people."""
    lines = [
        f"{row['model']}, {row['shape']}: {row['frames']} frames, {row['joints']} joints, {row['persons']} persons"
    ]
    for form in (form for form in ("ours", "plain", "upstream") if form in row):
        values = row[form]
        lines.append(
            "  {:9}{:7.2f} s, quartiles {:.2f} and {:.2f}; {:.2f} x ours, quartiles {:.2f} and {:.2f}".format(
                form,
                *(values[prefix + what] for prefix in ("", "over_ours_") for what in ORDER),
            )
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
