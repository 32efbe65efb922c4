"""What the evidence scripts do not show of the fixes of models, metric, data and loader.

That is: equality with upstream where upstream works, what must stay as it was, and the edges.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

INITIALISED = """
    from ctrgcn_plugin.models import backbones, heads
    from paddlevideo.modeling.builder import build_backbone, build_head
    def moments(layer):
        values = {name: value.numpy().astype("float64") for name, value in layer.state_dict().items()}
        return {name: [value.size, value.mean(), value.std()] for name, value in values.items()}
    paddle.seed(0)
    both = [
        [build_backbone(dict(name="CTRGCN", base_channel=32)), build_head(dict(name="CTRGCNHead", num_classes=60))],
        [backbones.CTRGCN(base_channel=32), heads.CTRGCNMixupHead(num_classes=60)],
    ]
    for layer in both[0]:
        layer.init_weights()
    answer(theirs=[moments(layer) for layer in both[0]], ours=[moments(layer) for layer in both[1]])
"""


@pytest.mark.parametrize("off", ["", "ctrgcn-initialisation", "head-initialisation"])
def test_upstreams_networks_start_as_ours(probe, off):
    """Each tensor of the two has the same mean and spread; constants are the same number."""
    answered, printed = probe(INITIALISED, off)
    assert answered is not None, printed[-2000:]
    differing = []
    for number, (theirs, ours) in enumerate(zip(answered["theirs"], answered["ours"])):
        assert theirs.keys() == ours.keys()
        for name, (size, mean, std) in ours.items():
            # of a sample's mean and spread, six standard errors of their difference
            tolerance = 6 * std * (2 / size) ** 0.5
            if abs(theirs[name][1] - mean) > tolerance or abs(theirs[name][2] - std) > tolerance:
                differing.append(number)
    assert set(differing) == {"": set(), "ctrgcn-initialisation": {0}, "head-initialisation": {1}}[off]


def test_an_initialised_network_takes_a_checkpoint_as_before(probe):
    """Weights that are loaded stay; a second init_weights() replaces them."""
    code = """
        from paddlevideo.modeling.builder import build_model
        from paddlevideo.utils.config import AttrDict
        head = AttrDict(name="CTRGCNHead", in_channels=8, num_classes=6)
        def model():
            return build_model(AttrDict(framework="RecognizerGCN", backbone=AttrDict(name="CTRGCN", base_channel=8), head=head))
        first, second = model(), model()
        def same():
            pairs = zip(first.state_dict().values(), second.state_dict().values())
            return all(bool((a == b).all()) for a, b in pairs)
        before = same()
        second.set_state_dict(first.state_dict())
        loaded = same()
        second.backbone.init_weights()
        answer(before=before, loaded=loaded, again=same())
    """  # noqa: E501
    assert probe(code)[0] == {"before": False, "loaded": True, "again": False}


ANY_LAYOUT = """
    import inspect
    from ctrgcn_plugin.errors import ConfigError
    from ctrgcn_plugin.models import backbones
    from paddlevideo.modeling.backbones.ctrgcn import CTRGCN
    def same(**options):
        theirs, ours = CTRGCN(base_channel=8, **options), backbones.CTRGCN(base_channel=8, **options)
        paddle.seed(0)
        for name, value in theirs.state_dict().items():
            # so that the relations count, which start at nothing
            if name.endswith(("alpha", "gcn1.bn.weight")):
                value.set_value(paddle.rand(value.shape) + 0.5)
        missing = ours.set_state_dict(theirs.state_dict())
        channels, joints, persons = ours.clip_shape
        clips = paddle.randn([1, channels, 8, joints, persons])
        errors = []
        for mode in ("eval", "train"):
            features = []
            for net in (theirs, ours):
                getattr(net, mode)()
                features.append(net(clips)[0])
            errors.append(float((features[0] - features[1]).abs().max() / features[1].abs().max()))
        return [missing, max(errors)]
    def refused(**options):
        try:
            CTRGCN(**options)
        except ConfigError as error:
            return str(error)
    from pathlib import Path
    Path("arm.yaml").write_text("joints: {shoulder: null, elbow: shoulder, wrist: elbow}")
    answer(
        plane=same(graph="coco", in_channels=2, num_person=1),
        line=same(graph="arm.yaml", in_channels=1, num_point=3),
        default=same(graph_args={"labeling_mode": "spatial"}),
        refused=[
            refused(graph="coko"), refused(graph="coco", num_point=25), refused(graph="coco", graph_args={"labeling_mode": "x"})
        ],
        arguments=list(inspect.signature(CTRGCN).parameters),
    )
"""  # noqa: E501


def test_upstreams_ctrgcn_takes_any_layout_and_two_coordinates(probe):
    answered, printed = probe(ANY_LAYOUT)
    assert answered is not None, printed[-2000:]
    for name in ("plane", "line", "default"):
        missing, error = answered[name]
        assert missing == [[], []] and error < 1e-5, name
    graph, joints, mode = answered["refused"]
    assert "unknown graph 'coko'" in graph and "num_point is 25, but graph 'coco' has 17 joints" in joints
    assert "unknown graph_args.labeling_mode 'x'; available: spatial" in mode
    assert {"num_point", "graph", "graph_args", "in_channels", "adaptive"} <= set(answered["arguments"])


def test_upstreams_ctrgcn_without_the_fixes(probe):
    code = """
        from paddlevideo.modeling.backbones.ctrgcn import CTRGCN
        def raised(**options):
            try:
                CTRGCN(base_channel=8, **options)(paddle.zeros([1, 2, 8, 25, 2]))
            except Exception as error:
                return f"{type(error).__name__}: {error}"
        answer(layout=raised(graph="coco"), plane=raised(in_channels=2))
    """
    answered, printed = probe(code, off="any-layout,two-coordinates")
    assert answered is not None, printed[-2000:]
    assert answered["layout"] == "ValueError: "
    # in Paddle 3 and 2.6
    assert "size of filter at axis 0" in answered["plane"] or "size of the 0-th dim is 0" in answered["plane"]


STEP = """
    from paddlevideo.modeling.backbones import ctrgcn
    answers = {}
    for adaptive in (True, False):
        paddle.seed(0)
        net = ctrgcn.CTRGCN(base_channel=8, adaptive=adaptive)
        net.init_weights()
        net.to(dtype="float64")
        for name, value in net.state_dict().items():
            if name.endswith("alpha"):
                value.set_value(np.full(value.shape, 0.5))
        clips = paddle.to_tensor(np.random.default_rng(0).normal(size=(2, 3, 8, 25, 2)))
        net.train()
        features = net(clips)[0]
        (features * features).sum().backward()
        net.eval()
        answers[adaptive] = {
            "features": features.numpy().ravel().tolist(),
            "evaluated": net(clips)[0].numpy().ravel().tolist(),
            "gradients": {key: float(value.grad.norm()) for key, value in net.named_parameters() if value.grad is not None},
            "state": {key: float(value.astype("float64").norm()) for key, value in net.state_dict().items()},
        }
    answer(found=list(answers.values()), stock="conv3" in ctrgcn.CTRGC.forward.__code__.co_names and not ctrgcn.CTRGC.forward.__closure__)
"""  # noqa: E501


def test_upstreams_ctrgcn_learns_the_same_at_less_cost(probe):
    (cheap, printed), (plain, _) = probe(STEP), probe(STEP, off="ctrgcn-training-cost")
    assert cheap is not None, printed[-2000:]
    assert plain["stock"] and not cheap["stock"]
    for ours, theirs in zip(cheap["found"], plain["found"]):
        for what in ("features", "evaluated"):
            np.testing.assert_allclose(ours[what], theirs[what], rtol=1e-9, atol=1e-12)
            assert ours[what] != theirs[what], "not even the order of the sums is another"
        for what in ("gradients", "state"):
            assert ours[what].keys() == theirs[what].keys()
            # the gradient of a bias before batch normalisation is nothing but rounding
            assert ours[what] == {key: pytest.approx(value, rel=1e-7, abs=1e-9) for key, value in theirs[what].items()}


EXPORT = """
    import os
    from paddlevideo.modeling.backbones import AGCN2s
    paddle.seed(0)
    net = AGCN2s()
    net.eval()
    clips = paddle.randn([2, 3, 8, 25, 2])
    want = net(clips)
    spec = [paddle.static.InputSpec([None, 3, 8, 25, 2], "float32")]
    paddle.jit.save(paddle.jit.to_static(net, input_spec=spec, full_graph=True), "net")
    got = paddle.jit.load("net")(clips)
    answer(sum=float(want.abs().sum()), error=float((got - want).abs().max() / want.abs().max()))
"""


def test_agcn2s_is_exported_and_computes_what_it_did(probe):
    answered, printed = probe(EXPORT)
    assert answered is not None, printed[-2000:]
    assert answered["error"] < 1e-5
    plain = EXPORT[: EXPORT.index("    spec")] + "    answer(sum=float(want.abs().sum()))"
    assert probe(plain, off="agcn2s-export")[0]["sum"] == answered["sum"]
    answered, printed = probe(EXPORT, off="agcn2s-export")
    assert answered is None and "reshape_" in printed


DISTILLATION = """
    import inspect
    from paddlevideo.modeling.framework.recognizers import RecognizerDistillation
    from paddlevideo.utils.record import AverageMeter
    get_acc = RecognizerDistillation.get_acc
    upstreams = inspect.unwrap(get_acc)
    paddle.seed(0)
    def batch(classes):
        first, second = (paddle.randint(0, classes, [8, 1]) for _ in range(2))
        return paddle.randn([8, classes]), first, second
    def logged(values):
        meters = [AverageMeter() for _ in values]
        for meter, value in zip(meters, values):
            meter.update(value, 8)
        return [meter.avg for meter in meters]
    scores, first, second = batch(9)
    share = paddle.full([8], 0.3)
    few, few_first, few_second = batch(3)
    answer(
        plain=[logged(get(None, scores, [first], "Val")) for get in (get_acc, upstreams)],
        # upstream's own works where the share is one number
        mixed=[logged(get_acc(None, scores, [first, second, share])), logged(upstreams(None, scores, [first, second, share[0]]))],
        few=logged(get_acc(None, few, [few_first])),
        few_want=float((few.argmax(-1) == few_first.flatten()).astype("float32").mean()),
        few_mixed=logged(get_acc(None, few, [few_first, few_second, share])),
    )
"""  # noqa: E501


def test_distillation_logs_an_accuracy_of_mixed_and_of_few_classes(probe):
    answered, printed = probe(DISTILLATION)
    assert answered is not None, printed[-2000:]
    assert answered["plain"][0] == answered["plain"][1]
    assert answered["mixed"][0] == pytest.approx(answered["mixed"][1], rel=1e-6)
    assert answered["few"] == pytest.approx([answered["few_want"], 1])
    assert answered["few_mixed"][1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("off", "error"),
    [("distillation-mixup", "one element"), ("top5-of-few-in-distillation", "The rank (5) of the input 'k'")],
)
def test_distillation_fails_without_the_fix(probe, off, error):
    answered, printed = probe(DISTILLATION, off)
    assert answered is None and error in printed


METRIC = """
    from paddlevideo.metrics import build_metric
    from paddlevideo.utils import get_logger
    said = []
    get_logger("paddlevideo").info = said.append
    def averages(sizes, segments=1):
        metric = build_metric(dict(name="SkeletonMetric", data_size=sum(sizes), batch_size=max(sizes)))
        paddle.seed(0)
        right = []
        for number, size in enumerate(sizes):
            scores, labels = paddle.randn([size * segments, 9]), paddle.randint(0, 9, [size, 1])
            mean = scores.reshape([size, segments, 9]).mean(1)
            right.extend((mean.argmax(-1) == labels.flatten()).astype("float32").tolist())
            # the metric takes the number of segments from axis 1 of the data
            metric.update(number, [paddle.zeros([size, segments]), labels], scores)
        metric.accumulate()
        return [float(said[-1].split("avg_acc1= ")[1].split(",")[0]), sum(right) / len(right)]
    answer(equal=averages([8, 8]), last=averages([16, 16, 3]), segments=averages([6, 2], 3))
"""


def test_the_metric_averages_clips(probe):
    answered, printed = probe(METRIC)
    assert answered is not None, printed[-2000:]
    for name, (got, want) in answered.items():
        assert got == pytest.approx(want, abs=1e-6), name
    without = probe(METRIC, off="metric-weights")[0]
    assert without["equal"] == pytest.approx(answered["equal"], abs=1e-6)
    assert without["last"][0] != pytest.approx(without["last"][1], abs=1e-3)


def test_a_test_without_labels_writes_its_file_as_before(probe):
    code = """
        from pathlib import Path
        from paddlevideo.metrics import build_metric
        metric = build_metric(dict(name="SkeletonMetric", data_size=2, batch_size=1))
        for number, best in enumerate((2, 0)):
            scores = paddle.nn.functional.one_hot(paddle.to_tensor([best]), 3)
            metric.update(number, [paddle.zeros([1, 3])], scores)
        metric.accumulate()
        answer(lines=Path("submission.csv").read_text().split())
    """
    assert probe(code)[0] == {"lines": ["sample_index,predict_category", "0,2", "1,0"]}


def test_a_model_from_a_plain_dict(probe):
    """The dict stays as it was; a config's sections are handed on as the objects they are."""
    code = """
        import copy
        from paddlevideo.modeling.builder import build_model
        from paddlevideo.utils.config import AttrDict
        plain = dict(
            framework="RecognizerGCN", backbone=dict(name="CTRGCN", base_channel=8), runtime_cfg=dict(test=dict(n=[dict(a=1)])),
            head=dict(name="CTRGCNHead", in_channels=8, num_classes=6, loss_cfg=dict(name="CrossEntropyLoss")),
        )
        before = copy.deepcopy(plain)
        model = build_model(plain)
        attributes = AttrDict(plain, head=AttrDict(plain["head"]), runtime_cfg=AttrDict(test=1))
        answer(inner=model.runtime_cfg.test.n[0].a, name=model.head_name,
               untouched=plain == before and type(plain["runtime_cfg"]["test"]) is dict,
               same=build_model(attributes).runtime_cfg is attributes.runtime_cfg)
    """  # noqa: E501
    answered, printed = probe(code)
    assert answered == {"inner": 1, "name": "CTRGCNHead", "untouched": True, "same": True}, printed[-2000:]


MODALITIES = """
    from paddlevideo.loader.pipelines import SketeonModalityTransform
    from paddlevideo.utils import get_logger
    from ctrgcn_plugin.errors import ConfigError
    said = []
    get_logger("paddlevideo").info = said.append
    clip = np.random.default_rng(0).standard_normal((3, 5, 25, 2)).astype("float32")
    def transformed(**settings):
        try:
            return SketeonModalityTransform(**settings)({"data": clip.copy()})["data"].tolist()
        except ConfigError as error:
            return str(error)
    answer(
        clip=clip.tolist(),
        joint=transformed(joint=True, bone="Fasle", motion=False),
        bone=transformed(joint="Fasle", bone=True, motion=False),
        motion=transformed(joint="Fasle", bone=False, motion=True),
        bone_motion=transformed(joint="Fasle", bone=True, motion=True),
        none=transformed(bone=False, motion="Fasle", joint=False),
        said=[line for line in said if "Fasle" in line],
        errors=[transformed(bone=value, motion=True) for value in ("Ture", "False", "", None, 1)],
    )
"""


def test_bone_and_motion_models_get_bones_and_motions(probe):
    answered, printed = probe(MODALITIES)
    assert answered is not None, printed[-2000:]
    clip = np.array(answered["clip"])
    # the joint that each joint hangs on, in NTU's numbers from 1; the spine's, 21, hangs on itself
    towards = [2, 21, 21, 3, 21, 5, 6, 7, 21, 9, 10, 11, 1, 13, 14, 15, 1, 17, 18, 19, 21, 23, 8, 25, 12]
    bones = clip - clip[:, :, np.array(towards) - 1]
    want = {"joint": clip, "none": clip, "bone": bones}
    for name, data in (("motion", clip), ("bone_motion", bones)):
        want[name] = np.concatenate([np.diff(data, axis=1), np.zeros_like(data[:, :1])], axis=1)
    for name, data in want.items():
        np.testing.assert_allclose(answered[name], data, atol=1e-6, err_msg=name)
    assert len(answered["said"]) == 1
    assert answered["errors"][0] == "SketeonModalityTransform: bone must be True or False, got 'Ture'"
    assert all("must be True or False" in error for error in answered["errors"])
    without = probe(MODALITIES, off="modality-typo")[0]
    np.testing.assert_array_equal(without["bone"], without["clip"])


LABELS = """
    import os, pickle
    from paddlevideo.loader.dataset import SkeletonDataset
    from ctrgcn_plugin.errors import ConfigError
    np.save("data.npy", np.zeros((2, 3, 4, 25, 2), "float32"))
    def labels(path):
        try:
            return [int(label) for label in SkeletonDataset("data.npy", lambda results: results, path).label]
        except ConfigError as error:
            return str(error)
    answer(**{name: labels(name) for name in sorted(os.listdir()) if name.endswith((".pkl", ".npy")) and name != "data.npy"})
"""  # noqa: E501


def test_labels_of_every_plain_kind_are_read(probe, tmp_path):
    names = ["a", "b"]
    contents = {
        "lists": (names, [3, 1]),
        "tuples": (tuple(names), (3, 1)),
        "arrays": (np.array(names), np.array([3, 1])),
        "numbers": (names, list(np.array([3, 1], "int32"))),
        "objects": (np.array(names, object), np.array([3, 1], object)),
    }
    for name, content in contents.items():
        for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
            (tmp_path / f"{name}{protocol}.pkl").write_bytes(pickle.dumps(content, protocol))
    np.save(tmp_path / "array.npy", np.array([3, 1]))
    (tmp_path / "other.pkl").write_bytes(pickle.dumps((names, [Fraction(3), Fraction(1)])))
    answered, printed = probe(LABELS)
    assert answered is not None, printed[-2000:]
    refused = answered.pop("other.pkl")
    assert "label_path other.pkl is not read" in refused and "fractions.Fraction" in refused and "\n" not in refused
    assert len(answered) == 16 and all(labels == [3, 1] for labels in answered.values())
    assert probe(LABELS, off="label-unpickling")[0]["other.pkl"] == [3, 1]


HANDLERS = """
import signal, sys, threading
sys.path.insert(0, {root!r})
def mine(number, frame):
    pass
signal.signal(signal.SIGINT, mine)
plain, failures = signal.signal, []
def work():
    try:
        import paddlevideo.loader
    except ValueError as error:
        failures.append(str(error))
if "thread" in sys.argv:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
else:
    work()
kept = [signal.getsignal(signal.SIGINT) is mine, signal.getsignal(signal.SIGTERM) == signal.SIG_DFL]
print("ANSWER", failures, kept, signal.signal is plain)
"""


@pytest.mark.parametrize("where", ["thread", "main"])
def test_importing_sets_no_signal_handler(ppvideo_root, python, tmp_path, where):
    (tmp_path / "handlers.py").write_text(HANDLERS.format(root=str(ppvideo_root)))
    printed = python(["handlers.py", where], tmp_path).stdout
    assert "ANSWER [] [True, True] True" in printed, printed[-2000:]
    without = python(["handlers.py", where], tmp_path, PADDLEVIDEO_PLUGIN_FIXES="signal-handlers").stdout
    want = {"thread": "only works in main thread", "main": "ANSWER [] [False, False] True"}[where]
    assert want in without, without[-2000:]


LOADER = """
import sys, time
sys.path.insert(0, {root!r})
import numpy as np
import paddlevideo.loader
from paddle.io import DataLoader, Dataset
class Clips(Dataset):
    def __len__(self):
        return 10000
    def __getitem__(self, index):
        return np.zeros(3, "float32")
if __name__ == "__main__":
    from multiprocessing import active_children
    batches = iter(DataLoader(Clips(), batch_size=1, num_workers=2))
    next(batches)
    print("WORKERS", *(child.pid for child in active_children()), flush=True)
    time.sleep(120)
"""


def _alive(pid: int) -> bool:
    try:
        # a zombie that nobody waits for is no process that works
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _killed(root: Path, folder: Path, number: int, off: str = "") -> tuple[int, list[int]]:
    """(exit status, pids of the loader workers) of a run that its caller, who must live on, sends a signal."""
    (folder / "loader.py").write_text(textwrap.dedent(LOADER).format(root=str(root)))
    caller = f"""
import signal, subprocess, sys
# a job in a script's background is started with SIGINT ignored, and hands that on
signal.signal(signal.SIGINT, signal.SIG_DFL)
run = subprocess.Popen([sys.executable, "loader.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
workers = next(line for line in run.stdout if line.startswith("WORKERS"))
run.send_signal({int(number)})
run.stdout.close()
print(run.wait(60), workers)
"""
    # in a process group of its own, which stock upstream would end, this test with it
    result = subprocess.run(
        [sys.executable, "-c", caller],
        cwd=folder,
        env={**os.environ, "PADDLEVIDEO_PLUGIN_FIXES": off},
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    status, _, *workers = result.stdout.split()
    assert len(workers) == 2
    return int(status), [int(pid) for pid in workers]


def _left(workers: list[int], seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while any(map(_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return [pid for pid in workers if _alive(pid)]


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="reads /proc")


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_workers_do_not_outlive_a_killed_run_whose_caller_lives_on(ppvideo_root, tmp_path, number):
    status, workers = _killed(ppvideo_root, tmp_path, number)
    assert status in (-number, 1)
    assert _left(workers, 30) == []


@needs_proc
def test_workers_outlive_a_killed_run_without_the_fix(ppvideo_root, tmp_path):
    _, workers = _killed(ppvideo_root, tmp_path, signal.SIGKILL, off="orphaned-workers")
    # Paddle means to look every five seconds
    left = _left(workers, 12)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == workers


# on one core a process that has just been forked nearly always runs only when the one that forked it waits, so that the
# signal is there first
FORKED = """
import os, signal, sys, time
os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
sys.path.insert(0, {root!r})
import numpy as np
import paddlevideo.loader
from paddle.io import DataLoader, Dataset
class Clips(Dataset):
    def __len__(self):
        return 10
    def __getitem__(self, index):
        return np.zeros(3, "float32")
fork, workers = os.fork, []
def fork_and_end():
    worker = fork()
    if worker:
        os.kill(worker, signal.SIGTERM)
        workers.append(worker)
    return worker
def ends(worker):
    for _ in range(100):
        if os.waitpid(worker, os.WNOHANG)[0]:
            return True
        time.sleep(0.1)
os.fork = fork_and_end
for _ in range({times}):
    loader = iter(DataLoader(Clips(), batch_size=1, num_workers=1))
    if not ends(workers[-1]):
        print("STAYS", workers[-1], flush=True)
        os._exit(0)
print("ALL ENDED", len(workers), flush=True)
os._exit(0)
"""


@needs_proc
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux's")
@pytest.mark.parametrize("off", ["", "signalled-workers"])
def test_a_run_that_is_stopped_while_workers_start_ends(ppvideo_root, tmp_path, off):
    script, log = tmp_path / "forked.py", tmp_path / "log"
    script.write_text(FORKED.format(root=str(ppvideo_root), times=20))
    environment = {**os.environ, "PADDLEVIDEO_PLUGIN_FIXES": off}
    with log.open("w") as said:  # a pipe would wait for the worker, too
        subprocess.call([sys.executable, script], env=environment, stdout=said, stderr=said, timeout=120)
    printed = log.read_text()
    _, stays, worker = printed.partition("STAYS ")
    if stays:
        os.kill(int(worker.split()[0]), signal.SIGKILL)
    assert bool(stays) is bool(off) and ("ALL ENDED 20" in printed) is not bool(off), printed[-2000:]


def test_a_training_set_smaller_than_a_batch_is_named(ppvideo_root, small, narrow, python, tmp_path):
    config = "configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint.yaml"
    call = [ppvideo_root / "main.py", "--validate", "-c", config, *small, *narrow("light")]
    result = python([*call, "-o", "DATASET.batch_size=9"], tmp_path)
    assert result.returncode == 1 and "Traceback" not in result.stdout
    said = result.stdout.splitlines()[-1]
    assert said.startswith("error: the training set has 8 samples") and "a batch of 9 on each of 1 card" in said
    # validation keeps a batch that is not full
    result = python([*call, "-o", "DATASET.batch_size=8", "-o", "DATASET.test_batch_size=9"], tmp_path)
    assert result.returncode == 0, result.stdout[-2000:]
