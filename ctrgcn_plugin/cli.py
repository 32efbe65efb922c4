"""The command ``ctrgcn``. Each subcommand is a thin call into the package; nothing heavy is imported to show help."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Optional

from ctrgcn_plugin import __version__
from ctrgcn_plugin.data.prepare.formats import FORMATS
from ctrgcn_plugin.errors import UserError

RECIPE = "configs/recognition/ctrgcn/ctrgcn_light_v2_ntucs_joint_aug.yaml"

Handler = Callable[[argparse.Namespace], int]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command line; the exit status."""
    options = parser().parse_args(arguments)
    try:
        return options.handler(options)
    except UserError as error:
        sys.stderr.write(f"ctrgcn: error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read our output has seen enough
        sys.stderr.close()
        return 0


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser("ctrgcn", description="Lightweight CTR-GCN models for stock PaddleVideo.")
    top.add_argument("--version", action="version", version=f"ctrgcn-plugin {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, handler: Handler, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(handler=handler)
        return sub

    sub = command("quickstart", _quickstart, "Make data, train, test, export and predict, once, on this machine.")
    sub.add_argument("--dir", type=Path, default=Path("quickstart"), help="work folder (default: %(default)s)")
    sub.add_argument("--paddlevideo", type=Path, help="your own PaddleVideo folder (default: PyPI's, unpacked)")
    sub.add_argument("--seed", type=int, default=1234)
    sub.add_argument("--epochs", type=int, help="passes over the training clips")

    sub = command("run", _run, "Run a script of PaddleVideo with the plugins loaded, where the start-up hook does not.")
    sub.add_argument("script", type=Path, help="main.py, tools/export_model.py, ...")
    sub.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")

    sub = command("prepare", _prepare, "Turn a data set's own files into what PaddleVideo's SkeletonDataset reads.")
    formats = sub.add_subparsers(metavar="FORMAT", required=True)
    for name, format_ in FORMATS.items():
        sub = formats.add_parser(name, help=format_.text, description=f"Prepare {format_.text}.")
        sub.set_defaults(handler=_prepare, format=name)
        sub.add_argument("raw", type=Path, metavar="RAW", help=format_.raw)
        sub.add_argument("out", type=Path, metavar="OUT_DIR", help="gets a folder for each protocol, and report.csv")
        own = [sub.add_argument(option.flag, **option.settings).dest for option in format_.options]
        sub.set_defaults(own=own)
        sub.add_argument("--workers", type=int, help="processes (default: as many as there are cores)")

    sub = command("data", _data, "Look at prepared data before training on them.")
    actions = sub.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="report what would spoil a training")
    check.add_argument("dir", type=Path, help="prepared data: a folder with train_data.npy, or with such folders")
    check.add_argument("--layout", metavar="NAME|FILE.yaml", help="default: what prepare has noted, else by the shape")
    check.add_argument("--json", action="store_true", help="the same for programs")
    check.add_argument(
        "--fix", type=Path, metavar="OUT_DIR", help="write them there with gaps filled and hopeless clips left out"
    )

    sub = command("configure", _configure, "Write a config that trains a shipped recipe's model on prepared data.")
    sub.add_argument("data", type=Path, help="folder that prepare has written")
    sub.add_argument("output", type=Path, metavar="CONFIG.yaml", help="config to write")
    sub.add_argument("-c", "--config", default=RECIPE, help="recipe (default: %(default)s)")
    sub.add_argument("--protocol", default="", help="of the data (default: its only one)")
    sub.add_argument("--stream", default="joint", help="joint, bone, motion or bone_motion (default: %(default)s)")
    sub.add_argument("--width", type=_positive, metavar="N", help="base_channel (default: the recipe's)")
    sub.add_argument("--epochs", type=_positive, metavar="N", help="over the clips (default: the recipe's)")

    sub = command("ensemble", _ensemble, "Fuse the scores that several streams' tests have saved.")
    sub.add_argument("scores", nargs="+", metavar="FILE.npz", help="one for each stream, of the same clips")
    sub.add_argument("--weights", type=float, nargs="+", metavar="W", help="one for each file (default: 1 each)")
    sub.add_argument("--raw", action="store_true", help="sum scores before softmax, as CTR-GCN's own script")
    sub.add_argument("--json", action="store_true", help="the same for programs")
    sub.add_argument("-o", "--output", type=Path, metavar="FILE.npz", help="save the fused scores")

    sub = command("export", _export, "Export a trained model for deployment, proven against the model it came from.")
    sub.add_argument("-c", "--config", required=True, help="config file, yours or a shipped one")
    sub.add_argument("-p", "--pretrained_params", required=True, help="checkpoint (.pdparams, .safetensors, .onnx)")
    sub.add_argument("-o", "--output_path", type=Path, default=Path("inference"), help="folder (default: %(default)s)")
    sub.add_argument("--save_name", help="name of the files (default: the config's model_name)")
    sub.add_argument("--override", action="append", default=[], metavar="KEY=VALUE", help="change a config value")
    sub.add_argument(
        "--style",
        default="fused",
        choices=("plain", "minimal", "fused"),
        help="the layers behind upstream's interface, without it, or what exact algebra makes of them (the default)",
    )
    sub.add_argument("--format", choices=("paddle", "onnx"), help="default: the engine's, else paddle")
    sub.add_argument(
        "--engine",
        choices=("paddle", "paddle-openvino", "onnxruntime"),
        help="that the files are made for (default: paddle, or onnxruntime for format onnx)",
    )
    sub.add_argument("--precision", default="fp32", choices=("fp32", "fp16"), help="that weights are stored in")
    sub.add_argument("--pdmodel", action="store_true", help="write .pdmodel, also where Paddle's own format is .json")
    sub.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="ENGINE/HOW",
        help="engine setting in which the model must be right (default: all of the engine)",
    )
    sub.add_argument("--clips", nargs="+", default=[], help="your own clips to compare on, besides made ones")

    sub = command("predict", _predict, "Predict the actions of clips with an exported model.")
    sub.add_argument("-m", "--model", required=True, help="folder of an exported model, or its model file")
    sub.add_argument(
        "-i", "--input", nargs="+", required=True, help="clips (.npy, .skeleton), folders or lists (.txt) of them"
    )
    sub.add_argument(
        "-e",
        "--engine",
        default="auto",
        choices=("auto", "paddle", "paddle-openvino", "onnxruntime"),
        help="default: the fastest one here that is right",
    )
    sub.add_argument("-t", "--threads", type=int, default=1, help="of the CPU, for one run (default: %(default)s)")
    sub.add_argument("-k", "--top_k", type=int, default=5)
    sub.add_argument("-b", "--batch_size", type=int, default=1)
    sub.add_argument("--json", action="store_true", help="one JSON object a line")

    sub = command("benchmark", _benchmark, "Measure exported models against each other, each in any engine's settings.")
    sub.add_argument("models", nargs="+", metavar="MODEL", help="[NAME=] model file or its folder; foreign ones, too")
    sub.add_argument(
        "--setting",
        nargs="+",
        default=[],
        metavar="ENGINE/HOW",
        help="default: all that are right for a model, or take its format where it has no card",
    )
    sub.add_argument("--threads", type=int, nargs="+", default=[1], metavar="N", help="of the CPU (default: 1)")
    sub.add_argument("--batch", type=int, nargs="+", default=[1], metavar="N", help="clips in a run (default: 1)")
    sub.add_argument("--persons", type=int, nargs="+", default=[], metavar="N", help="in a clip (default: all)")
    sub.add_argument("--rounds", type=int, default=20, help="timed runs of each case (default: %(default)s)")
    sub.add_argument("--baseline", default="", metavar="CASE", help="to compare with, or how its name begins")
    sub.add_argument("--reference", default="", metavar="MODEL", help="with a card, has the weights of foreign ones")
    sub.add_argument(
        "--accuracy", nargs="+", default=[], metavar="NAME=PERCENT", help="of the models; the plot shows it, not size"
    )
    sub.add_argument("--csv", type=Path, metavar="FILE", help="write the table there, too")
    sub.add_argument("--json", type=Path, metavar="FILE", help="with all times, the machine and the versions")
    sub.add_argument("--plot", type=Path, metavar="FILE.png")

    sub = command(
        "tipc", _tipc, "Run upstream's train-infer-python chain with its own scripts, and judge it by numbers."
    )
    sub.add_argument("models", nargs="*", metavar="MODEL", help="one or more, or all; without any, they are listed")
    sub.add_argument("--chain", nargs="+", default=["train_infer_python"], metavar="NAME", help="default: %(default)s")
    sub.add_argument("--config", type=Path, metavar="FILE.txt", help="a TIPC config of your own instead of a model's")
    sub.add_argument("--mode", default="", help="lite_train_lite_infer, whole_infer, ... (default: the chain's first)")
    sub.add_argument("--paddlevideo", type=Path, help="git checkout of PaddleVideo (default: the one that is used)")
    sub.add_argument("--weights", type=Path, help="for a chain that trains nothing (default: fixed, untrained ones)")
    sub.add_argument("--tolerance", type=float, default=1e-3, help="of scores, relative above 1 (default: %(default)s)")
    sub.add_argument("--junit", type=Path, metavar="FILE.xml", help="default: in PaddleVideo's test_tipc/output")
    sub.add_argument("--prepare", action="store_true", help="place configs, data and weights, and run nothing")

    command("configs", _configs, "List the configs that the plugin ships.")

    sub = command("doctor", _doctor, "Say what a run of PaddleVideo meets here, and whether anything would spoil it.")
    sub.add_argument("dir", nargs="?", type=Path, help="PaddleVideo folder (default: the one that is used)")
    sub.add_argument("--json", action="store_true", help="the same for programs")

    sub = command("patch", _patch, "Apply the patches for upstream's faults to a PaddleVideo, or take them back.")
    sub.add_argument(
        "dir", type=Path, help="PaddleVideo folder: a git checkout without changes, or PyPI's distribution"
    )
    sub.add_argument("names", nargs="*", metavar="PATCH", help="number or name (default: all that fit)")
    instead = sub.add_mutually_exclusive_group()
    instead.add_argument("--undo", action="store_true", help="take them back")
    instead.add_argument("--list", action="store_true", help="say which are in place, and which fit")

    sub = command("upstream", _upstream, "Get a stock PaddleVideo, or say which one is used.")
    actions = sub.add_subparsers(dest="action", required=True)
    get = actions.add_parser("get", help="put one into the user's cache")
    get.add_argument("--from", dest="source", metavar="GIT_URL_OR_DIR", help="default: upstream's address, else PyPI")
    get.add_argument("--ref", default=None, help="commit, branch or tag (default: the one all tests are made with)")
    actions.add_parser("where", help="print the folder of the one that is used")
    return top


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _quickstart(options: argparse.Namespace) -> int:
    from ctrgcn_plugin import quickstart

    quickstart.run(options.dir, options.paddlevideo, options.seed, options.epochs)
    return 0


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.upstream import running

    running.run_here(options.script, options.arguments)
    return 0


def _prepare(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.data.prepare import run

    source = FORMATS[options.format].source(options.raw, {name: getattr(options, name) for name in options.own})
    outcome = run.prepare(source, options.out, workers=options.workers)
    print("\n".join(outcome.lines()))
    return 0


def _data(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.data import check

    report = check.check(options.dir, layout=options.layout, fixed=options.fix)
    print(report.as_json() if options.json else "\n".join(report.lines()))
    return 1 if report.problems else 0


def _configure(options: argparse.Namespace) -> int:
    from ctrgcn_plugin import fitting

    config, header = fitting.fit(
        options.config, options.data, options.protocol, options.stream, options.width, options.epochs
    )
    fitting.write(config, header, options.output)
    print(f"{options.output}: {config['model_name']}; train with: python main.py --validate -c {options.output}")
    return 0


def _ensemble(options: argparse.Namespace) -> int:
    from ctrgcn_plugin import ensemble

    fused = ensemble.fuse(options.scores, options.weights, raw=options.raw)
    if options.output:
        fused.save(options.output)
    print(fused.as_json() if options.json else "\n".join(fused.lines()))
    return 0


def _export(options: argparse.Namespace) -> int:
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
    )
    card, files = exported.card, exported.files
    size = sum(file.stat().st_size for file in files) / 1e6
    print(f"{card.backbone}, {card.parameters:,} parameters, {size:.2f} MB: {', '.join(map(str, files))}")
    for setting, error in card.verified.items():
        print(f"equal to the trained model within {error:.1e} in {setting}")
    for setting, reason in exported.wrong.items():
        print(f"not for {setting}: {reason}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.data.clips import clip_files
    from ctrgcn_plugin.deploy.predictor import Predictor

    clips = clip_files(options.input)
    predictor = Predictor(options.model, engine=options.engine, threads=options.threads)
    for prediction in predictor.stream(clips, batch_size=options.batch_size):
        top = prediction.top(options.top_k)
        if options.json:
            answers = [{"class": index, "probability": round(probability, 6)} for index, probability in top]
            print(json.dumps({"clip": prediction.source, "top": answers}))
        else:
            print(prediction.source)
            for index, probability in top:
                print(f"    class {index:3d}   {probability:7.4f}")
    return 0


def _benchmark(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.benchmark import measuring
    from ctrgcn_plugin.benchmark.plan import Plan

    plan = Plan(
        options.models,
        settings=options.setting,
        threads=options.threads,
        batches=options.batch,
        persons=options.persons,
        rounds=options.rounds,
        baseline=options.baseline,
        reference=options.reference,
        accuracy=options.accuracy,
    )
    return measuring.run(plan, measuring.Outputs(options.csv, options.json, options.plot))


def _tipc(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.tipc import session

    if not options.models and not options.config:
        print("\n".join(session.listing(options.paddlevideo)))
        return 0
    return session.run(
        session.Request(
            models=options.models,
            chains=options.chain,
            config=options.config,
            mode=options.mode,
            paddlevideo=options.paddlevideo,
            weights=options.weights,
            tolerance=options.tolerance,
            junit=options.junit,
            only_prepare=options.prepare,
        )
    )


def _configs(_: argparse.Namespace) -> int:
    from ctrgcn_plugin import configs

    print("\n".join(configs.shipped()))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.upstream import doctor, locate

    report = doctor.examine(locate.find(options.dir))
    print(doctor.as_json(report) if options.json else "\n".join(doctor.lines(report)))
    return 1 if report.problems else 0


def _patch(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.upstream import locate, patches

    root = locate.find(options.dir).root
    if options.list:
        for patch, state in patches.states(root, options.names):
            print(f"{state:14} {patch}  {patch.subject}")
        return 0
    if options.undo:
        back = patches.take_back(root, options.names)
        print("\n".join(f"taken back  {patch}" for patch in back))
        return 0
    outcome = patches.apply(root, options.names)
    for patch in outcome.fits:
        print(f"applied  {patch}  {patch.subject}")
    for patch, reason in outcome.others.items():
        print(f"does not fit  {patch}: {reason}")
    return 0


def _upstream(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.upstream import fetch, locate

    if options.action == "where":
        print(locate.find().root)
    else:
        print(fetch.get(options.source, options.ref or fetch.REF).root)
    return 0
