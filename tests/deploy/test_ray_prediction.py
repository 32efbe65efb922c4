"""``ctrgcn predict --ray``: on a cluster of two nodes every clip is answered once, as in one process, whatever dies."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import untrained
import yaml

from ctrgcn_plugin.cli import main
from ctrgcn_plugin.data import clips as clip_formats
from ctrgcn_plugin.deploy import engines, gate, selection
from ctrgcn_plugin.deploy.export import export
from ctrgcn_plugin.deploy.predictor import Predictor
from ctrgcn_plugin.deploy.ray import prediction
from ctrgcn_plugin.deploy.ray.cluster import LOCAL, Cluster
from ctrgcn_plugin.deploy.ray.worker import Job, Worker, packed, schema, table, unanswered
from ctrgcn_plugin.deploy.writing import Order
from ctrgcn_plugin.errors import ConfigError, EnvironmentSetupError

NAMES = ["sit down", "stand up", "fall"]
SHAPE = (3, 20, 25, 2)
CONFIG: dict[str, Any] = {
    "MODEL": {
        "backbone": {"name": "CTRGCN_lightV2", "base_channel": 8},
        "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": len(NAMES)},
    },
    "INFERENCE": {"window_size": 16, "p_interval": [0.95]},
    "model_name": "tiny",
}
# a cluster takes seconds to start, an actor as well: what kills many of them is run where this is set
LONG = pytest.mark.skipif(not os.environ.get("EVERY_RAY"), reason="starts dozens of actors; set EVERY_RAY to run it")

if sys.platform != "linux":
    pytest.skip("the processes of actors are looked up in /proc", allow_module_level=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of no training, in the engine here that loads fastest."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    untrained.save(CONFIG["MODEL"], folder / "best.pdparams")
    engine = next(name for name in (engines.ONNXRUNTIME, engines.PADDLE) if engines.missing(name) is None)
    export(folder / "config.yaml", folder / "best.pdparams", folder / "model", order=Order(engine=engine))
    return folder / "model"


@pytest.fixture(scope="module")
def files(model: Path) -> dict[str, bytes]:
    return packed(selection.find_models(model))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared data of eight clips, each named by its row; the last has a value that is none."""
    path = tmp_path_factory.mktemp("data") / "val_data.npy"
    rows = gate.skeletons(np.random.default_rng(0), (8, *SHAPE)).astype("float32")
    rows[1, ..., 1] = 0
    rows[7, 0, 3, 0, 0] = np.nan
    np.save(path, rows)
    return path


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A clip of too few joints."""
    np.save(tmp_path / "short.npy", np.zeros((3, 5, 20, 2), "float32"))
    return tmp_path / "short.npy"


@pytest.fixture
def mixed(data: Path, short: Path) -> list[Path]:
    """Clips, one of them twice, and three bad ones."""
    numbers = [*range(8), 3, 99]
    return [*(Path(f"{data}#{number}") for number in numbers), short]


BAD = {7: "NaN or infinite", 9: "has no row '99'", 10: "has shape (3, 5, 20, 2); the model needs"}


def check(rows: Sequence[Mapping[str, Any]], clips: Sequence[Path], model: Path) -> None:
    """Every clip has one row: what one process answers, or why it does not."""
    rows = sorted(rows, key=lambda row: row["number"])
    assert [(row["number"], row["clip"]) for row in rows] == list(enumerate(map(str, clips)))
    good = [row for row in rows if row["number"] not in BAD]
    expected = Predictor(model).predict([row["clip"] for row in good])
    for row, one in zip(good, expected):
        ((best, share),) = one.top()
        assert (row["class"], row["name"], row["error"]) == (best, NAMES[best], None)
        assert row["probability"] == pytest.approx(share, abs=1e-6)
        np.testing.assert_allclose(row["scores"], one.scores, rtol=0, atol=1e-6)
        assert row["persons"] == (1 if row["clip"].endswith("#1") else 2)
    assert np.ptp([one.scores for one in expected], axis=0).max() > 0.01  # or a mix-up of clips would not show
    for number, error in BAD.items():
        assert error in rows[number]["error"]
        assert {rows[number][name] for name in ("class", "name", "probability", "persons")} == {None}


# an actor's work, in this process


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_a_worker(model: Path, files: dict[str, bytes], mixed: list[Path], batch_size: int) -> None:
    pytest.importorskip("pyarrow", reason="no pyarrow, which the extra ray brings")
    worker = Worker(Job(engines.AUTO, 1, batch_size, NAMES), files)
    answered = worker(prediction._block(mixed, np.arange(len(mixed))))
    assert answered.schema == schema()
    check(answered.to_pylist(), mixed, model)
    assert [clip for clip, _ in unanswered(answered)] == [str(mixed[number]) for number in BAD]


def test_an_unforeseen_error_is_of_its_clip(
    files: dict[str, bytes], mixed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow", reason="no pyarrow, which the extra ray brings")

    def opened(path: str, *rest: Any, **options: Any) -> Any:
        if path.endswith("#2"):
            raise MemoryError("no\nroom")
        return clip_formats.opened(path, *rest, **options)

    monkeypatch.setattr("ctrgcn_plugin.deploy.ray.worker.opened", opened)
    answered = Worker(Job(engines.AUTO, 1, 2, NAMES), files)(prediction._block(mixed, np.arange(5)))
    assert list(unanswered(answered)) == [(str(mixed[2]), "MemoryError: no room")]


def test_a_worker_of_another_version(files: dict[str, bytes]) -> None:
    with pytest.raises(EnvironmentSetupError, match="ctrgcn-plugin is .* not 0.0.1"):
        Worker(Job(engines.AUTO, 1, 1, version="0.0.1"), files)


def test_row_groups_have_a_good_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow, which the extra ray brings")
    monkeypatch.setattr(prediction, "ROW_GROUP", 10)
    tables = [table({"number": number, "clip": "ä"} for number in range(start, start + 4)) for start in range(0, 28, 4)]
    with (tmp_path / "a.parquet").open("wb") as file:
        assert list(prediction._written(tables, file)) == tables
    written = parquet.ParquetFile(tmp_path / "a.parquet")
    groups = [written.metadata.row_group(group).num_rows for group in range(written.num_row_groups)]
    assert groups == [12, 12, 4]
    assert written.read()["number"].to_pylist() == list(range(28))


def test_a_path_that_is_no_text() -> None:
    pytest.importorskip("pyarrow", reason="no pyarrow, which the extra ray brings")
    path = Path(os.fsdecode(b"\xff.npy"))
    (row,) = prediction._block([path], np.array([0])).to_pylist()
    assert (os.fsdecode(row["path"]), row["clip"]) == (str(path.absolute()), "\ufffd.npy")


# on two nodes of this machine


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    """A cluster of two nodes with one CPU each; nothing is told to Ray's makers, nothing left in the home."""
    pytest.importorskip("ray.data", reason='no ray; pip install "ctrgcn-plugin[ray]"')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        from ray.cluster_utils import Cluster as Nodes

        nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            nodes.add_node(num_cpus=1)
            yield nodes
        finally:
            nodes.shutdown()


def actors_of(nodes: Any) -> list[int]:
    """The processes of Ray Data's actors on the nodes."""
    raylets = {node.all_processes["raylet"][0].process.pid for node in nodes.list_all_nodes()}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = re.search(r"^PPid:\s+(\d+)", (process / "status").read_text(), re.MULTILINE)
            named = b"MapWorker" in (process / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended
        if named and parent and int(parent[1]) in raylets:
            found.append(int(process.name))
    return found


def test_two_nodes_answer_as_one_process(
    two_nodes: Any, model: Path, mixed: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pyarrow import parquet

    output = tmp_path / "out" / "answers.parquet"
    given = [*map(str, mixed), "--ray", two_nodes.address, "-o", str(output), "-b", "2", "--json"]
    names = tmp_path / "names.txt"
    names.write_text("\n".join(NAMES))
    assert main(["predict", "-m", str(model), "--names", str(names), "-i", *given]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == {"clips": len(mixed), "unanswered": len(BAD), "answers": str(output)}
    *told, last = err.splitlines()
    assert f"3 of {len(mixed)} clips have no answer; the column error of {output} says why" in last
    assert sorted(line.partition(": ")[0] for line in told) == sorted(str(mixed[number]) for number in BAD)
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    check(parquet.read_table(output).to_pylist(), mixed, model)


def test_a_killed_actor(two_nodes: Any, model: Path, files: dict[str, bytes], data: Path, tmp_path: Path) -> None:
    clips = [Path(f"{data}#{number % 7}") for number in range(800)]
    job, seen, killed = Job(engines.AUTO, 1, 1, NAMES), [], []
    with (tmp_path / "a.parquet").open("wb") as file:
        for answered in prediction.predict(clips, job, files, file, Cluster(two_nodes.address)):
            seen += answered["number"].to_pylist()
            assert set(answered["error"].to_pylist()) == {None}
            if not killed:
                killed = actors_of(two_nodes)[:1]
                os.kill(killed[0], signal.SIGKILL)
                assert len(seen) < 400
    assert sorted(seen) == list(range(len(clips)))


@LONG
def test_a_clip_that_kills_every_actor(
    two_nodes: Any, files: dict[str, bytes], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    class Fragile(Worker):
        def __init__(self, job: Job, model: Sequence[Any]) -> None:
            super().__init__(job, ray.get(model[0]))

        def _read(self, path: str) -> np.ndarray:
            if path.endswith("#5"):
                os.kill(os.getpid(), signal.SIGKILL)
            return super()._read(path)

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(prediction, "_Actor", Fragile)
    clips = [Path(f"{data}#{number}") for number in (*range(7), *[0] * 57)]
    with (tmp_path / "a.parquet").open("wb") as file:
        job = Job(engines.AUTO, 1, 1, NAMES)
        rows = [
            row
            for answered in prediction.predict(clips, job, files, file, Cluster(two_nodes.address))
            for row in answered.to_pylist()
        ]
    assert sorted(row["number"] for row in rows) == list(range(64))
    assert [row["clip"] for row in rows if row["error"]] == [f"{data}#5"]
    assert {row["error"] for row in rows} == {None, prediction.LOST}


def test_a_model_that_no_node_runs(two_nodes: Any, files: dict[str, bytes], data: Path, tmp_path: Path) -> None:
    job = replace(Job(engines.AUTO, 1, 1), version="0.0.1")
    with (tmp_path / "a.parquet").open("wb") as file, pytest.raises(EnvironmentSetupError) as caught:
        list(prediction.predict([Path(f"{data}#0")], job, files, file, Cluster(two_nodes.address)))
    assert re.fullmatch(r"Ray's nodes cannot answer: ctrgcn-plugin is .* not 0\.0\.1", str(caught.value))


def test_no_room(two_nodes: Any) -> None:
    message = "3 actors of 1 threads are asked for; Ray at .* has room for 2, its nodes have 1, 1 CPUs"
    with pytest.raises(ConfigError, match=message), Cluster(two_nodes.address, 3).joined(1):
        pass
    # not one node has two CPUs
    with pytest.raises(ConfigError, match="1 actors of 2 threads .* room for 0"), Cluster(two_nodes.address).joined(2):
        pass


def test_another_version_of_ray(two_nodes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.setattr(ray, "__version__", "2.0.0")
    message = r"^Ray 2\.0\.0 cannot join a cluster at \S+: .*[Vv]ersion mismatch.*"
    with pytest.raises(EnvironmentSetupError, match=message), Cluster(two_nodes.address).joined(1):
        pass


# from start to end


# a job in a script's background is started with SIGINT ignored, and hands that on
COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ctrgcn_plugin.cli import main
raise SystemExit(main())
"""


def command(model: Path, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "predict", "-m", str(model), *map(str, arguments)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_interrupted(model: Path, data: Path, short: Path, tmp_path: Path) -> None:
    """A cluster of its own ends with the command, which leaves nothing."""
    pytest.importorskip("ray.data", reason='no ray; pip install "ctrgcn-plugin[ray]"')
    (tmp_path / "many.npy").symlink_to(data)
    inputs = [short, *(f"{tmp_path / 'many.npy'}#{number % 7}" for number in range(5000))]
    mark = secrets.token_hex(8)
    output = tmp_path / "out" / "a.parquet"
    running = command(model, "--ray", "--actors", 1, "-o", output, "-i", *inputs, OF_TEST=mark)
    assert running.stderr and str(short) in running.stderr.readline()
    assert len(processes_with(mark)) > 3
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, "", "")
    assert not list(output.parent.iterdir())
    assert processes_with(mark) == []


def processes_with(mark: str) -> list[str]:
    """Those that have inherited it in their environment, and live."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_no_cluster(model: Path, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray.data", reason='no ray; pip install "ctrgcn-plugin[ray]"')
    with socket.socket() as bound:
        bound.bind(("", 0))  # and does not listen
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        soon = {"RAY_py_gcs_connect_timeout_s": "1", "RAY_gcs_rpc_server_connect_timeout_s": "1"}
        running = command(model, "-i", f"{data}#0", "--ray", address, "-o", tmp_path / "a.parquet", **soon)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (1, "")
    assert re.fullmatch(rf"ctrgcn: error: Ray \S+ cannot join a cluster at {address}: .+\n", err)
    assert not list(tmp_path.iterdir())


# what is known before anything starts

Say = Callable[..., str]


@pytest.fixture
def said(model: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """What is said of a mistake, in one line."""

    def said(*arguments: object) -> str:
        given = [str(argument).format(row=f"{data}#0") for argument in arguments]
        assert main(["predict", "-m", str(model), *given]) == 1
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        return err

    return said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-i", "{row}", "--actors", "2"], "--actors 2 has to be at least 1, and needs --ray"),
        (["-i", "{row}", "--ray", "--actors", "0"], "--actors 0 has to be at least 1, and needs --ray"),
        (["-i", "{row}", "--ray", "--window", "9"], "--ray answers clips, each of them whole: no --video and no"),
        (["--video", "a.mp4", "--ray"], "--ray answers clips, each of them whole: no --video and no"),
        (["-i", "{row}", "--ray", "-t", "0"], "threads must be at least 1, got 0"),
        (["-i", "{row}", "--ray", "-b", "0"], "batch_size must be at least 1, got 0"),
        (["-i", "{row}", "--ray", "ray://head:10001"], "--ray ray://head:10001 is Ray's client"),
        (["-i", "{row}", "--ray", "-o", "/"], "/ is a folder; with --ray, -o names the Parquet file to write"),
        (["-i", "{row}", "--ray", "-o", "/dev/null/a.parquet"], "/dev/null/a.parquet cannot be written: "),
        (["-i", "none.npy", "--ray"], "no clip at none.npy"),
    ],
)
def test_mistakes(
    said: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in said(*arguments)
    assert not list(tmp_path.iterdir())


def test_ray_is_not_installed(said: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert 'pip install "ctrgcn-plugin[ray]"' in said("-i", "{row}", "--ray", LOCAL, "-o", tmp_path / "a.parquet")
    assert not list(tmp_path.iterdir())


def test_ray_is_imported_only_where_it_is_asked_for() -> None:
    code = (
        "import sys; from ctrgcn_plugin import answering, cli; from ctrgcn_plugin.deploy.ray import prediction;"
        "sys.exit(bool({'ray', 'pyarrow', 'paddle'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
