"""The stand-in for the package auto_log, and upstream's benchmarks with it."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
import yaml

from ctrgcn_plugin import configs
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.models.network import build_network
from ctrgcn_plugin.upstream import auto_log

CONFIG = "configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint.yaml"
KEYS = ["preprocess_time", "inference_time", "postprocess_time"]
NUMBER, WHETHER = r"\d+(?:\.\d+)?", "True|False"
VERSION = r"None|[\d.]+"
PATTERNS = [
    "---------------------- Env info ----------------------",
    r" OS_version: \S.*",
    f" CUDA_version: (?:{VERSION})",
    f" CUDNN_version: (?:{VERSION})",
    f" drivier_version: (?:{VERSION})",
    "---------------------- Paddle info ----------------------",
    r" paddle_version: \d+\.\d+\.\d+\S*",
    " paddle_commit: [0-9a-f]{7,40}",
    r" log_api_version: 1\.0",
    "----------------------- Conf info -----------------------",
    " runtime_device: (?P<device>cpu|gpu|xpu)",
    f" ir_optim: (?P<ir_optim>{WHETHER})",
    " enable_memory_optim: (?P<memory_optim>True|None)",
    f" enable_tensorrt: (?P<tensorrt>{WHETHER})",
    f" enable_mkldnn: (?P<mkldnn>{WHETHER})",
    r" cpu_math_library_num_threads: (?P<threads>\d+)",
    "----------------------- Model info ----------------------",
    r" model_name: (?P<model>\S+)",
    r" precision: (?P<precision>\S+)",
    "----------------------- Data info -----------------------",
    r" batch_size: (?P<batch_size>\d+)",
    r" input_shape: (?P<shape>\S+)",
    r" data_num: (?P<data_num>\d+)",
    "----------------------- Perf info -----------------------",
    rf" cpu_rss\(MB\): (?P<rss>{NUMBER}), gpu_rss\(MB\): (?P<gpu>None|{NUMBER}), gpu_util: (?:None|{NUMBER})%",
    rf" total time spent\(s\): (?P<total>{NUMBER})",
    rf" preprocess_time\(ms\): (?P<preprocess>{NUMBER}), inference_time\(ms\): (?P<inference>{NUMBER}), "
    rf"postprocess_time\(ms\): (?P<postprocess>{NUMBER})",
]
LINE = re.compile(r"\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\] root INFO: (.*)")


def _lines(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if LINE.fullmatch(line)]


def _parsed(lines: list[str]) -> dict[str, str]:
    """What a report of just the layout's lines says."""
    assert len(lines) == len(PATTERNS), "\n".join(lines)
    found = {}
    for line, pattern in zip(lines, PATTERNS):
        match = re.fullmatch(pattern, LINE.fullmatch(line)[1])
        assert match, f"{line!r} is not {pattern!r}"
        found.update(match.groupdict())
    return found


class _Clock(SimpleNamespace):
    """A clock that moves when it is told to."""

    now = 1000.0
    strftime = staticmethod(time.strftime)

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(auto_log, "time", clock)
    return clock


@pytest.fixture
def logger(tmp_path):
    """An AutoLogger as upstream's scripts make it."""

    def make(**changes: object) -> auto_log.AutoLogger:
        arguments = {
            "model_name": "CTRGCN",
            "model_precision": "fp32",
            "batch_size": 1,
            "data_shape": "dynamic",
            "save_path": tmp_path / "output" / "auto_log.lpg",
            "inference_config": paddle.inference.Config(),
            "pids": os.getpid(),
            "process_name": None,
            "gpu_ids": None,
            "time_keys": KEYS,
            "warmup": 3,
        }
        return auto_log.AutoLogger(**{**arguments, **changes})

    return make


def _measure(times: auto_log.Times, clock: _Clock, batches: list[tuple[float, float, float]]) -> None:
    for steps in batches:
        clock.now += 7  # between batches
        times.start()
        for step in steps[:-1]:
            clock.now += step
            times.stamp()
        clock.now += steps[-1]
        times.end(stamp=True)


WARMING = [(9.0, 99.0, 9.0)] * 3
WARM = [(0.001, 0.1, 0.002), (0.003, 0.2, 0.004)]


def test_times(logger, clock, monkeypatch):
    """The warm-up is left out, and so are the looks at the memory."""

    def look(peaks: auto_log.Peaks) -> None:
        clock.now += 50

    monkeypatch.setattr(auto_log.Peaks, "look", look)
    times = logger().times
    _measure(times, clock, WARMING + WARM)
    assert len(times.batches) == 5 and not times.all_warmup
    assert np.allclose(times.batches, WARMING + WARM)
    assert times.means() == pytest.approx(dict(zip(KEYS, (0.002, 0.15, 0.003))))
    assert times.total() == pytest.approx(0.31)


def test_a_batch_ends_with_or_without_a_stamp(logger, clock):
    times = logger(time_keys=["a", "b"], warmup=0).times
    times.start()
    clock.now += 1
    times.stamp()
    clock.now += 2
    times.stamp()
    clock.now += 4
    times.end()
    assert times.means() == pytest.approx({"a": 1.0, "b": 2.0})
    times.start()
    with pytest.raises(RuntimeError, match="a batch of 1 steps, not of 2: a, b"):
        times.end(stamp=True)
    with pytest.raises(RuntimeError, match="before start"):
        times.stamp()
    assert len(times.batches) == 1


def test_report(logger, clock, capsys, tmp_path):
    autolog = logger()
    _measure(autolog.times, clock, WARMING + WARM)
    autolog.report()
    printed = capsys.readouterr().out
    found = _parsed(printed.splitlines())
    assert (found["model"], found["precision"], found["shape"]) == ("CTRGCN", "fp32", "dynamic")
    assert (found["batch_size"], found["data_num"]) == ("1", "5")
    assert (found["preprocess"], found["inference"], found["postprocess"]) == ("2.0", "150.0", "3.0")
    assert (found["total"], found["gpu"]) == ("0.31", "None")
    log = tmp_path / "output" / "auto_log.lpg"
    assert log.read_text() == printed
    autolog.report()
    assert log.read_text() == printed + capsys.readouterr().out


def test_the_root_logger_is_left_alone(logger, clock):
    handlers, level = list(logging.root.handlers), logging.root.level
    logger().report()
    assert (logging.root.handlers, logging.root.level) == (handlers, level)


@pytest.mark.parametrize("count", [0, 2, 3])
def test_no_more_batches_than_the_warmup(count, logger, clock, capsys):
    """All are timed, and the report says so first."""
    autolog = logger()
    _measure(autolog.times, clock, [(0.001, 0.1, 0.002)] * count)
    autolog.report()
    first, *lines = capsys.readouterr().out.splitlines()
    assert LINE.fullmatch(first)[1] == "no more batches than the 3 to warm up with: all of them are timed"
    if count:
        found = _parsed(lines)
        assert (found["data_num"], found["inference"]) == (str(count), "100.0")
    else:
        assert lines[-1].endswith(" preprocess_time(ms): None, inference_time(ms): None, postprocess_time(ms): None")


def test_memory(logger, capsys):
    """The highest of this process at a stamp: with 256 MiB that are given back before the report."""
    if not Path("/proc/self/statm").is_file():
        pytest.skip("no /proc")
    idle = auto_log.Peaks([os.getpid()], None)
    idle.look()
    autolog = logger(warmup=0)
    held = np.ones(2**25)
    autolog.times.start()
    autolog.times.stamp()
    autolog.times.stamp()
    del held
    autolog.times.end(stamp=True)
    autolog.report()
    rss = float(_parsed(capsys.readouterr().out.splitlines())["rss"])
    assert 250 < rss - idle.rss < 400


SMI = """#!{python}
import pathlib, sys
calls = pathlib.Path({calls!r})
with calls.open("a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
if "--query-gpu=driver_version" in sys.argv:
    print("460.32.03")
else:
    print(("100, 30", "2111, 90", "300, 5")[calls.read_text().count("memory.used") - 1])
"""


def test_gpu(logger, clock, capsys, monkeypatch, tmp_path):
    """Asked after batches, of the GPU that CUDA calls 0, no more than once a second; the most memory counts."""
    calls = tmp_path / "calls"
    tool = tmp_path / "nvidia-smi"
    tool.write_text(SMI.format(python=sys.executable, calls=str(calls)))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    autolog = logger(gpu_ids=0)
    for pause in (0, 0.1, 2, 2):
        clock.now += pause
        autolog.times.start()
        autolog.times.stamp()
        autolog.times.stamp()
        autolog.times.end(stamp=True)
    assert [line.split()[0] for line in calls.read_text().splitlines()] == ["--id=3"] * 3
    autolog.report()
    printed = capsys.readouterr().out
    assert " gpu_rss(MB): 2111.0, gpu_util: 90.0%" in printed and " drivier_version: 460.32.03\n" in printed


def test_settings_of_paddle(logger, clock, capsys):
    config = paddle.inference.Config()
    config.disable_gpu()
    config.set_cpu_math_library_num_threads(3)
    config.switch_ir_optim(False)
    config.disable_mkldnn()
    autolog = logger(inference_config=config)
    _measure(autolog.times, clock, WARMING + WARM)
    autolog.report()
    found = _parsed(capsys.readouterr().out.splitlines())
    assert (found["device"], found["threads"], found["ir_optim"]) == ("cpu", "3", "False")
    assert (found["memory_optim"], found["tensorrt"], found["mkldnn"]) == ("True", "False", "False")


@pytest.mark.parametrize("level, optimised", [("ORT_ENABLE_ALL", "True"), ("ORT_DISABLE_ALL", "False")])
def test_settings_of_onnxruntime(level, optimised, logger, clock, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 4
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    autolog = logger(inference_config=options)
    _measure(autolog.times, clock, WARMING + WARM)
    autolog.report()
    found = _parsed(capsys.readouterr().out.splitlines())
    assert (found["device"], found["threads"], found["ir_optim"]) == ("cpu", "4", optimised)
    assert (found["memory_optim"], found["tensorrt"], found["mkldnn"]) == ("None", "False", "False")


def test_a_log_that_cannot_be_written(logger, tmp_path):
    (tmp_path / "output").touch()
    with pytest.raises(UserError, match="--enable_benchmark cannot write its log .*auto_log.lpg"):
        logger()


# which auto_log a script gets


PROVIDE = """
import sys
{before}
from ctrgcn_plugin.upstream import auto_log as ours
ours.provide()
import auto_log
print("OURS" if auto_log is ours else auto_log.__file__)
"""


@pytest.fixture
def provided(python, tmp_path):
    def run(before: str = "") -> tuple[int, str]:
        (tmp_path / "provide.py").write_text(PROVIDE.format(before=before))
        result = python(["provide.py"], tmp_path)
        return result.returncode, result.stdout

    return run


def _skip_where_installed() -> None:
    if not auto_log.missing():
        pytest.skip("the package auto_log is installed")


def test_the_stand_in_is_imported_where_the_package_is_missing(provided):
    _skip_where_installed()
    status, printed = provided()
    assert status == 0 and printed.endswith("OURS\n"), printed
    status, printed = provided("import ctrgcn_plugin.upstream.auto_log as first; first.provide()")
    assert status == 0 and printed.endswith("OURS\n"), printed


@pytest.mark.parametrize("before", ["", "import auto_log"])
def test_the_package_wins(before, provided, tmp_path):
    (tmp_path / "auto_log").mkdir()
    file = tmp_path / "auto_log" / "__init__.py"
    file.touch()
    assert provided(before) == (0, f"{file}\n")


def test_a_forbidden_import_stays_forbidden(provided):
    _skip_where_installed()
    status, printed = provided('sys.modules["auto_log"] = None')
    assert status == 1 and "needs the package auto_log, and sys.modules['auto_log'] = None forbids" in printed


# upstream's scripts


@pytest.fixture(scope="module")
def exported(checkout_root, python, tmp_path_factory) -> Path:
    """A folder with a config, a clip and a list of clips, and a narrow network that tools/export_model.py exported."""
    folder = tmp_path_factory.mktemp("exported")
    content = yaml.safe_load(configs.find(CONFIG).read_text())
    content["model_name"] = "narrow"
    content["MODEL"]["backbone"]["base_channel"] = content["MODEL"]["head"]["in_channels"] = 8
    content["INFERENCE"]["window_size"] = 16
    (folder / "narrow.yaml").write_text(yaml.safe_dump(content))
    paddle.save(build_network(content["MODEL"]).state_dict(), str(folder / "narrow.pdparams"))
    clip = np.random.default_rng(1).standard_normal((3, 30, 25, 2)).astype("float32")
    np.save(folder / "clip.npy", clip)
    (folder / "list.txt").write_text("clip.npy\nclip.npy\n")
    call = ["-c", "narrow.yaml", "-p", "narrow.pdparams", "-o", "inf"]
    result = python([checkout_root / "tools/export_model.py", *call], folder)
    assert result.returncode == 0, result.stdout[-3000:]
    return folder


@pytest.fixture
def predict(exported, checkout_root, python, tmp_path):
    """Run tools/predict.py as a benchmark: (exit status, what it printed)."""
    files = ["--model_file", exported / "inf/narrow.pdmodel", "--params_file", exported / "inf/narrow.pdiparams"]
    call = [checkout_root / "tools/predict.py", "-c", exported / "narrow.yaml", *files, "--use_gpu=False"]

    def run(*arguments: object, cwd: Path = tmp_path, **environment: str) -> tuple[int, str]:
        result = python([*call, "--enable_benchmark=True", *arguments], cwd, **environment)
        return result.returncode, result.stdout

    return run


def test_upstreams_benchmark(predict, exported, tmp_path):
    _skip_where_installed()
    status, printed = predict("-i", exported / "clip.npy", "--cpu_threads=2")
    assert status == 0, printed[-3000:]
    assert "the package auto_log is not installed, ctrgcn-plugin measures in its place" in printed
    lines = _lines(printed)
    found = _parsed(lines)
    assert (found["model"], found["data_num"], found["device"]) == ("narrow", "15", "cpu")
    assert (found["threads"], found["mkldnn"], found["ir_optim"]) == ("2", "False", "True")
    steps = [float(found[step]) for step in ("preprocess", "inference", "postprocess")]
    assert float(found["inference"]) > 0 and float(found["total"]) == pytest.approx(12 * sum(steps) / 1000, abs=1e-3)
    assert 50 < float(found["rss"]) < 20_000
    assert (tmp_path / "output" / "auto_log.lpg").read_text().splitlines() == lines


def test_upstreams_benchmark_of_a_short_list(predict, exported):
    _skip_where_installed()
    status, printed = predict("-i", "list.txt", "--time_test_file=True", cwd=exported)
    assert status == 0, printed[-3000:]
    first, *lines = _lines(printed)
    assert "no more batches than the 3" in first and _parsed(lines)["data_num"] == "2"


def test_upstreams_benchmark_with_the_fix_off(predict, exported):
    _skip_where_installed()
    status, printed = predict("-i", exported / "clip.npy", PADDLEVIDEO_PLUGIN_FIXES="predict-auto-log")
    assert status == 1 and "UnboundLocalError" in printed


FAKE = """
from types import SimpleNamespace
class AutoLogger:
    def __init__(self, **arguments):
        ignore = lambda *args, **kwargs: None
        self.times = SimpleNamespace(start=ignore, stamp=ignore, end=ignore)
    def report(self):
        print("THE PACKAGE REPORTS")
"""


def test_upstreams_benchmark_with_the_package(predict, exported, tmp_path):
    (tmp_path / "auto_log.py").write_text(FAKE)
    status, printed = predict("-i", exported / "clip.npy", PYTHONPATH=str(tmp_path))
    assert status == 0, printed[-3000:]
    assert "THE PACKAGE REPORTS" in printed and not _lines(printed)


@pytest.mark.parametrize("off", [False, True])
def test_upstreams_onnx_benchmark(off, checkout_root, exported, python, tmp_path):
    """A fault of its own to the same name; any model that takes a clip will do."""
    _skip_where_installed()
    onnx, _ = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    size = (1, 3, 16, 25, 2)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Flatten", ["clip"], ["scores"])],
        "flatten",
        [onnx.helper.make_tensor_value_info("clip", onnx.TensorProto.FLOAT, size)],
        [onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, (1, int(np.prod(size))))],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(tmp_path / "flatten.onnx"))
    script = checkout_root / "deploy/paddle2onnx/predict_onnx.py"
    call = [script, "-c", exported / "narrow.yaml", "-i", exported / "clip.npy", "--onnx_file=flatten.onnx"]
    environment = {"PADDLEVIDEO_PLUGIN_FIXES": "predict-auto-log"} if off else {}
    result = python([*call, "--enable_benchmark=True", "--cpu_threads=1"], tmp_path, **environment)
    if off:
        assert result.returncode == 1 and "UnboundLocalError" in result.stdout
        return
    assert result.returncode == 0, result.stdout[-3000:]
    found = _parsed(_lines(result.stdout))
    assert (found["model"], found["data_num"], found["threads"]) == ("narrow", "15", "1")
    assert float(found["inference"]) > 0 and found["memory_optim"] == "None"
