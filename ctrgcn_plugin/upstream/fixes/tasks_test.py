"""``paddlevideo.tasks.test``: testing without weights or with those of another model; names of what is tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.errors import CheckpointError
from ctrgcn_plugin.upstream.fixes.code import mentions, wrapping
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, LACKS, MISLEADS, Fix, always
from ctrgcn_plugin.upstream.fixes.recognizer_gcn import CHECK, taking_whole_checkpoints
from ctrgcn_plugin.upstream.fixes.skeleton_metric import NAME as SKELETON_METRIC


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


def _with_names(original: Callable) -> Callable:
    def test_model(cfg: Any, *args: Any, **kwargs: Any) -> Any:
        metric = cfg.get("METRIC") if isinstance(cfg, Mapping) else None
        if metric and metric.get("name") == SKELETON_METRIC and metric.get("scores"):
            metric.setdefault("label_path", cfg["DATASET"]["test"].get("label_path"))
            metric.setdefault("classes", class_names.of_config(cfg))
        return original(cfg, *args, **kwargs)

    return test_model


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
    Fix(
        "metric-scores-names",
        "paddlevideo.tasks.test",
        "tasks/test.py:77",
        "METRIC.scores: the metric does not learn what clips and classes are called",
        LACKS,
        always,
        wrapping("test_model", _with_names),
    ),
)
