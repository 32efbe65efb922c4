"""A module as one of upstream's modules sees it, with some names replaced, for good or for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class Proxy(ModuleType):
    """All that `module` has, also what comes later, but for `names`."""

    def __init__(self, module: ModuleType, **names: Any) -> None:
        super().__init__(module.__name__)
        vars(self).update(names, _module=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


@contextmanager
def replaced(module: ModuleType, **names: Any) -> Iterator[None]:
    """Have the module's globals of these names be these values while the block runs, to try its functions."""
    real = {name: getattr(module, name) for name in names}
    vars(module).update(names)
    try:
        yield
    finally:
        vars(module).update(real)
