"""Upstream's faults on the skeleton path, cured as its modules are imported. No file is edited.

One module here for each upstream module. A fix looks for its fault, never for a version, and does
nothing where the fault is absent.
"""

from __future__ import annotations

from ctrgcn_plugin.upstream.fixes import (
    agcn2s,
    compat,
    config,
    ctrgcn,
    ctrgcn_head,
    custom_lr,
    dataloader,
    dataloader_worker,
    device,
    distributed,
    heads_base,
    loader_builder,
    logger,
    recognizer_distillation,
    recognizer_gcn,
    recognizers_base,
    save_load,
    scripts,
    skeleton_dataset,
    skeleton_metric,
    skeleton_pipeline,
    tasks_test,
    tasks_train,
    tasks_train_amp,
    tasks_train_curves,
    tasks_train_finite,
    tasks_train_record,
    tasks_train_resume,
    tasks_train_static,
    tasks_train_validation,
)
from ctrgcn_plugin.upstream.fixes import fix as _fix

FIXES = (
    *compat.FIXES,
    *logger.FIXES,
    *config.FIXES,
    *save_load.FIXES,
    *dataloader.FIXES,
    *dataloader_worker.FIXES,
    *loader_builder.FIXES,
    *skeleton_dataset.FIXES,
    *skeleton_pipeline.FIXES,
    *ctrgcn.FIXES,
    *agcn2s.FIXES,
    *heads_base.FIXES,
    *ctrgcn_head.FIXES,
    *recognizers_base.FIXES,
    *recognizer_gcn.FIXES,
    *recognizer_distillation.FIXES,
    *skeleton_metric.FIXES,
    *custom_lr.FIXES,
    *tasks_train.FIXES,
    *tasks_train_validation.FIXES,
    *tasks_train_curves.FIXES,
    *tasks_train_amp.FIXES,
    *tasks_train_finite.FIXES,
    *tasks_train_static.FIXES,
    *tasks_train_resume.FIXES,
    *tasks_train_record.FIXES,
    *tasks_test.FIXES,
    *distributed.FIXES,
    *device.FIXES,
    *scripts.FIXES,
)


def attach() -> None:
    """Have every fix applied as its module is imported. May be called repeatedly."""
    if _fix.outcomes:
        return
    # within the check of a config, which looks at the data that it names
    scripts.supply()
    _fix.attach(FIXES)
    _fix.report_unknown()
    # around all that the fixes themselves put around get_config
    scripts.attach()
