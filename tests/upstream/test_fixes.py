"""Each run-time fix by numbers: the fault is there without it, and gone with it.

A probe is a few lines that run in a process of their own, in stock PaddleVideo; it prints JSON.
"""

from __future__ import annotations

import textwrap

import pytest

from ctrgcn_plugin.upstream.fixes import FIXES
from ctrgcn_plugin.upstream.fixes.fix import ENDANGERS, FALSIFIES, MISLEADS, STOPS


def test_every_fix_is_described():
    assert len({fix.name for fix in FIXES}) == len(FIXES)
    for fix in FIXES:
        assert fix.name and fix.module and fix.where and fix.symptom
        assert fix.harm in (STOPS, FALSIFIES, ENDANGERS, MISLEADS)


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


def test_paddle_fluid(probe):
    """PyPI's PaddleVideo does not import on Paddle 3 without it."""
    import paddle

    if int(paddle.__version__.split(".")[0]) == 2:
        pytest.skip("Paddle 2 has paddle.fluid")
    answered, printed = probe("answer(ok=True)", off="paddle-fluid")
    assert answered is None and "fluid" in printed
    assert probe("answer(ok=True)")[0] == {"ok": True}


CROPS = """
    import importlib
    pipeline = importlib.import_module("paddlevideo.loader.pipelines.skeleton_pipeline")
    # upstream's own source with nothing changed but the one-element draw
    source = open(pipeline.__file__).read().replace("np.random.rand(1) *", "np.random.rand(1)[0] *")
    plain = {{"__name__": pipeline.__name__ + "_plain", "__package__": pipeline.__package__}}
    body = source[source.index("class SketeonCropSample"):].split("@PIPELINES.register()")[0]
    exec("import numpy as np, paddle, paddle.nn.functional as F\\n" + body, plain)
    worst, rng = 0.0, np.random.default_rng(0)
    for seed in range(40):
        length = int(rng.integers(1, 200))
        clip = np.zeros((3, 200, 25, 2), "float32")
        clip[:, :length] = rng.standard_normal((3, length, 25, 2))
        results = []
        for operator in (pipeline.SketeonCropSample, plain["SketeonCropSample"]):
            np.random.seed(seed)
            cropped = operator(window_size=64, p_interval=[0.5, 1])({{"data": clip.copy()}})["data"]
            results.append((cropped, np.random.rand()))
        worst = max(worst, float(np.abs(results[0][0] - results[1][0]).max()))
        assert results[0][1] == results[1][1], "the stream of random numbers differs"
        assert results[0][0].dtype == results[1][0].dtype and results[0][0].shape == results[1][0].shape
    answer(worst=worst)
""".replace("{{", "{").replace("}}", "}")


def test_random_crop_is_upstreams_with_the_same_random_numbers(probe):
    answered, printed = probe(CROPS)
    assert answered is not None, printed[-2000:]
    assert answered["worst"] <= 1e-6


def test_random_crop_fails_without_the_fix_on_new_numpy(probe):
    import numpy as np

    if tuple(map(int, np.__version__.split(".")[:2])) < (2, 4):
        pytest.skip("NumPy before 2.4 takes a one-element array for a number")
    answered, printed = probe(CROPS, off="random-crop-scalar")
    assert answered is None and "only 0-dimensional arrays can be converted" in printed


def test_empty_clip_gives_zeros(probe):
    code = """
        from paddlevideo.loader.pipelines import SketeonCropSample
        clip = SketeonCropSample(window_size=16, p_interval=[0.95])({"data": np.zeros((3, 9, 25, 2), "float32")})
        answer(shape=clip["data"].shape, any=bool(clip["data"].any()))
    """
    assert probe(code)[0] == {"shape": [3, 16, 25, 2], "any": False}
    assert probe(code, off="empty-clip")[0] is None


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


@pytest.mark.parametrize("off", ["adjust-decay-by-epoch", "cosine-decay-by-epoch"])
def test_schedules_fail_without_the_fix(probe, off):
    answered, printed = probe(SCHEDULES, off=off)
    assert answered is None and ("NoneType" in printed or "num_iters" in printed)


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
    answered, printed = probe(BROKEN_SAMPLE, timeout=60)
    assert answered is not None, printed[-2000:]
    assert answered["error"] == "no such skeleton" and answered["seen"] <= 2


ONEDNN = """
    from paddle import inference
    from paddlevideo.modeling.backbones.ctrgcn import CTRGCN
    paddle.seed(0)
    class Net(paddle.nn.Layer):
        def __init__(self):
            super().__init__()
            self.backbone, self.fc = CTRGCN(base_channel=8), paddle.nn.Linear(32, 5)
        def forward(self, x):
            return self.fc(self.backbone(x)[0].mean([2, 3]))
    net = Net()
    for name, parameter in net.named_parameters():
        if name.endswith("alpha"):
            parameter.set_value(paddle.full([1], 0.5))
    net.eval()
    x = np.random.default_rng(0).standard_normal((4, 3, 16, 25, 2)).astype("float32")
    want = net(paddle.to_tensor(x)).numpy()
    spec = [paddle.static.InputSpec([None, 3, 16, 25, 2], "float32")]
    paddle.jit.save(paddle.jit.to_static(net, input_spec=spec, full_graph=True), "net")
    import os
    config = inference.Config("net.json" if os.path.exists("net.json") else "net.pdmodel", "net.pdiparams")
    predictor = inference.create_predictor(config)
    predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(x)
    predictor.run()
    got = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
    answer(error=float(np.abs(got - want).max() / np.abs(want).max()))
"""


def test_upstreams_ctrgcn_predicts_rightly_in_the_default_engine(probe):
    answered, printed = probe(ONEDNN)
    assert answered is not None, printed[-2000:]
    assert answered["error"] < 1e-4
    without = probe(ONEDNN, off="onednn-matmul")[0]
    if without["error"] < 1e-2:
        pytest.skip(f"this CPU's oneDNN computes it rightly (error {without['error']:.1e})")


def test_a_fixed_topology_works_on_cpu(probe):
    code = """
        from paddlevideo.modeling.backbones.ctrgcn import CTRGCN
        paddle.seed(0)
        adaptive, fixed = CTRGCN(base_channel=8), CTRGCN(base_channel=8, adaptive=False)
        fixed.set_state_dict({k.replace(".PA", ".A"): v for k, v in adaptive.state_dict().items()})
        adaptive.eval(), fixed.eval()
        x = paddle.randn([2, 3, 8, 25, 2])
        answer(error=float((adaptive(x)[0] - fixed(x)[0]).abs().max()))
    """
    assert probe(code)[0]["error"] <= 1e-6
    assert probe(code, off="non-adaptive-on-cpu")[0] is None


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


FEW_CLASSES = """
    from paddlevideo.metrics import build_metric
    from paddlevideo.modeling.heads import CTRGCNHead
    scores, labels = paddle.to_tensor([[3.0, 2, 1], [3, 2, 1]]), paddle.to_tensor([[0], [2]])
    top1, top5 = CTRGCNHead(in_channels=1, num_classes=3).get_acc(scores, labels, True)
    metric = build_metric(dict(name="SkeletonMetric", data_size=2, batch_size=2))
    metric.update(0, [scores, labels], scores)
    answer(head=[float(top1), float(top5)], metric=[float(metric.top1[0]), float(metric.top5[0])])
"""


@pytest.mark.parametrize("off", ["", "top5-of-few-in-head", "top5-of-few-in-metric"])
def test_accuracy_of_fewer_than_five_classes(probe, off):
    answered, printed = probe(FEW_CLASSES, off=off)
    if off:
        assert answered is None and "The rank (5) of the input 'k'" in printed
    else:
        assert answered == {"head": [0.5, 1.0], "metric": [0.5, 1.0]}


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
