"""Fixes of what a run does around the model, by numbers where the evidence of patches/ does not give them."""

from __future__ import annotations

import csv
import json
import pickle
import re
import textwrap
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from ctrgcn_plugin import checkpoint, configs
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.data.scores import Scores
from ctrgcn_plugin.models.network import build_network

FOLDER = "configs/recognition/ctrgcn"
LIGHT = f"{FOLDER}/ctrgcn_light_ntucs_joint.yaml"
MODEL_NAME = configs.load(LIGHT)["model_name"]
OFF = "PADDLEVIDEO_PLUGIN_FIXES"


def _error(log: str) -> str:
    (line,) = (line for line in log.splitlines() if line.startswith("error: "))
    return line


# main.py with a head, or a distillation, that has the accuracy that it is told
FORCED = """
import runpy, sys
root, accuracy = sys.argv[1], float(sys.argv[2])
sys.argv = [root + "/main.py", *sys.argv[3:]]
sys.path.insert(0, root)
import paddle
import paddlevideo.modeling
from paddlevideo.modeling.framework.recognizers import RecognizerDistillation
from paddlevideo.modeling.heads import CTRGCNHead
RecognizerDistillation.get_acc = lambda *args: (paddle.to_tensor(accuracy), paddle.to_tensor(1.0))
loss = CTRGCNHead.loss
CTRGCNHead.loss = lambda *args, **kwargs: {**loss(*args, **kwargs), "top1": paddle.to_tensor(accuracy)}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


# best-on-resume


@pytest.fixture
def train(ppvideo_root, small, narrow, python, tmp_path):
    """Train with stock main.py, where every epoch reaches `accuracy`: the log."""
    (tmp_path / "forced.py").write_text(FORCED)
    call = ["--validate", "-c", LIGHT, *small, *narrow("light"), "-o", "save_interval=1"]

    def run(accuracy: float, epochs: int, resume: int = 0, off: str = "", status: int = 0) -> str:
        options = ["-o", f"epochs={epochs}", "-o", f"resume_epoch={resume}"]
        result = python(["forced.py", ppvideo_root, accuracy, *call, *options], tmp_path, **{OFF: off})
        assert result.returncode == status, result.stdout[-3000:]
        return result.stdout

    return run


def test_a_worse_resumed_epoch_does_not_replace_the_best(train, tmp_path):
    folder = tmp_path / "output" / MODEL_NAME

    def best() -> list[bytes]:
        return [(folder / f"{MODEL_NAME}_best.{suffix}").read_bytes() for suffix in ("pdparams", "pdopt")]

    note = folder / f"{MODEL_NAME}_best.json"
    train(0.75, 2)
    first = best()
    assert json.loads(note.read_text()) == {"best": 0.75, "epoch": 1}
    assert "Resume: the best so far is 0.75 of epoch 1" in train(0.5, 3, 2)
    assert best() == first
    train(0.875, 4, 3)
    better = best()
    assert better != first and json.loads(note.read_text()) == {"best": 0.875, "epoch": 4}

    note.write_text("{")
    assert "remove it to let the next epoch replace" in _error(train(0.5, 5, 4, status=1))
    assert best() == better
    note.unlink()
    assert "the best accuracy so far is unknown" in train(0.5, 5, 4)
    assert best() != better
    # what upstream does with the note of a better one there
    note.write_text('{"best": 0.9, "epoch": 1}')
    worse = best()
    train(0.25, 6, 5, off="best-on-resume")
    assert best() != worse and json.loads(note.read_text())["best"] == 0.9
    assert not list(folder.glob(".*.part"))


def test_only_the_main_process_notes_the_best(probe):
    code = """
        import pathlib, os
        from paddlevideo.tasks import train
        paddle.distributed.get_rank = lambda: int(os.environ.get("RANK"))
        for rank in ("1", "0"):
            os.environ["RANK"] = rank
            train.ctrgcn_write_best("out", "name", np.float32(0.5), 3)
            print(rank, pathlib.Path("out").exists())
        answer(found=[path.name for path in pathlib.Path("out").iterdir()])
    """
    answered, printed = probe(code)
    assert answered == {"found": ["name_best.json"]}, printed[-2000:]
    assert "1 False" in printed and "0 True" in printed


# student-keys and checkpoint-of-another-model, in upstream's own distillation


def _network(width: int = 8) -> dict:
    return {
        "backbone": {"name": "CTRGCN", "base_channel": width},
        "head": {"name": "CTRGCNHead", "in_channels": width, "num_classes": 6},
    }


def _config(path: Path, model: dict, **sections: object) -> Path:
    content = yaml.safe_load(configs.find(LIGHT).read_text())
    content.update(MODEL=model, **sections)
    content["INFERENCE"]["window_size"] = 16
    path.write_text(yaml.safe_dump(content))
    return path


def _distillation(width: int = 8) -> dict:
    def loss(name: str, *pair: str) -> dict:
        return {"name": name, "model_name_pairs": list(pair)}

    losses = [loss("DistillationCELoss", "Student", "GroundTruth"), loss("DistillationDMLLoss", "Student", "Teacher")]
    return {
        "framework": "RecognizerDistillation",
        "freeze_params_list": [True, False],
        "models": [{"Teacher": _network(width)}, {"Student": _network(width)}],
        "loss": {"Train": losses, "Val": [dict(losses[0])]},
    }


@pytest.fixture
def distilled(upstream_root, small, python, tmp_path):
    """Train upstream's distillation for one epoch, some fixes switched off: the folder of its checkpoints."""
    (tmp_path / "forced.py").write_text(FORCED)
    config = _config(tmp_path / "both.yaml", _distillation(), model_name="both")

    def run(off: str = "") -> Path:
        result = python(["forced.py", upstream_root, 0.5, "--validate", "-c", config, *small], tmp_path, **{OFF: off})
        assert result.returncode == 0, result.stdout[-3000:]
        return tmp_path / "output" / "both"

    return run


LOGITS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np, paddle
from paddlevideo.modeling.builder import build_model
from paddlevideo.utils import get_config, load
clip = paddle.to_tensor(np.random.default_rng(0).standard_normal((2, 3, 16, 25, 2)).astype("float32"))
for name, weights in (("both", "both_best"), ("alone", "both_best_student")):
    model = build_model(get_config(name + ".yaml", show=False).MODEL)
    state = load(f"output/both/{weights}.pdparams")
    assert set(state) == set(model.state_dict()), "keys differ"
    model.set_state_dict(state)
    model.eval()
    np.save(name, model([clip], mode="infer").numpy())
np.save("clip", clip.numpy())
"""


def test_a_distillations_student_is_a_recognizer(distilled, upstream_root, python, tmp_path):
    """Its file loads into one key by key, and what is exported of it answers as the student that was trained."""
    folder = distilled()
    _config(tmp_path / "alone.yaml", {"framework": "RecognizerGCN", **_network()}, model_name="alone")
    (tmp_path / "logits.py").write_text(LOGITS)
    result = python(["logits.py", upstream_root], tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    both, alone = np.load(tmp_path / "both.npy"), np.load(tmp_path / "alone.npy")
    assert np.abs(both).max() > 0 and np.array_equal(both, alone)
    # upstream's loader of `pretrained` looks for the same names
    student = checkpoint.read(folder / "both_best_student.pdparams")
    assert {key.partition(".")[0] for key in student} == {"backbone", "head"}

    export = upstream_root / "tools" / "export_model.py"
    if not export.is_file():
        pytest.skip("this PaddleVideo has no tools/export_model.py")
    for name, weights in (("both", "both_best"), ("alone", "both_best_student")):
        call = [export, "-c", f"{name}.yaml", "-p", folder / f"{weights}.pdparams", "-o", "inf"]
        result = python(call, tmp_path)
        assert result.returncode == 0, result.stdout[-3000:]
        exported = paddle.jit.load(str(tmp_path / "inf" / name))(paddle.to_tensor(np.load(tmp_path / "clip.npy")))
        np.testing.assert_allclose(exported.numpy(), both, rtol=1e-5, atol=1e-5 * np.abs(both).max())


def test_a_distillations_student_stays_random_without_the_fix(distilled):
    folder = distilled("student-keys")
    assert {key.partition(".")[0] for key in checkpoint.read(folder / "both_best_student.pdparams")} == {"0", "1"}


@pytest.fixture
def other(tmp_path) -> Path:
    """A checkpoint of another width."""
    path = tmp_path / "other.pdparams"
    paddle.save(build_network(_network(16)).state_dict(), str(path))
    return path


@pytest.mark.parametrize("model", ["distillation", "recognizer"])
def test_a_checkpoint_of_another_model(model, other, ppvideo_root, small, data, python, tmp_path):
    section = _distillation() if model == "distillation" else {"framework": "RecognizerGCN", **_network()}
    config = _config(tmp_path / "config.yaml", section)
    call = [ppvideo_root / "main.py", "--test", "-c", config, *small, "-w", other]
    result = python(call, tmp_path)
    assert result.returncode == 1 and "does not fit" in _error(result.stdout), result.stdout[-3000:]
    # a random network, then; its scores are saved on the way
    call += ["-o", "METRIC.scores=scores/random.npz", "-o", "DATASET.test_batch_size=3"]
    without = python(call, tmp_path, **{OFF: "checkpoint-of-another-model"})
    assert without.returncode == 0, without.stdout[-3000:]
    _check_scores(tmp_path / "scores", data, without.stdout)


# metric-scores


def _check_scores(folder: Path, data: Path, log: str) -> None:
    """What a test has saved is of the clips in their order, and of the accuracies that it has logged."""
    names, labels = pickle.loads((data / "val_label.pkl").read_bytes())
    scores = Scores.read(folder / "random.npz")
    assert scores.values.shape == (len(labels), 6) and np.ptp(scores.values, axis=0).max() > 0
    assert scores.names.tolist() == names and scores.labels.tolist() == labels
    found = scores.accuracy()
    logged = [float(number) for number in re.search(r"avg_acc1= ([\d.]+), avg_acc5= ([\d.]+)", log).groups()]
    assert logged == pytest.approx(found[:2], abs=1e-6)
    assert float(re.search(r"mean_class_acc= ([\d.]+)", log)[1]) == pytest.approx(found.mean_class)
    # the card beside the data names the classes
    assert scores.classes.tolist() == [f"action, {label}" for label in range(6)]
    with (folder / "random_classes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == scores.classes.tolist()
    assert [int(row["clips"]) for row in rows] == np.bincount(labels, minlength=6).tolist()
    assert sum(int(row["right"]) for row in rows) / len(labels) == pytest.approx(found.top1)
    assert sorted(path.name for path in folder.iterdir()) == [
        "random.npz",
        "random_classes.csv",
        "random_confusion.csv",
    ]


METRIC = """
    from paddlevideo.metrics import build_metric
    from paddlevideo.utils.config import AttrDict
    rng = np.random.default_rng(0)
    def metric_for(scores):
        return build_metric(AttrDict(name="SkeletonMetric", data_size=5, batch_size=3, scores=scores))
    def tested(name, segments=1, labelled=True):
        metric = metric_for(f"{name}.npz")
        whole = rng.standard_normal((5, segments, 3)).astype("float32")
        for batch, rows in enumerate((slice(3), slice(3, 5))):
            clips = paddle.zeros([len(whole[rows]), segments if segments > 1 else 3])
            labels = [paddle.to_tensor(np.arange(5)[rows, None] % 3)] if labelled else []
            metric.update(batch, [clips, *labels], paddle.to_tensor(whole[rows].reshape(-1, 3)))
        metric.accumulate()
        return whole.mean(axis=1).tolist()
    values = {"plain": tested("plain"), "segments": tested("segments", 2), "bare": tested("bare", labelled=False)}
    wrong = {}
    for scores in ("scores.csv", "/dev/null/a.npz"):
        try:
            metric_for(scores)
        except Exception as error:
            wrong[scores] = f"{type(error).__name__}: {error}"
    answer(values=values, wrong=wrong)
"""


def test_scores_of_batches_segments_and_unlabelled_clips(probe, tmp_path):
    answered, printed = probe(METRIC)
    assert answered is not None, printed[-3000:]
    for name, values in answered["values"].items():
        scores = Scores.read(tmp_path / f"{name}.npz")
        np.testing.assert_allclose(scores.values, values, rtol=1e-6)
        assert scores.names is None and (scores.labels is None) is (name == "bare")
    assert Scores.read(tmp_path / "plain.npz").labels.tolist() == [0, 1, 2, 0, 1]
    assert {path.name for path in tmp_path.glob("*_classes.csv")} == {"plain_classes.csv", "segments_classes.csv"}
    assert "ScoreError: scores cannot be saved as 'scores.csv'" in answered["wrong"]["scores.csv"]
    assert "ScoreError: cannot write /dev/null/a.npz" in answered["wrong"]["/dev/null/a.npz"]


def test_starting_from_a_checkpoint_of_another_model(ppvideo_root, small, narrow, python, tmp_path):
    """Nothing of it fits; what fits in part is a start."""
    paddle.save({"fc.weight": paddle.zeros([2, 2])}, str(tmp_path / "other.pdparams"))
    call = [ppvideo_root / "main.py", "-c", LIGHT, *small, *narrow("light"), "-w", "other.pdparams"]
    result = python(call, tmp_path)
    assert result.returncode == 1 and "0 keys match" in _error(result.stdout), result.stdout[-3000:]
    assert python(call, tmp_path, **{OFF: "finetune-from-another-model"}).returncode == 0


# checkpoint-unpickling


class _Evil:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple:
        return Path.touch, (self.victim,)


@pytest.mark.parametrize("script", ["main.py", "tools/export_model.py"])
def test_a_checkpoint_that_would_run_code(script, upstream_root, small, narrow, python, tmp_path):
    if not (upstream_root / script).is_file():
        pytest.skip(f"this PaddleVideo has no {script}")
    victim = tmp_path / "created"
    (tmp_path / "evil.pdparams").write_bytes(pickle.dumps({"head.fc.bias": _Evil(victim)}))
    fix, call = "checkpoint-unpickling", ["--test", "-c", LIGHT, *small, *narrow("light"), "-w", "evil.pdparams"]
    if script != "main.py":
        fix, call = "export-unpickling", ["-c", LIGHT, "-p", "evil.pdparams"]
    result = python([upstream_root / script, *call], tmp_path)
    assert result.returncode == 1 and not victim.exists(), result.stdout[-3000:]
    assert "evil.pdparams is no plain checkpoint: it wants to run " in _error(result.stdout)
    assert "Traceback" not in result.stdout
    python([upstream_root / script, *call], tmp_path, **{OFF: fix})
    assert victim.exists()


def test_what_paddle_saves_is_loaded_as_paddle_loads_it(probe):
    code = """
        import pathlib
        from paddlevideo.utils import load, save_load
        network = paddle.nn.Sequential(paddle.nn.Linear(3, 3), paddle.nn.BatchNorm1D(3))
        rate = paddle.optimizer.lr.LinearWarmup(paddle.optimizer.lr.CosineAnnealingDecay(0.1, 10), 5, 0, 0.1)
        optimizers = [
            paddle.optimizer.Momentum(rate, parameters=network.parameters(), multi_precision=True),
            paddle.optimizer.Adam(paddle.optimizer.lr.ReduceOnPlateau(0.1), parameters=network.parameters()),
        ]
        saved = {"params": network.state_dict(), "arrays": {k: v.numpy() for k, v in network.state_dict().items()}}
        for optimizer in optimizers:
            network(paddle.ones([2, 3])).sum().backward()
            optimizer.step()
            saved[type(optimizer).__name__] = optimizer.state_dict()
        saved["nested"] = {"model": network.state_dict(), "epoch": 3, "best": [0.5], "name": "x", "none": None}
        saved["bfloat16"] = {"x": paddle.ones([3], "bfloat16")}
        saved["tensor"] = paddle.ones([3])

        def same(a, b):
            if isinstance(a, dict):
                return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
            if isinstance(a, paddle.Tensor):
                return a.dtype == b.dtype and (a.numpy() == b.numpy()).all()
            return type(a) is type(b) and np.array_equal(a, b)

        found = {}
        for name, value in saved.items():
            for protocol in (2, 4) if name in ("params", "Momentum", "Adam") else (4,):
                paddle.save(value, name + ".pdparams", protocol=protocol)
                given = load(name + ".pdparams")
                found[f"{name} {protocol}"] = bool(same(given, paddle.load(name + ".pdparams")))
        found["names"] = load("params.pdparams")["0.weight"].name == network[0].weight.name
        paddle.save(network[0].state_dict(), "linear.pdparams")
        other = paddle.nn.Linear(3, 3)
        save_load.load_ckpt(other, "linear.pdparams")
        found["load_ckpt"] = bool((other.weight == network[0].weight).all())
        pathlib.Path("junk.pdparams").write_bytes(b"junk")
        for name in ("junk", "absent"):
            try:
                load(name + ".pdparams")
            except Exception as error:
                found[name] = f"{type(error).__name__}: {error}"
        answer(**found)
    """
    answered, printed = probe(code)
    assert answered is not None, printed[-3000:]
    # as it is without the fix
    assert answered.pop("junk") == "ValueError: `paddle.load` can not parse the file:junk.pdparams."
    assert answered.pop("absent").startswith("CheckpointError: no checkpoint at absent.pdparams; in . there is ")
    assert set(answered.values()) == {True}, answered


# override-literals and override-path


def test_overrides(probe):
    code = """
        from paddlevideo.utils import get_config
        from paddlevideo.utils.config import override_config
        path, found = "configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint.yaml", {}
        config = get_config(path, ["epochs=2*3", "own=1", "model_name=a-b"], show=False)
        values = [config.epochs, config.own, config.model_name]
        crop = "PIPELINE.train.sample.1.SketeonCropSample"
        wrong = ("MODEL.backbon.name=x", "PIPELINE.train.sample.7.x=1", "PIPELINE.train.sample.7=1", "epochs",
                 "epochs=1=2", "MODEL.backbone.name.x=1")
        for override in wrong:
            try:
                override_config(config, [crop + ".window_size=8", override])
            except Exception as error:
                found[override] = [type(error).__name__, str(error)]
        size = config.PIPELINE.train.sample[1]["SketeonCropSample"]["window_size"]
        answer(values=values, size=size, untouched=override_config(config) is config, **found)
    """
    answered, printed = probe(code)
    assert answered is not None, printed[-3000:]
    assert answered.pop("values") == ["2*3", 1, "a-b"] and answered.pop("size") == 8 and answered.pop("untouched")
    assert "override value '2*3' is taken as text: only literals are read" in printed
    assert "override value 'a-b'" not in printed and "A new filed (own) detected!" in printed
    assert len(answered) == 6 and {kind for kind, _ in answered.values()} == {"ConfigError"}
    assert "MODEL.backbon is not in the config; there is: backbone, framework, head" in _sorted_names(
        answered["MODEL.backbon.name=x"][1]
    )
    assert all(override in text and len(text) < 250 for override, (_, text) in answered.items())
    without, printed = probe(code, off="override-path")
    assert without["MODEL.backbon.name=x"][0] == "AssertionError"
    without, printed = probe(code, off="override-literals")
    assert without["values"] == [6, 1, "a-b"]


def _sorted_names(text: str) -> str:
    start, _, names = text.partition("there is: ")
    return start + "there is: " + ", ".join(sorted(names.split(", ")))


# log-file


def test_a_log_file_that_cannot_be_written(probe):
    """Said once, and each line of the log comes once."""
    code = """
        import logging
        from paddlevideo.utils import get_logger, setup_logger
        get_logger("paddlevideo").info("one line")
        setup_logger(__file__ + "/log.txt", "other", "DEBUG").debug("another")
        kinds = [type(handler).__name__ for handler in logging.getLogger("other").handlers]
        writable = setup_logger("./here.log", "third")
        answer(kinds=kinds, third=[type(handler).__name__ for handler in writable.handlers], level=writable.level)
    """
    answered, printed = probe(code)
    assert answered == {"kinds": ["StreamHandler"], "third": ["StreamHandler", "FileHandler"], "level": 20}
    assert printed.count("ctrgcn: no log file is written, the log goes to the console only: ") == 1
    assert printed.count("one line") == printed.count("DEBUG: another") == 1
    answered, printed = probe(code, off="log-file")
    assert answered is None and "FileExistsError: [Errno 17]" in printed


# sample-exception-hangs


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sample_that_cannot_be_made_ends_the_run(workers, ppvideo_root, small, narrow, data, python, tmp_path):
    """Fewer labels than clips: the run ends with that exception, without waiting for anything."""
    (tmp_path / "few.pkl").write_bytes(pickle.dumps((["clip0"] * 5, [0] * 5)))
    call = ["-c", LIGHT, *small, *narrow("light"), "-o", f"DATASET.num_workers={workers}"]
    few = ["-o", f"DATASET.train.label_path={tmp_path / 'few.pkl'}"]
    # which would have said so before training
    off = {"PADDLEVIDEO_PLUGIN_FIXES": "config-mistakes"}
    result = python([ppvideo_root / "main.py", *call, *few], tmp_path, 120, **off)
    assert result.returncode == 1 and "IndexError: list index out of range" in result.stdout, result.stdout[-3000:]


# modality-graph

# (from, to) of each of the 25 bones of NTU RGB+D, in the order of the joints that they belong to
BONES = (
    *((2, 1), (21, 2), (21, 3), (3, 4), (21, 5), (5, 6), (6, 7), (7, 8), (21, 9), (9, 10), (10, 11), (11, 12)),
    *((1, 13), (13, 14), (14, 15), (15, 16), (1, 17), (17, 18), (18, 19), (19, 20), (21, 21), (23, 22), (8, 23)),
    *((25, 24), (12, 25)),
)
JOINT, BONE, MOTION = "joint", "bone", "motion"


def _in_modality(joints: np.ndarray, name: str) -> np.ndarray:
    """Bones, motion or both of a clip (C, T, V, M), by hand."""
    values = joints
    if BONE in name:
        values = joints - joints[:, :, [begin - 1 for begin, _ in BONES]]
    if MOTION in name:
        values = np.concatenate([np.diff(values, axis=1), np.zeros_like(values[:, :1])], axis=1)
    return values


STREAMS = """
    from paddlevideo.loader.builder import build_pipeline
    from paddlevideo.loader.pipelines import SketeonModalityTransform
    from paddlevideo.utils import get_config
    clip, chain = np.load("clip.npy"), np.load("chain.npy")
    made, errors = {}, {}
    for bone in (False, True):
        for motion in (False, True):
            name = f"{bone}{motion}"
            made["stock" + name] = SketeonModalityTransform(bone, motion, joint=False)({"data": clip.copy()})["data"]
            try:
                transform = SketeonModalityTransform(bone, motion, joint=False, graph="chain.yaml")
                made["chain" + name] = transform({"data": chain})["data"]
                made["pairs"] = transform.bone_pairs
            except Exception as error:
                errors[name] = type(error).__name__
    try:
        SketeonModalityTransform(True, False, graph="ntu_rgbd")
    except Exception as error:
        errors["unknown"] = f"{type(error).__name__}: {error}"
    for name in ("joint", "bone", "motion", "bone_motion"):
        config = get_config(f"configs/recognition/ctrgcn/ctrgcn_light_v2_ntucs_{name}_aug.yaml", show=False)
        made[name] = build_pipeline(config.PIPELINE.test)({"data": clip})["data"]
    np.savez("made", **made)
    answer(unchanged=np.array_equal(chain, np.load("chain.npy")), **errors)
"""


def test_streams_of_any_layout(probe, tmp_path):
    """NTU's as stock upstream has them to the bit, those of a user's layout by hand, and what the configs say."""
    clip, chain = (np.random.default_rng(0).standard_normal((3, 70, v, 2)).astype("float32") for v in (25, 3))
    np.save(tmp_path / "clip.npy", clip)
    np.save(tmp_path / "chain.npy", chain)
    (tmp_path / "chain.yaml").write_text("joints: {a: b, b: null, c: a}\n")
    answered, printed = probe(STREAMS)
    assert answered is not None, printed[-3000:]
    assert set(answered) == {"unknown", "unchanged"} and answered["unchanged"]
    assert answered["unknown"].startswith("ConfigError: unknown graph 'ntu_rgbd'; available: ")
    ours = dict(np.load(tmp_path / "made.npz"))
    assert ours["pairs"].tolist() == [[1, 2], [2, 2], [3, 1]]
    bones = chain - chain[:, :, [1, 1, 0]]
    for bone, values in ((False, chain), (True, bones)):
        np.testing.assert_array_equal(ours[f"chain{bone}False"], values)
        steps = np.concatenate([values[:, 1:] - values[:, :-1], 0 * values[:, :1]], axis=1)
        np.testing.assert_array_equal(ours[f"chain{bone}True"], steps)
    window = centre_crop_resample(clip, 64, 0.95)
    for name in (JOINT, BONE, MOTION, "bone_motion"):
        np.testing.assert_allclose(ours[name], _in_modality(window, name), atol=1e-6, err_msg=name)

    answered, printed = probe(STREAMS, off="modality-graph")
    assert set(answered.values()) == {True, "NotImplementedError", "NotImplementedError: "}, printed[-3000:]
    stock = dict(np.load(tmp_path / "made.npz"))
    for name in stock:
        np.testing.assert_array_equal(stock[name], ours[name], err_msg=name)


# tools/predict.py

HELPER = """
import json, sys
root = sys.argv[1]
sys.path[:0] = [root, root + "/tools"]
import numpy as np
import predict
from paddlevideo.utils import get_config
found = {}
for line in open("cases.txt").read().splitlines():
    name, config, clip, *overrides = line.split()
    cfg = get_config(config, ["INFERENCE.window_size=16", *overrides], show=False)
    try:
        batch = predict.build_inference_helper(cfg.INFERENCE).preprocess_batch([clip, clip])
        assert batch[0].dtype == np.float32 and batch[0].shape == (2, 3, 16, 25, 2), (batch[0].dtype, batch[0].shape)
        assert np.array_equal(*batch[0], equal_nan=True)
        np.save(f"got_{name}", batch[0][0])
        found[name] = ""
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"
print("ANSWER" + json.dumps(found))
"""


@pytest.fixture
def prepared(checkout_root, python, tmp_path):
    """What predict.py's helper makes of (config, clip, *overrides) by name, fixes switched off: (arrays, errors)."""
    clip = np.zeros((3, 40, 25, 2), "float32")
    clip[:, :30] = np.random.default_rng(0).standard_normal((3, 30, 25, 2))
    np.save(tmp_path / "clip.npy", clip)
    (tmp_path / "helper.py").write_text(HELPER)

    def run(cases: dict[str, tuple[str, ...]], off: str = "") -> tuple[dict[str, np.ndarray], dict[str, str]]:
        (tmp_path / "cases.txt").write_text("\n".join(" ".join((name, *case)) for name, case in cases.items()))
        for path in tmp_path.glob("got_*.npy"):
            path.unlink()
        result = python(["helper.py", checkout_root], tmp_path, **{OFF: off})
        assert "ANSWER" in result.stdout, result.stdout[-3000:]
        errors = json.loads(result.stdout.split("ANSWER")[-1])
        return {path.stem[4:]: np.load(path) for path in tmp_path.glob("got_*.npy")}, errors

    run.clip, run.window = clip, centre_crop_resample(clip, 16, 0.95)
    run.config = lambda name: str(checkout_root / FOLDER / f"ctrgcn_ntucs_{name}.yaml")
    return run


def test_clips_are_given_in_the_modality_of_the_model(prepared):
    bone = prepared.config("bone")
    own = {name: (prepared.config(name), "clip.npy") for name in (JOINT, BONE, MOTION, "bone_motion")}
    said = {
        # what INFERENCE says goes before what PIPELINE.test says
        "said_joint": (bone, "clip.npy", "INFERENCE.joint=True"),
        "said_motion": (
            bone,
            "clip.npy",
            *(f"INFERENCE.{key}" for key in ("joint=False", "bone=False", "motion=True")),
        ),
        "pipeline_motion": (bone, "clip.npy", "PIPELINE.test.transform.1.SketeonModalityTransform.motion=True"),
    }
    got, errors = prepared({**own, **said})
    assert set(errors.values()) == {""}, errors
    wanted = {name: name for name in own}
    wanted.update(said_joint=JOINT, said_motion=MOTION, pipeline_motion="bone_motion")
    for name, modality in wanted.items():
        np.testing.assert_allclose(got[name], _in_modality(prepared.window, modality), atol=1e-6, err_msg=name)
    assert np.abs(got[BONE] - got[JOINT]).max() > 1

    got, errors = prepared({**own, **said}, off="predict-modality")
    assert all("unexpected keyword argument" in errors[name] for name in ("said_joint", "said_motion"))
    for name in own:
        np.testing.assert_allclose(got[name], prepared.window, atol=1e-6)


def test_clips_are_checked(prepared, tmp_path):
    clip, bone = prepared.clip, prepared.config(BONE)
    hurt = clip.copy()
    hurt[0, 3, 5, 1] = np.nan
    whole = (10 * clip).astype("int64")
    clips = {"float64": clip.astype("float64"), "int64": whole, "nan": hurt, "joints": clip[:, :, :17], "axes": clip[0]}
    for name, values in clips.items():
        np.save(tmp_path / f"{name}.npy", values)
    cases = {name: (bone, f"{name}.npy") for name in (*clips, "absent")}
    for off, modality in (("", BONE), ("predict-modality", JOINT)):
        got, errors = prepared(cases, off=off)
        assert set(got) == {"float64", "int64"}, errors
        np.testing.assert_allclose(got["float64"], _in_modality(prepared.window, modality), atol=1e-6)
        window = centre_crop_resample(whole.astype("float32"), 16, 0.95)
        np.testing.assert_allclose(got["int64"], _in_modality(window, modality), atol=1e-5)
        assert "values that are NaN or infinite as float32, the first in frame 3" in errors["nan"]
        assert "shape (3, 40, 17, 2); the model needs (3, T, 25, 2)" in errors["joints"]
        assert "3 axes" in errors["axes"] and "no clip at absent.npy" in errors["absent"]
    got, errors = prepared(cases, off="predict-input")
    assert "nan" in got and np.isnan(got["nan"]).any() and "float64" in errors["float64"] and errors["int64"]


def test_a_bone_model_predicts_bones(checkout_root, narrow, python, tmp_path):
    """Stock config, tools/export_model.py, tools/predict.py: the network's answer to bones made by hand."""
    config = checkout_root / FOLDER / "ctrgcn_ntucs_bone.yaml"
    overrides = [option for option in narrow("bone") if option != "-o"] + ["INFERENCE.window_size=16"]
    paddle.seed(3)
    network = build_network(configs.load(config, overrides)["MODEL"])
    network.eval()
    # scores of a size that shows how bones differ from joints
    with paddle.no_grad():
        size = network(paddle.to_tensor(np.ones((1, 3, 16, 25, 2), "float32"))).abs().max()
        network.head.fc.weight.set_value(network.head.fc.weight / size)
    paddle.save(network.state_dict(), str(tmp_path / "bone.pdparams"))
    clip = np.random.default_rng(1).standard_normal((3, 30, 25, 2)).astype("float32")
    np.save(tmp_path / "clip.npy", clip)
    (tmp_path / "list.txt").write_text("clip.npy\n\nclip.npy\n")

    call = ["-c", config, "-p", "bone.pdparams", "-o", "inf", *(f"--override={override}" for override in overrides)]
    result = python([checkout_root / "tools/export_model.py", *call], tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    files = ["--model_file", "inf/CTRGCN_bone.pdmodel", "--params_file", "inf/CTRGCN_bone.pdiparams", "--use_gpu=False"]
    call = [checkout_root / "tools/predict.py", "-c", config, *(f"-o{override}" for override in overrides), *files]

    def predicted(*arguments: str, off: str = "") -> list[float]:
        result = python([*call, *arguments], tmp_path, **{OFF: off})
        assert result.returncode == 0, result.stdout[-3000:]
        return [float(score) for score in re.findall(r"top-1 score: ([\d.]+)\n", result.stdout)]

    def answer(modality: str) -> float:
        window = _in_modality(centre_crop_resample(clip, 16, 0.95), modality)
        return float(paddle.nn.functional.softmax(network(paddle.to_tensor(window[None]))).max())

    assert abs(answer(BONE) - answer(JOINT)) > 1e-3
    assert predicted("-i", "list.txt", "--time_test_file=True") == pytest.approx([answer(BONE)] * 2, rel=1e-4)
    assert predicted("-i", "clip.npy", off="predict-modality") == pytest.approx([answer(JOINT)], rel=1e-4)
    result = python([*call, "-i", "absent.txt", "--time_test_file=True"], tmp_path)
    assert result.returncode == 1 and "--time_test_file: absent.txt is no list of clips" in _error(result.stdout)


TOP = """
import sys
root = sys.argv[1]
sys.path[:0] = [root, root + "/tools"]
import numpy as np
import predict, utils
from paddlevideo.utils import get_config
given = utils.paddle, utils.F
utils.paddle = utils.F = None  # whether the fault is there is found out without them
get_config(root + "/configs/recognition/ctrgcn/ctrgcn_ntucs_joint.yaml", show=False)
utils.paddle, utils.F = given
scores = np.log(np.array([[1, 2, 3, 4, 6, 16], [16, 1, 2, 3, 6, 4]], "float32"))
for name in ("CTRGCN_Inference_helper", "AGCN2s_Inference_helper"):
    for top_k in (1, 5):
        helper = utils.build_inference_helper({"name": name, "top_k": top_k})
        helper.input_file = ["a.npy", "b.npy"]
        print("PART")
        results = helper.postprocess([scores], return_result=True)
        assert [len(result[key]) for result in results for key in ("topk_class", "topk_scores")] == [top_k] * 4
print("PART")
"""


def test_one_class_and_its_score_are_numbers_and_several_arrays(checkout_root, python, tmp_path):
    """For the CTRGCN helper; what the others print is left to upstream."""
    (tmp_path / "top.py").write_text(TOP)

    def printed(off: str = "") -> list[str]:
        result = python(["top.py", checkout_root], tmp_path, **{OFF: off})
        assert result.returncode == 0 and result.stdout.count("PART\n") == 5, result.stdout[-3000:]
        return result.stdout.split("PART\n")[1:5]

    one, *rest = printed()
    pattern = r"Current video file: {}\n\ttop-1 class: {}\n\ttop-1 score: ([\d.]+)\n"
    scores = re.fullmatch(pattern.format("a.npy", 5) + pattern.format("b.npy", 0), one)
    assert scores, one
    assert list(map(float, scores.groups())) == pytest.approx([0.5, 0.5], rel=1e-6)
    assert "top-5 class: [5 4 3 2 1]\n" in rest[0] and "top-5 class: [0 4 5 3 2]\n" in rest[0]
    stock, *others = printed("predict-top1-lines")
    assert "\ttop-1 class: [5]\n" in stock and rest == others


def test_the_scripts_are_mended_for_the_family_only(checkout_root, python, tmp_path):
    code = f"""
        import sys
        root = {str(checkout_root)!r}
        sys.path[:0] = [root, root + "/tools"]
        import export_model, predict, utils
        from paddlevideo.utils import get_config
        from ctrgcn_plugin.upstream.fixes.fix import outcomes
        from ctrgcn_plugin.upstream.fixes.scripts import FIXES
        before = [vars(module).copy() for module in (export_model, predict)]
        for path in ("stgcn/stgcn_fsd.yaml", "agcn2s/agcn2s_ntucs_joint.yaml", "pptsm/pptsm_k400_frames_uniform.yaml"):
            get_config(f"{{root}}/configs/recognition/{{path}}", show=False)
            print("OTHER", {{str(outcomes[fix.name]) for fix in FIXES}})
        assert [vars(module) for module in (export_model, predict)] == before
        get_config(root + "/{FOLDER}/ctrgcn_ntucs_joint.yaml", show=False)
        print("FAMILY", {{str(outcomes[fix.name]) for fix in FIXES}})
    """
    result = python(["-c", textwrap.dedent(code)], tmp_path)
    assert result.stdout.count("OTHER {'unchecked'}") == 3, result.stdout[-3000:]
    assert "FAMILY {'applied'}" in result.stdout
