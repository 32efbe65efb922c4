"""``ctrgcn convert``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command

# keys without a match, unless asked for all
SHOWN = 12


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("input", type=Path, help="checkpoint (.pt, .pth, .pdparams, .safetensors, .onnx)")
    add(
        "output",
        type=Path,
        nargs="?",
        help="file to write (.pdparams, .safetensors, .pt, .pth); without it, only what would be done is told",
    )
    add("-c", "--config", help="of the network (default: it is read off the keys and shapes)")
    add(
        "--form",
        choices=("paddle", "original", "pyskl", "mmaction2"),
        help="whose names the output has (default: paddle; for .pt and .pth the input's, or that of its network)",
    )
    add(
        "--leave_out",
        action="append",
        default=[],
        metavar="KEYS",
        help="leave out the keys that begin so, as head, to train for other classes",
    )
    add(
        "--for_training", action="store_true", help="convert also what will answer otherwise, as a start for a training"
    )


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.environment import require_paddle

    require_paddle()
    from ctrgcn_plugin.convert import conversion, writing
    from ctrgcn_plugin.convert.forms import PADDLE

    if options.output:
        writing.writer_of(options.output)  # before anything is read
    held = conversion.hold(options.input, options.config, options.leave_out)
    form = held.form_for(options.output, options.form)
    shown = SHOWN if terminal.level < terminal.Level.VERBOSE else sys.maxsize
    for line in held.lines(shown):
        terminal.say(line)
    for key in held.fit.matched:
        terminal.detail(f"{held.names.get(key, key)} -> {key} {list(held.given[key].shape)}")
    held.require(form, options.for_training)
    if options.output:
        held.write(options.output, form)
        terminal.say(f"{options.output}: {len(held.fit.matched)} keys in form {form.name}")
        if form is PADDLE:
            terminal.say(f"a config for it has MODEL.backbone.name: {held.backbone}")
    return 0


COMMAND = Command(
    "convert",
    "convert checkpoints from and to PyTorch and safetensors",
    _arguments,
    _run,
    "ctrgcn convert output/CTRGCN_lightV2_quickstart/CTRGCN_lightV2_quickstart_best.pdparams weights.safetensors",
    "Reads the names of the original CTR-GCN, of pyskl and of mmaction2, and runs no code that a file brings.",
)
