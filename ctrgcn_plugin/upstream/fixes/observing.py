"""What a fix sees of a training: one call of ``train_model``, and the functions that are called meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Generic, Optional, TypeVar

from ctrgcn_plugin.upstream.fixes.code import wrapping

T = TypeVar("T")


class Observer(Generic[T]):
    """Shows a training what functions of ``paddlevideo.tasks.train`` are given and return; there is one at a time.

    Args:
        module: that of the functions.
        begin: train_model's arguments -> what sees this training, None if nothing shall.
        ended: is told when it is over.
        succeeded: is told, before that, if it went well.

    Attributes:
        training: what sees the training that goes on, None where there is none.
    """

    def __init__(
        self,
        module: ModuleType,
        begin: Callable[..., Optional[T]],
        *,
        ended: Optional[Callable[[T], None]] = None,
        succeeded: Optional[Callable[[T], None]] = None,
    ) -> None:
        self._module, self._begin, self._ended, self._succeeded = module, begin, ended, succeeded
        self.training: Optional[T] = None
        wrapping("train_model", self._during)(module)

    def before(self, name: str, see: Callable[..., None]) -> None:
        """Have ``see(training, *arguments)`` called before each call of the module's function `name`."""
        wrapping(name, lambda original: self._watched(original, before=see))(self._module)

    def after(self, name: str, see: Callable[..., None]) -> None:
        """Have ``see(training, *arguments)`` called after each call of the module's function `name`."""

        def arguments(training: T, result: Any, *args: Any, **kwargs: Any) -> None:
            see(training, *args, **kwargs)

        wrapping(name, lambda original: self._watched(original, after=arguments))(self._module)

    def result(self, name: str, see: Callable[[T, Any], None]) -> None:
        """Have ``see(training, result)`` called with what the module's function `name` returns."""
        wrapping(name, lambda original: self.showing(original, see))(self._module)

    def showing(self, original: Callable, see: Callable[[T, Any], None]) -> Callable:
        """A function whose results are shown."""
        return self._watched(original, after=lambda training, result, *_, **__: see(training, result))

    def _watched(
        self, original: Callable, before: Optional[Callable[..., None]] = None, after: Optional[Callable] = None
    ) -> Callable:
        def watched(*args: Any, **kwargs: Any) -> Any:
            if self.training is not None and before:
                before(self.training, *args, **kwargs)
            result = original(*args, **kwargs)
            if self.training is not None and after:
                after(self.training, result, *args, **kwargs)
            return result

        return watched

    def _during(self, original: Callable) -> Callable:
        def train_model(*args: Any, **kwargs: Any) -> Any:
            training = self.training = self._begin(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
                if training is not None and self._succeeded:
                    self._succeeded(training)
                return result
            finally:
                self.training = None
                if training is not None and self._ended:
                    self._ended(training)

        return train_model
