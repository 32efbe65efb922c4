"""A module as one of upstream's modules sees it, with some names replaced."""

from __future__ import annotations

from types import ModuleType
from typing import Any


class Proxy(ModuleType):
    """All that `module` has, also what comes later, but for `names`."""

    def __init__(self, module: ModuleType, **names: Any) -> None:
        super().__init__(module.__name__)
        vars(self).update(names, _module=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)
