"""``ctrgcn export``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-c", "--config", required=True, help="config file, yours or a shipped one")
    add("-p", "--pretrained_params", required=True, help="checkpoint (.pdparams, .safetensors, .onnx, .pt, .pth)")
    add("-o", "--output_path", type=Path, default=Path("inference"), help="folder (default: %(default)s)")
    add("--save_name", help="name of the files (default: the config's model_name)")
    add("--override", action="append", default=[], metavar="KEY=VALUE", help="change a config value")
    add(
        "--style",
        default="fused",
        choices=("plain", "minimal", "fused"),
        help="the layers behind upstream's interface, without it, or what exact algebra makes of them (the default)",
    )
    add("--format", choices=("paddle", "onnx"), help="default: the engine's, else paddle")
    add(
        "--engine",
        choices=("paddle", "paddle-openvino", "onnxruntime"),
        help="that the files are made for (default: paddle, or onnxruntime for format onnx)",
    )
    add("--precision", default="fp32", choices=("fp32", "fp16"), help="that weights are stored in")
    add("--pdmodel", action="store_true", help="write .pdmodel, also where Paddle's own format is .json")
    add(
        "--setting",
        action="append",
        default=[],
        metavar="ENGINE/HOW",
        help="engine setting in which the model must be right (default: all of the engine)",
    )
    add("--clips", nargs="+", default=[], help="your own clips to compare on, besides made ones")
    add(
        "--names",
        metavar="SET|FILE",
        help="of the classes: ntu60, ntu120, nw_ucla, ... or a .txt with a name a line (default: the config's data's)",
    )


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.environment import require_paddle

    require_paddle()
    from ctrgcn_plugin.deploy.export import export
    from ctrgcn_plugin.deploy.writing import Order, engine_for

    exported = export(
        options.config,
        options.pretrained_params,
        options.output_path,
        order=Order(options.style, engine_for(options.format, options.engine), options.precision, options.pdmodel),
        save_name=options.save_name,
        overrides=options.override,
        required=options.setting,
        clips=options.clips,
        names=options.names,
    )
    card, files = exported.card, exported.files
    size = sum(file.stat().st_size for file in files) / 1e6
    terminal.say(f"{card.backbone}, {card.parameters:,} parameters, {size:.2f} MB: {', '.join(map(str, files))}")
    named = f"{card.classes} classes, {card.names[0]} to {card.names[-1]}" if card.names else "no names of its classes"
    terminal.say(f"carries {named}" + ("" if card.names else "; --names gives them"))
    for setting, error in card.verified.items():
        terminal.say(f"equal to the trained model within {error:.1e} in {setting}")
    for setting, reason in exported.wrong.items():
        terminal.say(f"not for {setting}: {reason}")
    return 0


COMMAND = Command(
    "export",
    "export a trained model, proven against it, for deployment",
    _arguments,
    _run,
    "ctrgcn export -c quickstart.yaml -p output/CTRGCN_lightV2_quickstart/CTRGCN_lightV2_quickstart_best.pdparams"
    " -o exported",
)
