"""Benchmarks: known numbers, real models in real processes, foreign ones, those that fail, early refusals."""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import numpy as np
import onnx
import paddle
import pytest
import yaml

from ctrgcn_plugin.benchmark import latency, machines
from ctrgcn_plugin.benchmark import measuring as benchmark
from ctrgcn_plugin.benchmark import plan as benchmark_plan
from ctrgcn_plugin.benchmark import worker as benchmark_case
from ctrgcn_plugin.benchmark.latency import Measurement, as_csv, as_table, quartiles, summarise
from ctrgcn_plugin.benchmark.measuring import Outputs, mkl_advice, mkl_speedup, turn_order
from ctrgcn_plugin.benchmark.plan import Case, Model, Plan, cases_of, find_case, find_models
from ctrgcn_plugin.benchmark.worker import CaseError, Job, Worker
from ctrgcn_plugin.cli import main
from ctrgcn_plugin.deploy import engines, gate
from ctrgcn_plugin.deploy.card import Card
from ctrgcn_plugin.deploy.export import export
from ctrgcn_plugin.deploy.writing import Order
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError
from ctrgcn_plugin.models.network import build_network

SHAPE = (3, 16, 25, 2)
CONFIG: dict[str, Any] = {
    "MODEL": {
        "backbone": {"name": "CTRGCN_lightV2", "base_channel": 8},
        "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": 5},
    },
    "INFERENCE": {"window_size": SHAPE[1]},
    "model_name": "tiny",
}
ORDERS = {"plain": Order("plain"), "onnx": Order(engine=engines.ONNXRUNTIME)}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one network's exports, and ``foreign``, an export without its card."""
    folder = tmp_path_factory.mktemp("benchmark")
    paddle.seed(0)
    network = build_network(CONFIG["MODEL"])
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    paddle.save(network.state_dict(), str(folder / "best.pdparams"))
    for name, order in ORDERS.items():
        export(folder / "config.yaml", folder / "best.pdparams", folder / name, order=order)
    (folder / "empty").mkdir()
    shutil.copytree(folder / "plain", folder / "foreign", ignore=shutil.ignore_patterns("*.yaml"))
    return folder


@pytest.fixture(autouse=True)
def here(work: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In that folder; no advice, which takes its time."""
    monkeypatch.chdir(work)
    monkeypatch.setattr(machines, "is_amd", lambda: False)
    before = {*work.rglob("*")}
    yield
    assert not [path for path in {*work.rglob("*")} - before if path.suffix == ".part"]


def flattening(path: Path, shape: tuple[Any, ...] = ("n", *SHAPE)) -> Path:
    """A foreign ONNX model whose scores are its clips."""
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Flatten", ["x"], ["y"])],
        "flattening",
        [value("x", onnx.TensorProto.FLOAT, shape)],
        [value("y", onnx.TensorProto.FLOAT, ("n", "k"))],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


def refused(match: str, *arguments: object, capsys: pytest.CaptureFixture[str]) -> None:
    """The command fails, with one line."""
    assert main(["benchmark", *map(str, arguments)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ctrgcn: error: ") and err.count("\n") == 1
    assert match in err


def test_quartiles() -> None:
    assert quartiles([5.0, 1.0, 4.0, 2.0, 3.0]) == (2.0, 3.0, 4.0)
    assert quartiles([1.0, 2.0]) == (1.25, 1.5, 1.75)
    assert quartiles([7.0]) == (7.0, 7.0, 7.0)


def of(case: str, batch: int = 1, **values: Any) -> Measurement:
    return Measurement(case, "m", "paddle/default", 1, batch, 2, 1.5, **values)


def test_statistics_of_known_numbers() -> None:
    base = of("base", seconds=[0.010, 0.020, 0.040])
    eight = of("eight", batch=8, seconds=[0.040, 0.160, 0.080])
    failed = of("failed", failed="no reason")
    one, other, none = summarise([base, eight, failed], "base")
    assert (one["median_ms"], one["min_ms"], one["ratio"], one["ratio_q1"], one["ratio_q3"]) == (20, 10, 1, 1, 1)
    assert one["clips_per_second"] == 50
    # for a clip: 5, 20 and 10 ms, to 10, 20 and 40: the rounds' ratios are 2, 1 and 4
    expected = {"median_ms": 80, "q1_ms": 60, "q3_ms": 120, "min_ms": 40, "clips_per_second": 100}
    ratios = {"ratio": 2, "ratio_q1": 1.5, "ratio_q3": 3}
    assert {key: other[key] for key in {**expected, **ratios}} == pytest.approx({**expected, **ratios})
    assert (none["median_ms"], none["ratio"], none["size_mb"], none["failed"]) == (None, None, 1.5, "no reason")
    assert list(one) == list(other) == list(none)

    rows = summarise([base, failed, eight], "failed")
    assert [row["ratio"] for row in rows] == [None, None, None]
    header, *lines = as_table(rows).splitlines()
    assert lines[1] == "failed  failed: no reason"
    assert len({len(header), len(lines[0]), len(lines[2])}) == 1
    assert "accuracy" not in header
    assert "accuracy" in as_table(summarise([of("a", accuracy=81.25)], "a"))
    assert as_table(summarise([failed], "failed")).splitlines()[1] == lines[1]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
def test_turns(count: int) -> None:
    rounds = 2 * count if count % 2 else count
    turns = [turn_order(count, turn) for turn in range(rounds)]
    assert all(sorted(turn) == list(range(count)) for turn in turns)
    follows = [pair for turn in turns for pair in zip(turn, turn[1:])]
    # everybody after everybody else, all equally often
    assert {*follows} == {*itertools.permutations(range(count), 2)}
    assert len({follows.count(pair) for pair in follows}) <= 1
    for one in range(count if count > 2 else 0):
        # and not only in the long run
        assert len({before for turn in turns[:4] for before, after in zip(turn, turn[1:]) if after == one}) > 1


def test_clips_are_the_same_for_all() -> None:
    def clips(batch: int, persons: int, leaves_out: bool = False) -> np.ndarray:
        return Job("m", "s", 1, SHAPE, batch, persons, leaves_out).clips()

    everybody = clips(8, 2)
    assert (everybody.shape, everybody.dtype) == ((8, *SHAPE), np.float32)
    np.testing.assert_array_equal(clips(1, 2), everybody[:1])
    np.testing.assert_array_equal(clips(8, 1)[..., 0], everybody[..., 0])
    assert not clips(8, 1)[..., 1].any() and everybody[..., 1].any()
    np.testing.assert_array_equal(clips(8, 1, leaves_out=True), everybody[..., :1])
    assert not np.array_equal(everybody[0], everybody[1])


def test_measures(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "broken.onnx").write_bytes(b"nothing")
    baseline = "upstream paddle/onednn_off t1 b2 p1"
    what = "onnx upstream=foreign bad=broken.onnx --setting onnxruntime/default paddle/onednn_off --batch 2"
    how = "--persons 2 1 --rounds 3 --reference plain --csv out/a.csv --json out/a.json --plot out/a.png"
    line = [*what.split(), *how.split()]
    line += ["--accuracy", "onnx/tiny=80.25", "bad=1", "upstream=70", "--baseline", baseline]
    assert main(["benchmark", *line]) == 1  # for one that failed
    table, err = capsys.readouterr()
    assert err == ""

    record = json.loads((work / "out/a.json").read_text())
    cases = {case["case"]: case for case in record["cases"]}
    models = ("onnx/tiny onnxruntime/default", "upstream paddle/onednn_off")
    sound = {f"{model} t1 b2 p{persons}" for model in models for persons in (2, 1)}
    assert {name for name, case in cases.items() if not case["failed"]} == sound
    assert {*cases} - sound == {f"bad onnxruntime/default t1 b2 p{persons}" for persons in (2, 1)}
    for name, case in cases.items():
        assert len(case["seconds"]) == (3 if name in sound else 0)
    for name in sound:
        case = cases[name]
        assert 0 < case["min_ms"] <= case["q1_ms"] <= case["median_ms"] <= case["q3_ms"] < 1e4
        assert case["median_ms"] == pytest.approx(1e3 * np.median(case["seconds"]))
        assert case["clips_per_second"] == pytest.approx(2e3 / case["median_ms"])
        assert 10 < case["loaded_mb"] <= case["peak_mb"] < 2000
        assert case["median_ms"] / 1e3 < case["load_s"] < 100
        assert case["error"] <= 2e-5
    files = [work / "foreign" / name for name in ("tiny.json", "tiny.pdiparams")]
    assert cases[baseline]["size_mb"] == sum(file.stat().st_size for file in files) / 1e6
    assert (cases[baseline]["ratio"], cases[baseline]["ratio_q1"], record["baseline"]) == (1.0, 1.0, baseline)
    # without Paddle in the process
    assert 2 * cases["onnx/tiny onnxruntime/default t1 b2 p2"]["peak_mb"] < cases[baseline]["peak_mb"]
    assert record["versions"]["paddle"] == paddle.__version__
    assert record["machine"]["cores"] == os.cpu_count() and record["machine"]["cpu"]
    assert record["command"].startswith("ctrgcn benchmark onnx upstream=foreign bad=broken.onnx --setting ")
    assert record["command"].endswith("--csv a.csv --json a.json --plot a.png")
    assert str(work) not in json.dumps(record)
    assert "broken.onnx cannot be loaded" in cases["bad onnxruntime/default t1 b2 p1"]["failed"]

    with (work / "out/a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["case"] for row in rows] == list(cases)
    for row in rows:
        there = {key: "" if value is None else str(value) for key, value in cases[row["case"]].items()}
        assert row == {key: value for key, value in there.items() if key != "seconds"}

    lines = {line[:40].split("  ")[0]: line for line in table.splitlines()}
    assert re.search(r"  1\.00 +1\.00 to 1\.00  ", lines[baseline])
    assert lines[baseline].endswith(" 70.00")
    assert "  failed: broken.onnx cannot" in lines["bad onnxruntime/default t1 b2 p2"]
    assert table.splitlines()[-1] == f"ratio: times as fast, for a clip, as {baseline}; 3 rounds"
    assert not_blank(work / "out/a.png")


def not_blank(file: Path) -> bool:
    image = pytest.importorskip("PIL.Image")
    with image.open(file) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    drawn = (np.ptp(pixels.astype(int), axis=-1) > 50).sum()  # coloured: the markers
    return min(pixels.shape[:2]) > 300 and bool(drawn > 200)


def test_default_settings_and_threads(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "onnx", "--threads", "1", "2", "1", "--rounds", "1"]) == 0
    names = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()[1:-1]]
    assert names == ["onnx/tiny onnxruntime/default t1 b1 p2", "onnx/tiny onnxruntime/default t2 b1 p2"]


def test_cases(work: Path) -> None:
    def settings(model: str, *asked: str) -> list[str]:
        return [case.setting.name for case in cases_of(Plan([model], asked), find_models([model]), SHAPE)]

    assert settings("plain") == list(Card.read(work / "plain/tiny.json").verified)
    assert settings("foreign") == ["paddle/default", "paddle/onednn_off"]
    (work / "half").mkdir()
    for file in (work / "plain").iterdir():
        shutil.copy(file, work / "half")
    content = {**yaml.safe_load((work / "half/tiny.json.yaml").read_text()), "verified": {"paddle/onednn_off": 0.0}}
    (work / "half/tiny.json.yaml").write_text(yaml.safe_dump(content))
    assert settings("half") == ["paddle/onednn_off"]
    assert settings("half", "paddle/default") == ["paddle/default"]

    both = ["paddle/default", "onnxruntime/default"]
    plan = Plan(["a=onnx", "onnx", "foreign"], both, [1, 2], [1, 8], [2, 1])
    cases = cases_of(plan, find_models(plan.models), SHAPE)
    assert len({case.name for case in cases}) == len(cases) == 3 * 2 * 2 * 2
    assert cases[0].name == "a onnxruntime/default t1 b1 p2"
    # whose absent persons are left out
    out = {(case.model.name, case.job.persons) for case in cases if case.job.leaves_out}
    assert out == {("a", 1), ("onnx/tiny", 1)}
    shutil.copy(work / "onnx/tiny.onnx", work / "half")
    assert [model.name for model in find_models(["half"])] == ["half/tiny.json", "half/tiny.onnx"]
    assert [model.name for model in find_models(["x=half", "y=./plain"])] == ["x.json", "x.onnx", "y"]
    Path("a=b").symlink_to("onnx")
    assert [(model.name, model.file.name) for model in find_models(["a=b"])] == [("onnx/tiny", "tiny.onnx")]
    Path("a=b").unlink()
    shutil.rmtree(work / "half")


def test_finds_a_baseline() -> None:
    names = ["a paddle/default t1 b1 p2", "a paddle/default t16 b1 p2", "ab paddle/default t1 b1 p2"]
    assert find_case(names[1], names) == names[1]
    assert find_case("a paddle/default t1", names) == names[0]
    assert find_case("ab", names) == find_case("ab pad", names) == names[2]
    with pytest.raises(UserError, match="'a' may be any of: a paddle/default t1 b1 p2, a paddle/default t16 b1 p2;"):
        find_case("a", names)
    with pytest.raises(UserError, match="no case is called 'c', .* the cases are: a paddle.* ab paddle"):
        find_case("c", names)


def test_foreign_onnx(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flattening(work / "flat.onnx", (1, *SHAPE))
    assert main(["benchmark", "flat.onnx", "--batch", "1", "2", "--rounds", "1"]) == 1
    header, one, two, *_ = capsys.readouterr().out.splitlines()
    assert one.split()[-1] == "-"  # no error: nobody knows what would be right
    assert "failed: flat.onnx does not run on clips (2, 3, 16, 25, 2): " in two

    # with a reference, that it computes something else is seen
    assert main(["benchmark", "free=flat.onnx", "--rounds", "1", "--reference", "onnx"]) == 1
    assert "failed: its scores of the probes have shape (2, 2400), not (2, 5)" in capsys.readouterr().out


def test_a_model_without_a_size_of_its_own(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flattening(work / "open.onnx", ("n", 3, "t", 25, 2))
    refused("no file of a says how large T of its clips", "a=open.onnx", capsys=capsys)
    models = find_models(["open.onnx", "onnx"])
    assert benchmark_plan.clip_shape(models) == SHAPE
    flattening(work / "open.onnx", ("n", 3, 64, 25, 2))
    refused("different shapes: a (3, 64, 25, 2), onnx/tiny (3, 16, 25, 2)", "a=open.onnx", "onnx", capsys=capsys)
    flattening(work / "open.onnx", ("n", 3, 64))
    refused("an input of 3 axes; clips have 5", "a=open.onnx", capsys=capsys)
    (work / "open.onnx").write_bytes(b"")
    refused("C of its clips (C, T, V, M) is (", "a=open.onnx", capsys=capsys)


def test_wrong_scores_and_a_damaged_file(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = Path(shutil.copytree("onnx", work / "other"))
    card = yaml.safe_load((other / "tiny.onnx.yaml").read_text())
    card["probe"] = [[2 * score for score in scores] for scores in card["probe"]]
    (other / "tiny.onnx.yaml").write_text(yaml.safe_dump(card))
    damaged = Path(shutil.copytree("onnx", work / "damaged"))
    (damaged / "tiny.onnx").write_bytes(b"")
    assert main(["benchmark", "damaged", "other", "--rounds", "2"]) == 1
    header, one, two, *notes = capsys.readouterr().out.splitlines()
    assert "  failed: tiny.onnx is damaged or not the file that was exported" in one
    assert two.split()[-1] == "5.0e-01" and " - " in two
    assert notes[1] == "no ratios: the baseline damaged/tiny onnxruntime/default t1 b1 p2 failed"
    assert notes[2].startswith("other/tiny onnxruntime/default t1 b1 p2 computes wrong scores: off by 0.5 ")
    shutil.rmtree(other)
    shutil.rmtree(damaged)


def test_a_process_that_dies(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model,) = find_models(["onnx"])
    with Worker() as worker:
        worker._process.send_signal(signal.SIGSEGV)
        with pytest.raises(CaseError, match="^its process died: SIGSEGV$"):
            worker.ask("peak_mb")

    # while the cases are run in turn: the others are measured all the same
    job = Job(str(model.file), "onnxruntime/default", 1, SHAPE, 1, 2, False)
    cases = [Case(Model(name, model.file, model.card), engines.SETTINGS[job.setting], job) for name in "abc"]
    runs = itertools.count()
    rightly = Worker.run

    def run(self: Worker, number: int) -> float:
        if next(runs) == 4:
            self._process.kill()
        return rightly(self, number)

    monkeypatch.setattr(Worker, "run", run)
    results: dict[str, dict[str, Any]] = {case.name: {} for case in cases}
    benchmark._interleave(cases, results, rounds=4)
    assert sorted(len(result.get("seconds", ())) for result in results.values()) == [0, 4, 4]
    assert {"failed": "its process died: SIGKILL"} in results.values()


def test_memory_is_the_processs_own() -> None:
    ballast = np.ones(40_000_000)  # 320 MB
    with Worker() as worker:
        own = worker.ask("peak_mb")
    peak: Optional[float] = benchmark_case.peak_mb()
    assert own < 200 < ballast.nbytes / 1e6 < (peak or 0)


def test_openvino_has_processes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    loaders: dict[str, list[Worker]] = {}
    monkeypatch.setattr(
        Worker, "load", lambda self, job: loaders.setdefault(job.setting, []).append(self) or {"number": 0}
    )
    monkeypatch.setattr(Worker, "run", lambda self, number: 0.1)
    model = Model("m", Path("m.pdmodel"), None)
    names = ("paddle/default", "paddle/onednn_off", "paddle-openvino/default")
    cases = [
        Case(model, engines.SETTINGS[name], Job("", name, 1, SHAPE, batch, 2, False))
        for name in names
        for batch in (1, 8)
    ]
    benchmark._interleave(cases, {case.name: {} for case in cases}, rounds=1)
    shared = {*loaders["paddle/default"], *loaders["paddle/onednn_off"]}
    assert len(shared) == 1
    assert len({*loaders["paddle-openvino/default"]} - shared) == 2


def test_the_order_of_runs(monkeypatch: pytest.MonkeyPatch, work: Path) -> None:
    ran: list[int] = []
    monkeypatch.setattr(Worker, "load", lambda self, job: {"number": job.batch})
    monkeypatch.setattr(Worker, "run", lambda self, number: float(ran.append(number) or len(ran)))
    (model,) = find_models(["onnx"])
    setting = engines.SETTINGS["onnxruntime/default"]
    cases = [Case(model, setting, Job("", setting.name, 1, SHAPE, n, 2, False)) for n in range(3)]
    results: dict[str, dict[str, Any]] = {case.name: {} for case in cases}
    benchmark._interleave(cases, results, rounds=4)
    assert ran == [n for turn in range(4) for n in turn_order(3, turn)]
    for place, case in enumerate(cases):
        assert results[case.name]["seconds"] == [1 + at for at, number in enumerate(ran) if number == place]


def test_the_advice_for_amd(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert mkl_advice(1.19) == []
    (line,) = mkl_advice(2.04)
    assert "2.0 times as fast" in line and "MKL_DEBUG_CPU_TYPE=5" in line

    asked = []
    monkeypatch.setattr(machines, "is_amd", lambda: True)
    monkeypatch.setattr(benchmark, "mkl_speedup", lambda case: asked.append(case.name) or 1.6)
    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE", raising=False)
    monkeypatch.setattr(benchmark, "_alone", lambda case, expected: {})
    monkeypatch.setattr(Worker, "load", lambda self, job: {"number": 0})
    monkeypatch.setattr(Worker, "run", lambda self, number: 0.1)
    plan = Plan(["onnx", "plain"])
    assert "1.6 times" in benchmark.measure(plan).notes[0]
    assert benchmark.measure(Plan(["onnx"])).mkl_speedup is None
    monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", "5")
    assert benchmark.measure(plan).mkl_speedup is None

    def fails(case: Case) -> float:
        raise CaseError("its process died")

    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE")
    monkeypatch.setattr(benchmark, "mkl_speedup", fails)
    assert benchmark.measure(plan).notes == []
    assert asked == ["plain/tiny paddle/default t1 b1 p2"]


def test_tries_the_variable_in_processes_of_its_own(work: Path) -> None:
    (model,) = find_models(["onnx"])
    setting = engines.SETTINGS["onnxruntime/default"]
    job = Job(str(model.file), setting.name, 1, SHAPE, 1, 2, False)
    before = dict(os.environ)
    assert 0.05 < mkl_speedup(Case(model, setting, job), rounds=2) < 20
    assert dict(os.environ) == before


def test_probes_are_run_as_the_clips_are() -> None:
    seen = []

    class Recorder:
        def run(self, x: np.ndarray) -> np.ndarray:
            seen.append(x.shape)
            return x.sum(axis=(1, 2, 3, 4))[:, None]

    expected = gate.probes(SHAPE).sum(axis=(1, 2, 3, 4))[:, None]
    for batch, leaves_out in itertools.product((1, 2, 3), (False, True)):
        scores = Job("m", "s", 1, SHAPE, batch, 1, leaves_out).probe(Recorder())
        np.testing.assert_allclose(scores, expected, rtol=1e-4)
        apart = [(batch, *SHAPE), (batch, *SHAPE[:-1], 1 if leaves_out else 2)]
        # never more clips at once than the case has, which may be all that a foreign model takes
        assert seen == (apart if leaves_out or batch == 1 else apart[:1])
        seen.clear()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ("nowhere", "no model at nowhere"),
        ("config.yaml", "no model at config.yaml; give a .json or .pdmodel or .onnx file"),
        ("empty", "no model in empty"),
        ("onnx --rounds 0", "rounds must be at least 1, got 0"),
        ("onnx --threads 2 -1", "threads must be at least 1, got -1"),
        ("onnx --batch 0", "batch must be at least 1, got 0"),
        ("onnx --persons 3", "persons must be at most 2"),
        ("onnx --setting onnxruntime/defaul", "Did you mean 'onnxruntime/default'"),
        ("onnx --setting paddle/default", "setting paddle/default takes none of tiny.onnx"),
        ("onnx plain --setting paddle/default", "no setting fits onnx/tiny (tiny.onnx): paddle/default do not take"),
        ("onnx onnx", "several models are called onnx/tiny; give them names, NAME=PATH"),
        ("onnx --baseline other", "no case is called 'other', for a baseline; the cases are: onnx/tiny onnxruntime"),
        ("onnx --reference foreign", "the reference foreign/tiny has no card"),
        ("onnx --accuracy other=3", "unknown model with an accuracy 'other'; available: onnx/tiny"),
        ("onnx --accuracy onnx/tiny=101", "must be a number from 0 to 100, per cent, got '101'"),
        ("a=onnx b=onnx --accuracy a=1", "no accuracy of b; give it for all models or none"),
        ("onnx --csv config.yaml/out.csv", "cannot write config.yaml/out.csv: Not a directory"),
        ("onnx --json onnx", "cannot write onnx: it is a folder"),
        ("onnx --plot /proc/none/such.png", "cannot write /proc/none/such.png: "),
        ("onnx --csv a --json a", "one file for several outputs"),
    ],
)
def test_refuses(
    arguments: str, match: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, work: Path
) -> None:
    monkeypatch.setattr(Worker, "load", lambda *_: pytest.fail("it is too late for that"))
    before = {*work.rglob("*")}
    refused(match, *arguments.split(), capsys=capsys)
    assert {*work.rglob("*")} == before


def test_a_model_in_parts(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "alone.json").write_text("{}")
    refused("no alone.pdiparams in .; it belongs to alone.json", "alone.json", capsys=capsys)
    (work / "alone.json").unlink()
    for name in ("a.onnx", "b.onnx"):
        (work / "two").mkdir(exist_ok=True)
        (work / "two" / name).write_bytes(b"")
    refused("several models in two: a.onnx, b.onnx; give their paths", "two", capsys=capsys)


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(Worker, "load", lambda *_: pytest.fail("it is too late for that"))
    refused('pip install "ctrgcn-plugin[plot]"', "onnx", "--plot", "a.png", capsys=capsys)
    with pytest.raises(EnvironmentSetupError):
        Outputs(plot=Path("a.png")).check()


def test_plots(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    before = matplotlib.get_backend(auto_select=False) if matplotlib.__version_info__ >= (3, 10) else None
    many = [
        Measurement(f"{n}", f"m{n}", setting, 1, 1, 2, 0.5, seconds=[0.010 + 0.0002 * n, 0.011])
        for n, setting in enumerate(6 * ["paddle/default", "paddle/onednn_off", "onnxruntime/default"])
    ]
    rows = summarise([*many, of("failed", failed="so")], "0")
    with (tmp_path / "many.png").open("wb") as file:
        latency.plot(rows, file, title="a machine")
    assert not_blank(tmp_path / "many.png")
    with (tmp_path / "none.png").open("wb") as file:
        latency.plot(rows[-1:], file)
    assert not not_blank(tmp_path / "none.png")
    if before is not None:
        assert matplotlib.get_backend(auto_select=False) == before
    assert as_csv(rows).count("\n") == len(rows) + 1
