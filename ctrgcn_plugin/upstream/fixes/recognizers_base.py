"""``paddlevideo.modeling.framework.recognizers.base``: ``build_model`` given a plain dict."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix
from ctrgcn_plugin.upstream.fixes.proxy import Proxy, replaced


def _asks_for_attributes(module: ModuleType) -> bool:
    with replaced(module, builder=Proxy(module.builder, build_head=lambda head: None)):
        try:
            module.BaseRecognizer(head={"name": ""})
        except AttributeError:
            return True
    return False


def _give_attributes(module: ModuleType) -> None:
    recognizer = module.BaseRecognizer
    original = recognizer.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        from paddlevideo.utils.config import AttrDict

        given = {key: _with_attributes(value, AttrDict) for key, value in kwargs.items()}
        original(self, *(_with_attributes(value, AttrDict) for value in args), **given)

    recognizer.__init__ = init


def _with_attributes(value: Any, attr_dict: Callable[[dict], dict]) -> Any:
    """`value` with every plain dict in it copied; those that get_config has made stay the same objects."""
    if type(value) is dict:
        return attr_dict({key: _with_attributes(item, attr_dict) for key, item in value.items()})
    if type(value) in (list, tuple):
        return type(value)(_with_attributes(item, attr_dict) for item in value)
    return value


FIXES = (
    Fix(
        "plain-dict-model",
        "paddlevideo.modeling.framework.recognizers.base",
        "modeling/framework/recognizers/base.py:31",
        "'dict' object has no attribute 'name', from build_model",
        STOPS,
        _asks_for_attributes,
        _give_attributes,
    ),
)
