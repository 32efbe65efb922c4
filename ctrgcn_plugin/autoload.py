"""The start-up hook: waits for PaddleVideo to be imported, then loads the plugins for it.

Runs at every interpreter start (from ``ctrgcn_plugin.pth``, or ``ctrgcn_plugin.start`` where the
interpreter reads those), so it imports ``sys`` and ``os`` only, which are loaded by then.
Where start-up hooks do not run, ``import ctrgcn_plugin.autoload`` does the same.
"""

import os
import sys

SWITCH = "PADDLEVIDEO_PLUGINS"
UPSTREAM = "paddlevideo"


class Watcher:
    """A finder that finds nothing; it is asked about every import and acts on the first of PaddleVideo."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == UPSTREAM:
            uninstall()
            _begin()
        return None


def install():
    """Start waiting; at once at work if PaddleVideo is already imported. May be called repeatedly."""
    if os.environ.get(SWITCH, "").strip() == "0" or Watcher in sys.meta_path:
        return
    if UPSTREAM in sys.modules:
        _begin()
    else:
        sys.meta_path.insert(0, Watcher)


def uninstall():
    """Stop waiting."""
    if Watcher in sys.meta_path:
        sys.meta_path.remove(Watcher)


def _begin():
    try:
        from ctrgcn_plugin import discovery

        discovery.begin()
    except Exception as error:
        # whatever is wrong with the plugins, PaddleVideo itself must go on
        sys.stderr.write(
            f"ctrgcn_plugin: PaddleVideo plugins are off: {type(error).__name__}: {error} ({SWITCH}=0 silences this)\n"
        )


install()
