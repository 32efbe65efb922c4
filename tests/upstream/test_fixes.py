"""Each run-time fix by numbers: the fault is there without it, and gone with it.

A probe is a few lines that run in a process of their own, in stock PaddleVideo; it prints JSON.
"""

from __future__ import annotations

import textwrap

import pytest

from ctrgcn_plugin.upstream.fixes import FIXES
from ctrgcn_plugin.upstream.fixes.fix import HARMS


def test_every_fix_is_described():
    assert len({fix.name for fix in FIXES}) == len(FIXES)
    for fix in FIXES:
        assert fix.name and fix.module and fix.where and fix.symptom
        assert fix.harm in HARMS


def test_outcomes_are_known(probe):
    code = """
        from ctrgcn_plugin.upstream.fixes.fix import outcomes
        import paddlevideo.tasks
        answer(**{name: str(outcome) for name, outcome in outcomes.items()})
    """
    outcomes, _ = probe(code, off="onednn-matmul")
    assert outcomes["onednn-matmul"] == "switched off"
    assert outcomes["shipped-configs"] == "applied"
    assert set(outcomes.values()) <= {"applied", "not needed", "switched off", "unchecked"}
    unchecked = {name for name, outcome in outcomes.items() if outcome == "unchecked"}
    assert unchecked == {fix.name for fix in FIXES if fix.in_script}


def test_a_switch_that_names_no_fix_is_named(probe):
    answered, printed = probe("answer(ok=True)", off="onednn-matmull,empty-clip")
    assert answered == {"ok": True}
    assert "ctrgcn: PADDLEVIDEO_PLUGIN_FIXES names 'onednn-matmull', which is no fix" in printed
    assert "'empty-clip'" not in printed


def test_paddle_fluid(probe):
    """PyPI's PaddleVideo does not import on Paddle 3 without it."""
    import paddle

    if int(paddle.__version__.split(".")[0]) == 2:
        pytest.skip("Paddle 2 has paddle.fluid")
    answered, printed = probe("answer(ok=True)", off="paddle-fluid")
    assert answered is None and "fluid" in printed
    assert probe("answer(ok=True)")[0] == {"ok": True}


SCHEDULES = """
    from paddlevideo.solver import build_lr
    def rates(**cfg):
        schedule, found = build_lr(cfg, 5), []
        for _ in range(8):
            found.append(schedule.get_lr())
            schedule.step()
        return found
    cosine = dict(warmup_start_lr=0.01, warmup_epochs=2, cosine_base_lr=0.1, max_epoch=8)
    answer(
        adjust=rates(name="CustomWarmupAdjustDecay", step_base_lr=0.1, warmup_epochs=2, lr_decay_rate=0.1, boundaries=[4, 6]),
        cosine=rates(name="CustomWarmupCosineDecay", **cosine),
        ours=rates(name="WarmupCosineDecay", **cosine),
        by_iteration=[rates(name=name, iter_step=True, **cosine) for name in ("CustomWarmupCosineDecay", "WarmupCosineDecay")],
    )
"""  # noqa: E501


def test_schedules_by_epoch(probe):
    answered, printed = probe(SCHEDULES)
    assert answered is not None, printed[-2000:]
    assert answered["adjust"] == pytest.approx([0.05, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    assert answered["cosine"] == pytest.approx(answered["ours"], rel=1e-12)
    assert answered["by_iteration"][0] == pytest.approx(answered["by_iteration"][1], rel=1e-12)


BROKEN_SAMPLE = """
    from paddle.io import DataLoader, Dataset
    class Broken(Dataset):
        def __len__(self):
            return 4
        def __getitem__(self, index):
            if index == 2:
                raise LookupError("no such skeleton")
            return np.zeros(3, "float32")
    seen = 0
    try:
        for batch in DataLoader(Broken(), batch_size=1, num_workers=0):
            seen += 1
    except LookupError as error:
        answer(seen=seen, error=str(error))
"""


def test_an_exception_in_a_sample_ends_the_run(probe):
    answered, printed = probe(BROKEN_SAMPLE)
    assert answered is not None, printed[-2000:]
    assert answered["error"] == "no such skeleton" and answered["seen"] <= 2


def test_an_unknown_upstream_is_left_alone_and_the_user_told(python, tmp_path):
    """A module that a fix does not recognise: one line, and the import goes on."""
    code = """
        from types import ModuleType
        from ctrgcn_plugin.upstream.fixes.ctrgcn import FIXES
        from ctrgcn_plugin.upstream.fixes.fix import outcomes, run
        run(FIXES[0], ModuleType("paddlevideo.modeling.backbones.ctrgcn"))
        print(outcomes[FIXES[0].name])
    """
    result = python(["-c", textwrap.dedent(code)], tmp_path)
    assert result.returncode == 0
    assert (
        "ctrgcn: fix 'onednn-matmul' of modeling/backbones/ctrgcn.py:35 does not recognise this PaddleVideo"
        in result.stdout
    )
    assert "not recognised: AttributeError" in result.stdout


def test_a_script_of_the_users_own_may_read_any_config(probe):
    """No section is demanded of it, nothing is written, and part of a checkpoint may be loaded."""
    code = """
        import pathlib
        from paddlevideo.modeling.builder import build_model
        from paddlevideo.utils import get_config
        config = get_config("configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint.yaml", show=False)
        del config["OPTIMIZER"]
        config.MODEL.backbone.base_channel = config.MODEL.head.in_channels = 8
        model = build_model(config.MODEL)
        state = {key: value for key, value in model.state_dict().items() if not key.startswith("head.")}
        missing, extra = model.set_state_dict(state)
        answer(missing=missing, extra=extra, written=pathlib.Path("output").exists())
    """
    assert probe(code)[0] == {"missing": ["head.fc.weight", "head.fc.bias"], "extra": [], "written": False}
