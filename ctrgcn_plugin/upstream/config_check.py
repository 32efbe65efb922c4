"""Finds mistakes in a config of the CTR-GCN family before anything is built from it."""

from __future__ import annotations

import difflib
import inspect
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ctrgcn_plugin.errors import ConfigError, UserError, unknown
from ctrgcn_plugin.sections import output_folder, parts, pipeline_steps
from ctrgcn_plugin.upstream import script, skeleton_check
from ctrgcn_plugin.upstream.skeleton_check import FAMILY

TOP_LEVEL = (
    *("MODEL", "DATASET", "PIPELINE", "MIX", "OPTIMIZER", "METRIC", "INFERENCE", "PRECISEBN", "GRADIENT_ACCUMULATION"),
    *("model_name", "epochs", "log_interval", "save_interval", "val_interval", "output_dir", "resume_epoch"),
    *("to_static", "sync_bn", "use_npu", "use_xpu"),
)
NEEDED = {
    "train": ("MODEL", "DATASET", "PIPELINE", "OPTIMIZER", "model_name", "epochs"),
    "test": ("MODEL", "DATASET", "PIPELINE", "METRIC", "model_name"),
    "export": ("MODEL", "INFERENCE", "model_name"),
    "predict": ("INFERENCE", "model_name"),
}
# given by upstream's builders, not by the config
ADDED = {"pipeline", "self", "data_size", "batch_size"}
Found = tuple[str, Mapping[str, Any], Any, str, tuple[str, ...]]


def check(config: Mapping[str, Any]) -> None:
    """Raise a ConfigError for the first thing that cannot work; configs of other models are left alone."""
    if not concerns_us(config):
        return
    for section in NEEDED.get(script.role(), ()):
        if section not in config:
            raise ConfigError(
                f"the config has no {section}, which is needed to {script.role()}; it has: {', '.join(config)}"
            )
    for key in config:
        near = difflib.get_close_matches(key, TOP_LEVEL, n=1, cutoff=0.75)
        if key not in TOP_LEVEL and near:
            raise ConfigError(f"unknown config key {key!r}; did you mean {near[0]!r}?")
    for component in _components(config):
        _check_component(*component)
    skeleton_check.check(config, script.role())
    if script.role() == "train":
        check_output(output_folder(config))


def check_output(folder: Path) -> None:
    """Raise a UserError if nothing can be written there; upstream would find out after the first epoch."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"output_dir {folder} cannot be written: {error.strerror}; give another with -o output_dir=DIR"
        ) from error


def concerns_us(config: Mapping[str, Any]) -> bool:
    """Whether the config's model has a backbone or head of the CTR-GCN family."""
    return any(FAMILY in str(part.get("name")) for _, part, _ in parts(config.get("MODEL") or {}))


def _components(config: Mapping[str, Any]) -> Iterator[Found]:
    """(place, section, registry, key of its name, keys that others take) of all that upstream builds from it."""
    from paddlevideo.loader import registry as loader
    from paddlevideo.metrics.registry import METRIC
    from paddlevideo.modeling import registry as modeling
    from paddlevideo.solver import custom_lr

    model = config.get("MODEL") or {}
    yield "MODEL", model, modeling.RECOGNIZERS, "framework", ()
    for place, section, part in parts(model):
        own = ("pretrained",) if "models" in model else ()
        yield place, section, {"backbone": modeling.BACKBONES, "head": modeling.HEADS}[part], "name", own
    for mode, losses in (model.get("loss") or {}).items() if "models" in model else ():
        for index, section in enumerate(losses):
            yield f"MODEL.loss.{mode}.{index}", section, modeling.LOSSES, "name", ("model_name_pairs",)
    for mode in ("train", "valid", "test"):
        dataset = (config.get("DATASET") or {}).get(mode)
        if dataset:
            yield f"DATASET.{mode}", dataset, loader.DATASETS, "format", ()
        for step, section in pipeline_steps((config.get("PIPELINE") or {}).get(mode) or {}):
            yield f"PIPELINE.{mode}.{step}", section, loader.PIPELINES, "name", ()
    if config.get("MIX"):
        yield "MIX", config["MIX"], loader.PIPELINES, "name", ()
    if config.get("METRIC"):
        yield "METRIC", config["METRIC"], METRIC, "name", ()
    schedule = (config.get("OPTIMIZER") or {}).get("learning_rate")
    if isinstance(schedule, Mapping):
        yield "OPTIMIZER.learning_rate", schedule, vars(custom_lr), "name", ("iter_step",)


def _check_component(
    place: str, section: Mapping[str, Any], registry: Any, name_key: str, also: tuple[str, ...]
) -> None:
    name = section.get(name_key)
    known = registry if isinstance(registry, Mapping) else registry._obj_map
    if name not in known:
        public = [key for key, value in known.items() if inspect.isclass(value) or not isinstance(registry, Mapping)]
        raise unknown(f"{place}.{name_key}", name, public)
    accepted = _accepted(known[name])
    if accepted is None:
        return
    for key in section:
        if key not in accepted and key != name_key and key not in also:
            raise unknown(f"key in {place} ({name})", key, sorted((accepted | set(also)) - ADDED))


def _accepted(cls: Any) -> set[str] | None:
    """Names of the arguments that a class takes, its bases' included where it hands them on; None if any."""
    names: set[str] = set()
    for base in inspect.getmro(cls) if inspect.isclass(cls) else (cls,):
        if inspect.isclass(base) and "__init__" not in vars(base):
            continue
        parameters = inspect.signature(base.__init__ if inspect.isclass(base) else base).parameters.values()
        names.update(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return names
    return None
