"""``paddlevideo.tasks.test``: testing without weights, or with those of another model."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin.errors import CheckpointError
from ctrgcn_plugin.upstream.fixes.code import mentions, wrapping
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, MISLEADS, Fix
from ctrgcn_plugin.upstream.fixes.recognizer_gcn import CHECK, taking_whole_checkpoints


def _starts_without_weights(module: ModuleType) -> bool:
    try:
        # neither a config nor weights: which does it miss first?
        module.test_model(None, None)
    except AttributeError:
        return True
    except Exception:
        return False
    return False


def _with_weights_only(original: Callable) -> Callable:
    def test_model(cfg: Any, weights: Optional[str], parallel: bool = True) -> Any:
        if not weights:
            raise CheckpointError(
                "testing needs a checkpoint, none was given; name one with -w FILE.pdparams (--weights)"
            )
        return original(cfg, weights, parallel)

    return test_model


def _takes_any_state(module: ModuleType) -> bool:
    return not mentions(module.test_model, CHECK)


FIXES = (
    Fix(
        "test-without-weights",
        "paddlevideo.tasks.test",
        "tasks/test.py:74",
        "--test without -w: stat: path should be string, bytes, os.PathLike or integer, not NoneType",
        MISLEADS,
        _starts_without_weights,
        wrapping("test_model", _with_weights_only),
    ),
    Fix(
        "checkpoint-of-another-model",
        "paddlevideo.tasks.test",
        "tasks/test.py:75",
        "a checkpoint of another model is skipped key by key, and a random model is tested, rc 0",
        FALSIFIES,
        _takes_any_state,
        wrapping("build_model", taking_whole_checkpoints),
    ),
)
