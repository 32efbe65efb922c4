"""Functions to call before or after the body of a module that is yet to be imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Optional

Hook = Callable[[ModuleType], None]

_before: dict[str, list[Hook]] = {}
_after: dict[str, list[Hook]] = {}


def before(name: str, hook: Hook) -> None:
    """Call `hook` with module `name` just before its body runs. Too late is never: nothing is called then."""
    _install()
    _before.setdefault(name, []).append(hook)


def after(name: str, hook: Hook) -> None:
    """Call `hook` with module `name` once its body has run; now, if it already has."""
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        hook(module)
        return
    _install()
    _after.setdefault(name, []).append(hook)


class _Finder:
    """Wraps the loader of the modules somebody waits for."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        if name not in _before and name not in _after:
            return None
        for finder in sys.meta_path:
            if finder is _Finder or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """Another loader, with the hooks around its ``exec_module``."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # the module's body and whoever inspects it later see the loader they would have seen
        module.__loader__ = self._real
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        name = module.__name__
        for hook in _before.pop(name, ()):
            hook(module)
        self._real.exec_module(module)
        for hook in _after.pop(name, ()):
            hook(module)


def _install() -> None:
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
