"""The start-up hook: waits for PaddleVideo to be imported, then loads the plugins for it.

The start-up file ``ctrgcn_plugin.pth`` leaves a finder in every interpreter that calls :func:`before`;
``ctrgcn_plugin.start``, for interpreters that read those, names :func:`install`. Where start-up
files are not read, ``import ctrgcn_plugin.autoload`` does the same. Standard library only.
"""

import os
import sys

SWITCH = "PADDLEVIDEO_PLUGINS"
UPSTREAM = "paddlevideo"


class Watcher:
    """A finder that finds nothing; it is asked about every import and acts on the first of PaddleVideo."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """Always None."""
        before(name)


def install():
    """Start waiting; at once at work if PaddleVideo is already imported. May be called repeatedly."""
    if UPSTREAM in sys.modules:
        begin()
    elif Watcher not in sys.meta_path and _is_on():
        sys.meta_path.insert(0, Watcher)


def before(name):
    """What has to happen before module `name` is looked for."""
    if name == "paddle" and _is_on():
        # libpaddle 2.6 exports symbols of a zlib of its own; Python's, loaded later, would bind to them and crash
        import zlib  # noqa: F401
    elif name == UPSTREAM:
        begin()


def begin():
    """Load the plugins as PaddleVideo's modules come. May be called repeatedly."""
    if not _is_on():
        return
    try:
        from ctrgcn_plugin import discovery

        discovery.begin()
    except Exception as error:
        # whatever is wrong with the plugins, PaddleVideo itself must go on
        sys.stderr.write(
            f"ctrgcn_plugin: PaddleVideo plugins are off: {type(error).__name__}: {error} ({SWITCH}=0 silences this)\n"
        )


def _is_on():
    return os.environ.get(SWITCH, "").strip() != "0"


install()
