"""Looks into upstream's functions, and changes a line of one."""

from __future__ import annotations

import functools
import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType
from typing import Any

# marks what `wrapping` has put around a function
WRAPPER = "_ctrgcn_wrapper"


def mentions(function: Callable, word: object) -> bool:
    """Whether a function, or one defined within it, uses a name, an attribute or a constant."""
    return any(word in code.co_names or _holds(code.co_consts, word) for code in _codes(_plain(function).__code__))


def wrapping(name: str, wrap: Callable[[Callable], Callable]) -> Callable[[ModuleType], None]:
    """A cure that wraps the module's global `name`."""

    def cure(module: ModuleType) -> None:
        original = getattr(module, name)
        wrapper = functools.wraps(original, updated=())(wrap(original))
        setattr(wrapper, WRAPPER, True)
        setattr(module, name, wrapper)

    return cure


def with_line(function: Callable, old: str, new: str, **names: Any) -> Callable:
    """The function with `old`, which must be in its source once, replaced by `new`.

    Args:
        names: put into the function's module, for `new` to use.

    Raises:
        LookupError: `old` is not there, or more than once; or a cure has wrapped the function, which would be lost.
    """
    inspect.unwrap(function, stop=_refuse_wrapper)
    function = _plain(function)
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(old) != 1:
        raise LookupError(f"{function.__qualname__} has {old!r} {source.count(old)} times, not once")
    source = source.replace(old, new)
    # no comma: Paddle splits the lines of a traceback at them
    file = f"<{function.__module__}.{function.__qualname__} mended by ctrgcn-plugin>"
    # for tracebacks, and for Paddle, which makes a function static from its source
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    function.__globals__.update(names)
    defined: dict[str, Any] = {}
    exec(compile(source, file, "exec"), function.__globals__, defined)  # noqa: S102, upstream's own source
    mended = defined[function.__name__]
    mended.__qualname__ = function.__qualname__
    return mended


def _refuse_wrapper(function: Any) -> bool:
    if getattr(function, WRAPPER, False):
        raise LookupError(f"{function.__qualname__} is wrapped already; its lines are to be changed before that")
    return False


def _plain(function: Callable) -> Any:
    """Without what functools.wraps has put around it."""
    return inspect.unwrap(getattr(function, "__func__", function))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _holds(constants: tuple, word: object) -> bool:
    # the names of a call's keyword arguments are a tuple among the constants
    return any(
        (type(constant) is type(word) and constant == word) or (isinstance(constant, tuple) and _holds(constant, word))
        for constant in constants
    )
