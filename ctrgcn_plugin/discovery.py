"""Loads every plugin for PaddleVideo, once, at the moment when upstream's registries are complete.

A plugin is an entry point of the group ``paddlevideo.plugins`` that names a callable without
arguments. It is called once in every process; importing more of PaddleVideo inside it is safe.
``PADDLEVIDEO_PLUGINS`` set to ``0`` switches all plugins off, set to a comma-separated list of
names it allows just those.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint, distributions

from ctrgcn_plugin import import_hooks
from ctrgcn_plugin.autoload import SWITCH, UPSTREAM

GROUP = "paddlevideo.plugins"
OWN = EntryPoint("ctrgcn", "ctrgcn_plugin.plugin:register", GROUP)
OWN_LOADER = f"{UPSTREAM}.utils.plugins"  # of a PaddleVideo that loads the same entry points itself
# Each of them completes a set of registries, so after the first of them a plugin can import all registries. A git
# checkout's loader imports the metrics halfway: its classes may not be there yet when that comes first.
REGISTRIES = tuple(f"{UPSTREAM}.{name}" for name in ("modeling", "loader", "metrics", "solver"))

_begun = False
_loaded = False


def allowed(names: Iterable[str], setting: str | None) -> list[str]:
    """The plugins that the off-switch leaves on; None is an unset switch, which leaves all on."""
    if setting is None or not setting.strip():
        return list(names)
    wanted = {word.strip() for word in setting.split(",")}
    return [name for name in names if name in wanted]


def discover() -> dict[str, EntryPoint]:
    """Name -> entry point of each installed plugin; of two with one name, the first on the path.

    Our own is there even where the package was put on the path without its metadata.
    """
    plugins: dict[str, EntryPoint] = {}
    for distribution in distributions():
        try:
            points = [point for point in distribution.entry_points if point.group == GROUP]
        except Exception:
            # one malformed entry_points.txt, of whatever package, must not stop PaddleVideo
            continue
        for point in points:
            plugins.setdefault(point.name, point)
    plugins.setdefault(OWN.name, OWN)
    return plugins


def begin() -> None:
    """Called once when the import of PaddleVideo starts, or later if it is already there."""
    global _begun
    if _begun:
        return
    _begun = True
    if OWN.name in allowed([OWN.name], os.environ.get(SWITCH)):
        try:
            from ctrgcn_plugin.upstream import fixes

            fixes.attach()
        except Exception as error:
            # the plugins of others must not miss their call because of ours
            report_failure(OWN.name, OWN.value, error)
    for module in REGISTRIES:
        import_hooks.after(module, lambda _: load_plugins())


def load_plugins() -> None:
    """Call every allowed plugin; report one that fails and go on without it.

    Stands back where upstream calls them itself, which it does when a script reads its config; but for
    ours where the package has no metadata, which upstream does not see.
    """
    global _loaded
    if _loaded:
        return
    _loaded = True
    plugins = discover()
    if OWN_LOADER in sys.modules:
        plugins = {name: point for name, point in plugins.items() if point is OWN}
    for name in allowed(plugins, os.environ.get(SWITCH)):
        try:
            plugins[name].load()()
        except (Exception, SystemExit) as error:
            report_failure(name, plugins[name].value, error)


def report_failure(name: str, value: str, error: BaseException) -> None:
    """Name the plugin, the cause and the off-switch on standard error."""
    sys.stderr.write(
        f"PaddleVideo plugin {name!r} ({value}) failed: {type(error).__name__}: {error}. The run goes on without it; "
        f"{SWITCH}=0 switches all plugins off, {SWITCH}=name,name allows just those.\n"
    )
