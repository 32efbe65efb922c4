"""The entry point: the one place that says what goes into which of upstream's registries."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def register() -> None:
    """Put everything into stock PaddleVideo. May be called repeatedly; a name that is taken stays as it is."""
    from ctrgcn_plugin.environment import require_paddle

    require_paddle()
    from paddlevideo.modeling import registry
    from paddlevideo.solver import custom_lr

    from ctrgcn_plugin import import_hooks
    from ctrgcn_plugin.models import backbones, heads, mutual
    from ctrgcn_plugin.schedules import SCHEDULES
    from ctrgcn_plugin.upstream import excepthook, fixes
    from ctrgcn_plugin.upstream.recognizers import RecognizerMutualDistillation

    # already done where the start-up hook is at work; not where upstream itself has called this
    fixes.attach()
    for target, classes in (
        (registry.BACKBONES, backbones.BACKBONES),
        (registry.HEADS, (heads.CTRGCNMixupHead,)),
        (registry.LOSSES, mutual.LOSSES),
        (registry.RECOGNIZERS, (RecognizerMutualDistillation,)),
    ):
        for cls in classes:
            _add(target, cls)
    for schedule in SCHEDULES:
        if not hasattr(custom_lr, schedule.__name__):
            setattr(custom_lr, schedule.__name__, schedule)
    # not before a script imports it: what only exports a model has no need of a video loader and its libraries
    import_hooks.after("paddlevideo.loader.dataset.skeleton", _register_loader)
    excepthook.install()


def _register_loader(_: ModuleType) -> None:
    from paddlevideo.loader import registry

    from ctrgcn_plugin.upstream import dataset, pipeline

    _add(registry.DATASETS, dataset.MappedSkeletonDataset)
    for step in pipeline.STEPS:
        _add(registry.PIPELINES, step)


def _add(registry: Any, cls: type) -> None:
    if cls.__name__ not in registry:
        registry.register(cls)
    elif registry.get(cls.__name__) is not cls:
        # a fork of the toolkit that has a class of this name keeps it
        from ctrgcn_plugin.upstream.log import logger

        logger().warning(f"ctrgcn: this PaddleVideo has a {cls.__name__} of its own; the plugin's is not used")
