"""The fast dataset and steps: upstream's own clips to the last bit, from its registries, through its loaders."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import configs

# Stock PaddleVideo in a process and a folder of its own, for all of the tests here: a request is a function's name and
# its arguments, the answer what it returns, or the exception as text.
SERVER = """
import os, pickle, sys
from pathlib import Path
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
root = sys.argv[1]
sys.path.insert(0, root)
import numpy as np
import paddle
from paddlevideo.loader import build_dataloader, build_dataset
from paddlevideo.loader.builder import build_pipeline
from paddlevideo.utils.config import AttrDict
from ctrgcn_plugin.upstream import running

def transform(steps, seed, clip):
    # the clip, its label, and which random number comes next
    pipeline = build_pipeline({"sample": [{name: options} for name, options in steps]})
    np.random.seed(seed)
    results = pipeline({"data": clip, "label": 3})
    return results["data"], results["label"], np.random.random()

def dataset(steps, **options):
    return build_dataset((AttrDict(options), {"sample": [{name: settings} for name, settings in steps]}))

def items(steps, again=False, **options):
    made = dataset(steps, **options)
    if again:
        state = pickle.dumps(made)
        assert len(state) < 3000
        made = pickle.loads(state)
    return [made[index] for index in range(len(made))]

def batches(steps, workers, epochs, size=4, **options):
    np.random.seed(0)
    loader = build_dataloader(
        dataset(steps, **options), size, workers, paddle.set_device("cpu"), shuffle=False, drop_last=False
    )
    return [[[part.numpy() for part in batch] for batch in loader] for _ in range(epochs)]

def main(arguments, folder):
    os.chdir(folder)
    running.run_here(Path(root, "main.py"), arguments)

while True:
    name, arguments, options = pickle.load(sys.stdin.buffer)
    try:
        answer = globals()[name](*arguments, **options)
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    pickle.dump(answer, answers)
    answers.flush()
"""


class Upstream:
    """Calls functions of :data:`SERVER`."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(root)],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def __call__(self, name: str, *arguments, **options):
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(pickle.dumps((name, arguments, options)))
            self._process.stdin.flush()
            return pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError):
            pytest.fail(self.log.read_text()[-3000:])

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def upstream(ppvideo_root, tmp_path_factory):
    server = Upstream(ppvideo_root, tmp_path_factory.mktemp("server"))
    yield server
    server.close()


IDEN = ("Iden", {})
ROTATIONS = ("RandomRotation", {"argument": True}), ("SkeletonRotation", {})
CROPS = "SketeonCropSample", "SkeletonCropResample"
STREAM = ("SketeonModalityTransform", {"joint": False, "bone": True, "motion": True})


@st.composite
def clips(draw, joints: int = 0) -> np.ndarray:
    """NTU-like: empty frames in the middle, zeros after the end, perhaps nobody at all."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames, persons = draw(st.integers(0, 200)), draw(st.integers(1, 2))
    joints = joints or draw(st.integers(1, 25))
    clip = np.zeros((3, max(frames, 1) + draw(st.sampled_from([0, 50])), joints, persons), np.float32)
    clip[:, :frames] = rng.normal(0, 1, (3, frames, *clip.shape[2:]))
    clip[:, rng.random(clip.shape[1]) < draw(st.sampled_from([0, 0.2]))] = 0
    return clip


def assert_same(one, other) -> None:
    data, label, number = one
    assert np.array_equal(data, other[0]) and data.dtype == other[0].dtype and data.shape == other[0].shape
    assert label == other[1] and number == other[2]


@settings(max_examples=50, deadline=None)
@given(
    clip=clips(),
    seed=st.integers(0, 2**32 - 1),
    window=st.integers(2, 100),
    interval=st.one_of(
        st.floats(0.01, 1).map(lambda part: [part]),
        st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(sorted),
    ),
)
def test_the_same_crops(upstream, clip, seed, window, interval):
    options = {"window_size": window, "p_interval": interval}
    assert_same(*(upstream("transform", [(name, options)], seed, clip) for name in CROPS))


@settings(max_examples=30, deadline=None)
@given(clip=clips(), seed=st.integers(0, 2**32 - 1), theta=st.floats(0, 3))
def test_the_same_rotations(upstream, clip, seed, theta):
    assert_same(
        *(upstream("transform", [(name, {**options, "theta": theta})], seed, clip) for name, options in ROTATIONS)
    )


@settings(max_examples=20, deadline=None)
@given(clip=clips(25), seed=st.integers(0, 2**32 - 1))
def test_the_same_from_a_whole_pipeline(upstream, clip, seed):
    """Wherever Iden stands: the steps make float32 themselves."""
    theirs, ours = ([(name, {"window_size": 64, "p_interval": [0.5, 1]})] for name in CROPS)
    theirs, ours = [IDEN, *theirs, ROTATIONS[0], STREAM], [*ours, ROTATIONS[1], STREAM, IDEN]
    assert_same(*(upstream("transform", steps, seed, clip) for steps in (theirs, ours)))
    # one that is stored in float64 as well
    assert_same(*(upstream("transform", steps, seed, clip.astype(float)) for steps in (theirs, ours)))


def test_augmentation_is_a_step(upstream):
    clip = np.random.default_rng(0).normal(0, 1, (3, 9, 25, 2)).astype(np.float32)
    data, label, _ = upstream("transform", [("SkeletonAugment", {"flip": 1}), IDEN], 0, clip)
    assert np.array_equal(data[0, :, 4], -clip[0, :, 8]) and label.tolist() == [3]


DATASETS = ("SkeletonDataset", "MappedSkeletonDataset")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Ten clips that are all equal, and their labels in three forms."""
    folder = tmp_path_factory.mktemp("clips")
    clip = np.random.default_rng(0).normal(0, 1, (3, 20, 25, 2)).astype(np.float32)
    labels = np.arange(10) % 4
    paths = {name: folder / name for name in ("data.npy", "lists.pkl", "arrays.pkl", "labels.npy", "nine.npy")}
    np.save(paths["data.npy"], np.stack([clip] * 10))
    paths["lists.pkl"].write_bytes(pickle.dumps(([f"clip{i}" for i in range(10)], labels.tolist())))
    paths["arrays.pkl"].write_bytes(pickle.dumps((np.arange(10).astype(str), labels)))
    np.save(paths["labels.npy"], labels)
    np.save(paths["nine.npy"], labels[:9])
    return paths


# the last step writes into the clip that it is given
PIPELINES = {"Iden": [IDEN], "nothing": [], "in place": [("SketeonModalityTransform", {**STREAM[1], "bone": False})]}


@pytest.mark.parametrize("steps", PIPELINES)
@pytest.mark.parametrize("labels", ["lists.pkl", "arrays.pkl", "labels.npy", None])
def test_the_same_items(upstream, files, steps, labels):
    """Also from a dataset that was sent to another process, which is sent as paths."""
    options = {"file_path": str(files["data.npy"])}
    options.update(label_path=str(files[labels])) if labels else options.update(test_mode=True)
    stored = files["data.npy"].read_bytes()
    theirs = upstream("items", PIPELINES[steps], format=DATASETS[0], **options)
    for again in (False, True):
        ours = upstream("items", PIPELINES[steps], format=DATASETS[1], again=again, **options)
        assert len(ours) == len(theirs) == 10
        for one, other in zip(ours, theirs):
            assert type(one) is type(other) and len(one) == len(other) == (2 if labels else 1)
            assert all(np.array_equal(a, b) and np.shape(a) == np.shape(b) for a, b in zip(one, other))
    assert files["data.npy"].read_bytes() == stored


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_batches(upstream, files, workers):
    options = {"file_path": str(files["data.npy"]), "label_path": str(files["lists.pkl"])}
    crop = {"window_size": 16, "p_interval": [0.95]}
    theirs, ours = (
        upstream("batches", [IDEN, (step, crop)], workers, 1, format=name, **options)
        for name, step in zip(DATASETS, CROPS)
    )
    assert [len(batch) for batch in ours[0]] == [2, 2, 2]
    for one, other in zip(ours[0], theirs[0]):
        assert all(np.array_equal(a, b) for a, b in zip(one, other))


@pytest.mark.parametrize("workers", [0, 2])
def test_no_two_workers_or_epochs_draw_the_same(upstream, files, workers):
    """Twenty turns of one clip, all different; and the same twenty the next time, from the same seed."""
    options = {"format": DATASETS[1], "file_path": str(files["data.npy"]), "label_path": str(files["labels.npy"])}
    runs = [upstream("batches", [ROTATIONS[1]], workers, 2, size=2, **options) for _ in range(2)]
    turned = [[clip.tobytes() for epoch in run for batch in epoch for clip in batch[0]] for run in runs]
    assert len(turned[0]) == len(set(turned[0])) == 20
    assert turned[0] == turned[1]


MISTAKES = {
    "no data": ({"file_path": "none.npy"}, "ClipError: no data at none.npy; "),
    "no labels": ({"label_path": "none.pkl"}, "ClipError: no labels at none.pkl; "),
    "fewer labels": ({"label_path": "nine.npy"}, "ClipError: labels nine.npy are 9, but data data.npy has 10 clips; "),
    "labels left out": ({"label_path": None}, "ConfigError: training on data.npy needs label_path; test_mode: True"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes(upstream, files, case):
    options, message = MISTAKES[case]
    chosen = {"file_path": "data.npy", "label_path": "lists.pkl", **options}
    paths = {key: value and str(files.get(value, value)) for key, value in chosen.items()}
    said = upstream("items", [IDEN], format=DATASETS[1], **paths)
    assert isinstance(said, str) and said.replace(f"{files['data.npy'].parent}/", "").startswith(message)


NUMBERS = re.compile(r"train step:\d+\s+loss: \S+|val loss_avg: \S+ top1_avg: \S+")


def test_a_run_of_main_has_the_same_losses(upstream, data, narrow, tmp_path):
    """The shipped recipe with upstream's names and with ours, one epoch each, validation included."""
    config = configs.load("configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint_aug.yaml", narrow("light")[1::2])
    config.update(epochs=1, log_interval=1)
    config["DATASET"].update(batch_size=4, test_batch_size=4, num_workers=0)
    for mode, split in (("train", "train"), ("valid", "val")):
        config["DATASET"][mode].update(
            file_path=str(data / f"{split}_data.npy"), label_path=str(data / f"{split}_label.pkl")
        )
    found = []
    for dataset, crop, (rotation, turn) in zip(DATASETS, CROPS, ROTATIONS):
        for mode, interval in (("train", [0.5, 1]), ("valid", [0.95])):
            config["DATASET"][mode]["format"] = dataset
            steps = [{crop: {"window_size": 16, "p_interval": interval}}, {rotation: turn}, {"Iden": None}]
            config["PIPELINE"][mode] = {"sample": steps}
        path = tmp_path / f"{dataset}.yaml"
        path.write_text(yaml.safe_dump(config))
        start = upstream.log.stat().st_size
        assert upstream("main", ["--validate", "-c", str(path)], str(tmp_path)) is None
        found.append(NUMBERS.findall(re.sub(r"\x1b\[[0-9;]*m", "", upstream.log.read_text()[start:])))
    # two steps and a validation
    assert len(found[0]) == 3 and found[0] == found[1]
