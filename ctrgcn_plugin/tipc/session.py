"""Several chains in turn, with what came of them as tables and in one JUnit file: the command ``ctrgcn tipc``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ctrgcn_plugin import terminal
from ctrgcn_plugin.environment import require_paddle
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError, unknown
from ctrgcn_plugin.tipc import judge, preparing, results, runner
from ctrgcn_plugin.upstream import locate, running
from ctrgcn_plugin.upstream.locate import Upstream

ALL = "all"
JUNIT = "test_tipc/output/junit.xml"


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    Attributes:
        models: names, or "all".
        chains: names; with "all" models, those that a model does not have are left out.
        config: a TIPC config instead of those.
        junit: file to write, by default one in PaddleVideo's folder.
        only_prepare: run nothing.
    """

    models: Sequence[str]
    chains: Sequence[str]
    config: Optional[Path] = None
    mode: str = ""
    paddlevideo: Optional[Path] = None
    weights: Optional[Path] = None
    tolerance: float = judge.TOLERANCE
    junit: Optional[Path] = None
    only_prepare: bool = False


def listing(paddlevideo: Optional[Path] = None) -> Iterator[str]:
    """Models and their chains, a line each; an error where a PaddleVideo is named that cannot run them."""
    if paddlevideo:
        preparing.require_scripts(locate.find(paddlevideo))
    for model, chains in preparing.shipped().items():
        yield model
        yield from (f"    {chain}" for chain in chains)


def run(request: Request) -> int:
    """Run what was asked for, print what came of it; the exit status, 1 if anything failed."""
    require_paddle()
    if not running.hook_runs_at_start():
        raise EnvironmentSetupError(
            "TIPC's scripts start Python themselves, and this one does not load the plugin when it starts: "
            "install it into site-packages with pip install ctrgcn-plugin"
        )
    upstream = locate.find(request.paddlevideo)
    preparing.require_scripts(upstream)
    found = []
    for config in _configs(request, upstream):
        terminal.say("\n" + terminal.style(f"== {config}", "bold"))
        if not request.config and not preparing.is_shipped(config):
            terminal.say("    it was there, and is not the plugin's; delete it to have that")
        order = runner.Order(config, request.mode, request.weights, request.tolerance)
        if request.only_prepare:
            terminal.say(runner.prepare(order, upstream))
            continue
        result = runner.run(order, upstream, terminal.say)
        found.append(result)
        terminal.say(f"\n{results.table(result)}")
    if request.only_prepare:
        return 0
    junit = request.junit or upstream.root / JUNIT
    try:
        results.write_junit(found, junit)
    except OSError as error:
        raise UserError(f"{junit} cannot be written: {error.strerror}; give another file with --junit") from error
    failed = sum(not verdict.passed for result in found for verdict in result.verdicts)
    stages = sum(len(result.verdicts) for result in found)
    terminal.say(f"\n{stages - failed} of {stages} stages passed in {sum(r.seconds for r in found):.0f} s; {junit}")
    return 1 if failed else 0


def _configs(request: Request, upstream: Upstream) -> Iterator[Path]:
    if request.config:
        if not request.config.is_file():
            raise UserError(f"no TIPC config at {request.config}; ctrgcn tipc lists those that come with the plugin")
        yield request.config
        return
    shipped = preparing.shipped()
    models = list(shipped) if ALL in request.models else request.models
    for model in models:
        if model not in shipped:
            raise unknown("model of TIPC", model, [*shipped, ALL])
        for chain in request.chains:
            if chain in shipped[model] or ALL not in request.models:
                yield preparing.place_configs(upstream, model, chain)
