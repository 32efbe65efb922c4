"""``tools/export_model.py``: what it cannot export, and how it says so."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.upstream.fixes.code import mentions, wrapping
from ctrgcn_plugin.upstream.fixes.fix import ENDANGERS, FALSIFIES, MISLEADS, STOPS, Fix
from ctrgcn_plugin.upstream.fixes.inference_helper import NAME as HELPER
from ctrgcn_plugin.upstream.fixes.recognizer_gcn import CHECK, taking_whole_checkpoints
from ctrgcn_plugin.upstream.fixes.save_load import without_code

SCRIPT = "tools/export_model.py"


def _lacks_input_spec(model_name: str, **inference: Any) -> Callable[[ModuleType], bool]:
    def faulty(main: ModuleType) -> bool:
        from paddlevideo.utils.config import AttrDict

        config = AttrDict(num_channels=3, window_size=64, vertex_nums=25, person_nums=2, **inference)
        try:
            main.get_input_spec(config, model_name)
        except UnboundLocalError:
            return True
        except Exception:
            # it says what is wrong, in its own words
            return False
        return False

    return faulty


def _of_the_family(original: Callable) -> Callable:
    def get_input_spec(cfg: Any, model_name: str) -> Any:
        return original(cfg, "CTRGCN" if cfg.get("name") == HELPER else model_name)

    return get_input_spec


class UnknownModelError(ConfigError, NotImplementedError):
    """A model whose input the script does not know."""


def _that_says_so(original: Callable) -> Callable:
    def get_input_spec(cfg: Any, model_name: str) -> Any:
        try:
            return original(cfg, model_name)
        except UnboundLocalError:
            raise UnknownModelError(
                f"tools/export_model.py knows no input of model_name {model_name!r}; INFERENCE.name: {HELPER} tells it "
                "that a model is of the CTR-GCN family"
            ) from None

    return get_input_spec


def _leaves_graph_partial(main: ModuleType) -> bool:
    return not mentions(main.main, "full_graph")


def _full_graph(original: Callable) -> Callable:
    return lambda *args, **kwargs: original(*args, **{"full_graph": True, **kwargs})


def _takes_any_state(main: ModuleType) -> bool:
    return not mentions(main.main, CHECK)


def _has_paddle_load(main: ModuleType) -> bool:
    return mentions(main.main, "paddle") and mentions(main.main, "load")


FIXES = (
    Fix(
        "export-input-spec",
        SCRIPT,
        "tools/export_model.py:228",
        "UnboundLocalError: input_spec, for every model_name but CTRGCN",
        STOPS,
        _lacks_input_spec("CTRGCN_joint", name=HELPER),
        wrapping("get_input_spec", _of_the_family),
    ),
    Fix(
        "export-unknown-model",
        SCRIPT,
        "tools/export_model.py:228",
        "UnboundLocalError: input_spec, for a model_name that it does not know",
        MISLEADS,
        _lacks_input_spec("no model"),
        wrapping("get_input_spec", _that_says_so),
    ),
    Fix(
        "export-full-graph",
        SCRIPT,
        "tools/export_model.py:257",
        "full_graph=False don't support input_spec",
        STOPS,
        _leaves_graph_partial,
        wrapping("to_static", _full_graph),
    ),
    Fix(
        "export-of-another-model",
        SCRIPT,
        "tools/export_model.py:247",
        "a checkpoint of another model is skipped key by key, and a random model is exported, rc 0",
        FALSIFIES,
        _takes_any_state,
        wrapping("build_model", taking_whole_checkpoints),
    ),
    Fix(
        "export-unpickling",
        SCRIPT,
        "tools/export_model.py:246",
        "the checkpoint is unpickled: one that was made to do so runs any code",
        ENDANGERS,
        _has_paddle_load,
        without_code,
    ),
)
