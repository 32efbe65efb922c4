"""``ctrgcn visualize``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command, positive

FILE = "clip (.npy, .skeleton, or keypoints), or row of prepared data: 'val_data.npy#17'"


def _arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    for name, text, arguments, draw in (
        ("clip", "skeletons in motion: a page that plays them, a GIF, a film, or a strip of frames", _of_clip, _clip),
        ("topology", "the graph that a network has learned, for a clip", _of_topology, _topology),
    ):
        sub = kinds.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        arguments(sub)
        sub.set_defaults(draw=draw)


def _of_clip(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("clips", nargs="+", metavar="FILE", help=FILE)
    add(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="what to write, ending in .html, .gif, .mp4 or .png (default: a page named after the first clip); "
        "of several clips a page shows all, else each gets a file: OUT_1, OUT_2, ...",
    )
    add("-m", "--model", help="exported model, whose answer is put into the title")
    _about_clips(parser)
    add(
        "--names",
        metavar="SET|FILE",
        help="of the classes: ntu60, ..., or a .txt (default: the model's, or the data's)",
    )
    add("--label", metavar="TRUE", help="what the clips show (default: what the label file beside the data says)")
    add("--unit", help='of the coordinates; in "pixels" and "half images" y points down (default: what a card says)')
    add("--fps", type=float, default=30.0, metavar="N", help="frames of the clip in a second (default: %(default)g)")
    add("--frames", type=positive, metavar="N", help="draw at most so many (default: 8 in .png, 100 in .gif, else all)")
    add("--importance", action="store_true", help="colour joints by how much they matter to the network of -c and -p")
    add("--by", choices=("topology", "occlusion"), default="topology", help="how that is found (default: %(default)s)")
    add("-c", "--config", help="its config")
    add("-p", "--pretrained_params", metavar="WEIGHTS", help="its checkpoint")


def _of_topology(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("clips", nargs=1, metavar="FILE", help=FILE)
    add("-c", "--config", required=True, help="config of the network")
    add("-p", "--pretrained_params", required=True, metavar="WEIGHTS", help="its checkpoint")
    add("-o", "--output", type=Path, default=Path("topology.png"), metavar="OUT.png", help="default: %(default)s")
    _about_clips(parser)
    add("--block", metavar="NAME", help="of the network, as l1 (default: the one that depends most on the clip)")
    add("--channels", type=positive, default=3, metavar="N", help="how many to show (default: %(default)s)")


def _about_clips(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--row", metavar="N|NAME", help="of prepared data, from 0, for a FILE that does not say it")
    parser.add_argument("--layout", metavar="NAME|FILE.yaml", help="default: what a card says, else by the joints")


def _run(options: argparse.Namespace) -> int:
    for path in options.draw(options):
        terminal.say(str(path))
    return 0


def _clip(options: argparse.Namespace) -> list[Path]:
    from ctrgcn_plugin.drawing import showing

    return showing.show_clips(
        options.clips,
        options.output,
        showing.Wishes(
            row=options.row,
            layout=options.layout,
            unit=options.unit,
            label=options.label,
            names=options.names,
            model=options.model,
            config=options.config,
            weights=options.pretrained_params,
            importance=options.by if options.importance else "",
            fps=options.fps,
            frames=options.frames,
        ),
    )


def _topology(options: argparse.Namespace) -> list[Path]:
    from ctrgcn_plugin.drawing import showing

    return showing.show_topology(
        options.clips[0],
        options.output,
        showing.Wishes(
            row=options.row, layout=options.layout, config=options.config, weights=options.pretrained_params
        ),
        options.block,
        options.channels,
    )


COMMAND = Command(
    "visualize",
    "draw clips as skeletons, and what a network has learned of them",
    _arguments,
    _run,
    "ctrgcn visualize clip clip.npy -m inference\nctrgcn visualize clip 'data/xsub/val_data.npy#3' -o clip.gif",
)
