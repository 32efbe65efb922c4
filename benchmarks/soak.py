"""Hours of the loader and of prediction with faults mixed in: memory flat, no hang, every bad clip reported once.

Each part goes on in rounds until its time is over. A round of ``load`` is an epoch of upstream's loader, over clips of
which some are NaN or all zero; in some of them a worker is killed, or the data file is shortened, loses its name or is
replaced. A round of ``predict`` is a folder and a list of clips in every format, good and bad; some vanish, are
shortened or written anew between being listed and being read: by the predictor of this process, and by the command
``ctrgcn predict``. What each clip and each fault should come to is known, as is when memory counts as flat, see
:class:`Watch`. The faults follow from the seed, but for when a process gets round to what.

    PADDLEVIDEO_ROOT=... python benchmarks/soak.py --minutes 30 --json benchmarks/results/soak.json
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import io
import json
import os
import pickle
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np
import paddle
import yaml

from ctrgcn_plugin import layouts
from ctrgcn_plugin.benchmark import machines
from ctrgcn_plugin.data import clips
from ctrgcn_plugin.deploy import gate
from ctrgcn_plugin.deploy.export import export
from ctrgcn_plugin.deploy.predictor import Predictor
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.models.network import build_network
from ctrgcn_plugin.upstream import locate

LEAK = 5.0  # MB for 10,000 clips
ONCE = 24.0  # MB that an allocator may take at any time and keep
# what Paddle may keep of two loaders that have failed, until there are others
KEPT = {"shared": 0.0, "descriptors": 16, "threads": 8, "children": 0}
WARM_UP = 0.25  # of the samples
LONGEST = 600  # seconds of a round; then the process shows where it stands, and ends
SOONEST = 30  # seconds from a fault to the end of the epoch
PARTS = ("load", "predictor", "command")
WRITTEN_EVERY = 60  # seconds
MEGABYTE = 1e6


class Held(NamedTuple):
    """What a process holds: its resident memory and that of its batches in /dev/shm in MB, the others as numbers."""

    memory: float
    shared: float
    descriptors: int
    threads: int
    children: int


def held() -> Held:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    mine = [os.getpid(), *children()]
    shared = sum(_size(file) for process in mine for file in Path("/dev/shm").glob(f"paddle_{process}_*"))
    descriptors, threads = (sum(1 for _ in Path(f"/proc/self/{what}").iterdir()) for what in ("fd", "task"))
    return Held(pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE, shared / MEGABYTE, descriptors, threads, len(children()))


def children() -> list[int]:
    """The processes that this one has started and that have not been waited for."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid():
            found.append(int(folder.name))
    return found


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


class Watch:
    """What this process holds from round to round.

    After the warm-up, memory may grow by :data:`LEAK` for 10,000 clips, as a straight line through the samples says,
    or by :data:`ONCE` in all. Of the other things there must not be more after every round of the second half than
    after some round of the first, but for :data:`KEPT`.
    """

    def __init__(self) -> None:
        self.clips: list[int] = []
        self.held: list[Held] = []

    def note(self, done: int) -> None:
        """Take a sample, after `done` clips in all."""
        self.clips.append(done)
        self.held.append(held())

    def growth(self) -> tuple[float, float]:
        """(MB for 10,000 clips, MB in all) after the warm-up."""
        first = int(len(self.clips) * WARM_UP)
        done, memory = np.array(self.clips[first:]), np.array([sample.memory for sample in self.held[first:]])
        if len(done) < 2:
            return 0.0, 0.0
        slope = float(np.polyfit(done - done[0], memory, 1)[0])
        return slope * 10_000, slope * float(done[-1] - done[0])

    def problems(self) -> Iterator[str]:
        """What is not as it should be."""
        rate, total = self.growth()
        if rate > LEAK and total > ONCE:
            yield f"memory grows by {rate:.1f} MB for 10,000 clips, {total:.0f} MB in all"
        half = len(self.held) // 2
        for name, kept in KEPT.items():
            numbers = [getattr(sample, name) for sample in self.held]
            if half and min(numbers[half:]) - min(numbers[:half]) > kept:
                yield f"{name}: {min(numbers[:half])} at first, never below {min(numbers[half:])} later"

    def summary(self) -> dict[str, Any]:
        """For the record."""
        rate, total = self.growth()
        ends = {"first": self.held[0]._asdict(), "last": self.held[-1]._asdict()} if self.held else {}
        every = max(1, len(self.clips) // 50)
        series = [[done, round(sample.memory, 1)] for done, sample in zip(self.clips, self.held)][::every]
        return {
            "growth_mb_per_10000_clips": round(rate, 3),
            "growth_mb": round(total, 2),
            "held": {name: {key: round(value, 1) for key, value in end.items()} for name, end in ends.items()},
            "clips_and_mb": series,
        }


class Part(ABC):
    """Something to be done for hours.

    Attributes:
        counts: of what has happened.
        problems: of what should not have.
        slowest: seconds from a fault to the end that it leads to, the longest.
    """

    def __init__(self, name: str, rng: random.Random) -> None:
        self.name, self.rng = name, rng
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.slowest = 0.0

    @abstractmethod
    def round(self) -> int:
        """Do it once; how many clips that were."""


# clips for training


class Load(Part):
    """Epochs of upstream's loader with the steps of a training config."""

    STEPS: Mapping[str, Sequence[dict[str, Any]]] = {
        "MappedSkeletonDataset": (
            {"SkeletonCropResample": {"window_size": 64, "p_interval": [0.5, 1]}},
            {"SkeletonRotation": {}},
        ),
        "SkeletonDataset": (
            {"SketeonCropSample": {"window_size": 64, "p_interval": [0.5, 1]}},
            {"RandomRotation": {"argument": True}},
        ),
    }
    # what the run ends with; it goes on after any other fault
    ENDS = {"kill": "a loader worker was killed", "shorten": "is not there any more"}
    BATCH = 8

    def __init__(self, folder: Path, stored: np.ndarray, form: str, workers: int, rng: random.Random) -> None:
        super().__init__(f"load {form}, {workers} workers", rng)
        self._form, self._workers = form, workers
        self._whole, self._data, self._labels = (folder / name for name in ("whole.npy", "data.npy", "label.pkl"))
        numbers = rng.sample(range(len(stored)), len(stored) // 10)
        self._nan, self._zero = set(numbers[::2]), set(numbers[1::2])
        stored = stored.copy()
        # in every frame, whatever a crop leaves out
        stored[list(self._nan), :, :, 0] = np.nan
        stored[list(self._zero)] = 0
        np.save(self._whole, stored)
        self._clips = len(stored)
        # so that a batch says which clips it has
        self._labels.write_bytes(pickle.dumps(([f"{i}" for i in range(self._clips)], list(range(self._clips)))))
        self._faults: list[str] = []
        self._threads = threading.enumerate()
        self._loader: Any = None

    def round(self) -> int:
        if not self._faults:
            self._faults = ["none", "vanish", "replace", "shorten"] + ["kill"] * (self._workers > 0)
            self.rng.shuffle(self._faults)
        fault = self._faults.pop()
        # early enough for something to be read after it
        self._fault, self._at = fault, self.rng.randrange(self._clips // self.BATCH // 3)
        self.counts[f"epochs, {fault}"] += 1
        ends = self.ENDS.get(fault) if fault != "shorten" or self._form == "MappedSkeletonDataset" else None
        seen: Counter[int] = Counter()
        said = self._epoch(seen)
        if said is None and ends is None:
            if seen != Counter(range(self._clips)):
                self.problems.append(f"{fault}: of {self._clips} clips {len(seen)} came, {seen.most_common(1)}")
        elif said is None or ends is None or ends not in said or "\n" in said:
            self.problems.append(f"{fault}: ended with {said!r}, not {ends!r}")
        if said is not None:
            self._end()
        return sum(seen.values())

    def _end(self) -> None:
        """Wait until what a fault has ended has left nothing behind."""
        self._loader = None
        while left := [*children(), *(one for one in threading.enumerate() if one not in self._threads)]:
            gc.collect()
            time.sleep(0.05)
            if time.monotonic() - self._struck > SOONEST:
                self.problems.append(f"{self._fault}: {left} are there after {SOONEST} s")
                break
        self.slowest = max(self.slowest, time.monotonic() - self._struck)

    def _epoch(self, seen: Counter[int]) -> Optional[str]:
        """Count the clips that come; what the epoch ended with, if not well."""
        try:
            if self._loader is None or self._data.stat().st_size != self._whole.stat().st_size:
                self._loader = self._made()
            for number, (batch, labels) in enumerate(self._loader):
                if number == self._at:
                    self._struck = time.monotonic()
                    getattr(self, f"_{self._fault}")()
                self._look_at(batch.numpy(), labels.numpy().ravel().tolist())
                seen.update(labels.numpy().ravel().tolist())
        except UserError as error:
            return str(error)
        except Exception as error:
            return f"{type(error).__name__}\n{error}"
        finally:
            if not self._data.is_file() or self._fault == "replace":
                self._loader = None
        return None

    def _made(self) -> Any:
        from paddlevideo.loader import build_dataloader, build_dataset
        from paddlevideo.utils.config import AttrDict

        beside = self._data.with_name("new.npy")
        shutil.copy(self._whole, beside)
        beside.replace(self._data)
        files = AttrDict(format=self._form, file_path=str(self._data), label_path=str(self._labels))
        dataset = build_dataset((files, {"sample": [{"Iden": {}}, *self.STEPS[self._form]]}))
        place = paddle.set_device("cpu")
        return build_dataloader(dataset, self.BATCH, self._workers, place, drop_last=False)

    def _look_at(self, batch: np.ndarray, labels: Sequence[int]) -> None:
        for clip, number in zip(batch, labels):
            found = "NaN" if np.isnan(clip).any() else "somebody" if clip.any() else "nobody"
            stored = "NaN" if number in self._nan else "nobody" if number in self._zero else "somebody"
            self.counts[f"clips, {found}"] += 1
            if found != stored:
                self.problems.append(f"clip {number} came with {found}, not {stored}, in it")

    def _none(self) -> None:
        pass

    def _kill(self) -> None:
        os.kill(self.rng.choice(children()), signal.SIGKILL)

    def _shorten(self) -> None:
        os.truncate(self._data, 4096)

    def _vanish(self) -> None:
        self._data.unlink()

    def _replace(self) -> None:
        beside = self._data.with_name("new.npy")
        beside.write_bytes(b"something else")
        beside.replace(self._data)


# clips for prediction


class Model:
    """A small network that was never trained, exported, and clips that it takes, in files of every format."""

    FRAMES = 40
    CLASSES = 5

    def __init__(self, folder: Path, layout: str, coordinates: int, persons: int, unit: str) -> None:
        self.skeleton, self.persons = layouts.get(layout), persons
        self.folder = folder / "model"
        joints = self.skeleton.num_joints
        folder.mkdir()
        names = [f"action {number}" for number in range(self.CLASSES)]
        card = {"name": "soak", "layout": layout, "coordinates": coordinates, "persons": persons, "frames": self.FRAMES}
        (folder / "dataset.yaml").write_text(yaml.safe_dump({**card, "unit": unit, "classes": names, "protocols": {}}))
        backbone = {"name": "CTRGCN_lightV2", "base_channel": 8, "graph": layout, "in_channels": coordinates}
        parts = {
            "backbone": {**backbone, "num_person": persons},
            "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": self.CLASSES},
        }
        inference = {"num_channels": coordinates, "vertex_nums": joints, "person_nums": persons}
        config = {
            "model_name": "soak",
            "MODEL": parts,
            "INFERENCE": {**inference, "window_size": 16, "p_interval": [0.95]},
            "DATASET": {"test": {"file_path": str(folder / "split" / "val_data.npy")}},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        paddle.seed(0)
        network = build_network(parts)
        for key, value in network.state_dict().items():
            if key.endswith(("alpha", "weight")) and len(value.shape) == 1:
                # some are 0 or 1e-6 at initialisation: all clips would get the same answer
                value.set_value(np.full(value.shape, 0.5, "float32"))
        network.head.fc.weight.set_value(0.5 * network.head.fc.weight)  # so that no class is certain
        paddle.save(network.state_dict(), str(folder / "best.pdparams"))
        export(folder / "config.yaml", folder / "best.pdparams", self.folder)
        self._shape = (1, coordinates, self.FRAMES, joints, persons)
        self.clip = self._clip(0)

    def _clip(self, number: int) -> np.ndarray:
        return gate.skeletons(np.random.default_rng(number), self._shape)[0].astype(np.float32)

    def good(self) -> dict[str, bytes]:
        """A clip in each format, by a file name; all of them different."""
        people = [self._clip(number).transpose(3, 1, 2, 0) for number in range(4)]
        files = {"array.npy": as_npy(self.clip), "table.csv": as_csv(self.skeleton, people[1])}
        if len(self.clip) == 3:
            plain = people[2].transpose(1, 0, 2, 3)
            return {**files, "plain.npy": as_npy(plain), "kinect.skeleton": as_skeleton(people[3])}
        return {**files, "coco.json": as_coco(people[2])}

    def bad(self, rng: random.Random) -> dict[str, bytes]:
        """Files that cannot be used."""
        empty = np.where(np.arange(self.FRAMES)[:, None, None] == 7, np.nan, self.clip)
        files = {
            "nan.npy": as_npy(empty),
            "joints.npy": as_npy(self.clip[:, :, 1:]),
            "five axes.npy": as_npy(self.clip[None]),
            "no frames.npy": as_npy(self.clip[:, :0]),
            "objects.npy": pickle.dumps([1, 2]),
            "header.npy": self.good()["array.npy"][:60],
            "missing column.csv": b"frame,one_x\n0,1\n",
        }
        for name, whole in self.good().items():
            suffix = Path(name).suffix
            files[f"empty{suffix}"] = b""
            files[f"noise{suffix}"] = rng.randbytes(5000)
            files[f"half {name}"] = whole[: len(whole) // 2] if suffix != ".csv" else whole[:100]
        return files


def as_npy(array: np.ndarray) -> bytes:
    """A ``.npy`` file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def as_csv(skeleton: layouts.Layout, people: np.ndarray) -> bytes:
    """A table of people (M, T, V, C)."""
    axes = "xyz"[: people.shape[3]]
    lines = [",".join(["frame", "person", *(f"{joint}_{axis}" for joint in skeleton.joints for axis in axes)])]
    for person, frame in product(range(len(people)), range(people.shape[1])):
        lines.append(",".join(map(str, [frame, person, *people[person, frame].ravel().round(5).tolist()])))
    return "\n".join(lines).encode()


def as_skeleton(people: np.ndarray) -> bytes:
    """A ``.skeleton`` file of the first of people (M, T, V, 3)."""
    lines = [str(people.shape[1])]
    for joints in people[0]:
        lines += ["1", "7 0 1 1 1 1 0 0 0 2", str(len(joints))]
        lines += [" ".join([*(f"{value:.6f}" for value in joint), "0 0 0 0 0 0 0 0 2"]) for joint in joints]
    return "\n".join(lines).encode()


def as_coco(people: np.ndarray) -> bytes:
    """Keypoints of people (M, T, V, 2)."""
    sure = np.concatenate([people * 100 + 500, np.ones((*people.shape[:3], 1))], axis=3)
    entries = [
        {"image_id": frame, "keypoints": sure[person, frame].ravel().round(3).tolist()}
        for frame, person in product(range(people.shape[1]), range(len(people)))
    ]
    return json.dumps(entries).encode()


GOOD, BAD, EITHER = "good", "bad", "either"  # what may become of a clip: an answer, a refusal


class Predict(Part):
    """A folder and a list of clips, answered; by this process or by the command.

    Attributes:
        right: scores of each good clip alone.
    """

    SHARE = {GOOD: 0.75, BAD: 0.2, EITHER: 0.05}

    def __init__(self, folder: Path, model: Model, number: int, by_command: bool, rng: random.Random) -> None:
        super().__init__(f"predict by {'the command' if by_command else 'a Predictor'}, {model.skeleton.name}", rng)
        self._folder, self._model, self._number, self._command = folder / "clips", model, number, by_command
        self.predictor = Predictor(model.folder)
        self._good, self._bad = model.good(), model.bad(rng)
        self.right = {name: self._scores(name, content) for name, content in self._good.items()}

    def _scores(self, name: str, content: bytes) -> np.ndarray:
        self._folder.mkdir(exist_ok=True)
        file = self._folder / name
        file.write_bytes(content)
        return self.predictor.predict([file])[0].scores

    def round(self) -> int:
        shutil.rmtree(self._folder)
        self._fates: dict[str, tuple[str, str]] = {}  # by a file's path, the name of what is in it and what may become
        self._answers: dict[str, list[np.ndarray]] = {}
        self._refusals: Counter[str] = Counter()
        self._writers: list[threading.Timer] = []
        given = self._written()
        (self._by_command if self._command else self._by_predictor)(given)
        for writer in self._writers:
            writer.join()
        self._judge()
        return len(self._fates)

    def _written(self) -> list[Path]:
        """What to give: a folder for each kind of clips that is looked for in one, and a list of the others."""
        listed = []
        for number in range(self._number):
            fate = self.rng.choices(list(self.SHARE), list(self.SHARE.values()))[0]
            files = self._bad if fate == BAD else self._good
            name = self.rng.choice(list(files))
            suffix = Path(name).suffix
            file = self._folder / suffix[1:] / f"{number:06}{suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(files[name])
            self._fates[str(file)] = name, fate
            if suffix == ".csv":
                listed.append(str(file.relative_to(self._folder)))
        (self._folder / "list.txt").write_text("\n".join(listed))
        folders = {Path(file).parent for file in self._fates}
        return sorted(folder for folder in folders if folder.name != "csv") + [self._folder / "list.txt"] * bool(listed)

    def _by_predictor(self, given: Sequence[Path]) -> None:
        def refused(source: str, error: UserError) -> None:
            self._refuse(source, str(error))

        def spoilt() -> Iterator[Path]:
            for file in clips.clip_files(given):
                if self._fates[str(file)][1] == EITHER:
                    self._spoil(file)
                yield file

        for answer in self.predictor.stream(spoilt(), self.rng.choice([1, 3, 8]), refused):
            self._answers.setdefault(answer.source, []).append(answer.scores)

    def _by_command(self, given: Sequence[Path]) -> None:
        command = [sys.executable, "-m", "ctrgcn_plugin", "predict", "-m", str(self._model.folder), "--json", "-q"]
        command += ["-b", str(self.rng.choice([1, 3, 8])), "-k", str(Model.CLASSES), "-i", *map(str, given)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            said: list[str] = []
            listener = threading.Thread(target=lambda lines: said.extend(lines), args=(process.stderr,))
            listener.start()
            for place, line in enumerate(process.stdout):
                if not place:
                    # what is to be answered has been listed by now
                    for file, (_, fate) in self._fates.items():
                        if fate == EITHER:
                            self._spoil(Path(file))
                answer = json.loads(line)
                ranks = sorted(answer["top"], key=lambda rank: rank["class"])
                scores = np.array([rank["probability"] for rank in ranks])
                self._answers.setdefault(answer["clip"], []).append(scores)
            listener.join()
        for line in said:
            source = next((file for file in self._fates if file in line), None)
            if source:
                self._refuse(source, line.rstrip("\n"))
            elif "Traceback" in line:
                self.problems.append("a traceback: " + "".join(said)[-2000:])
        if process.returncode not in (0, 1):
            self.problems.append(f"exit status {process.returncode}: {''.join(said)[-2000:]}")

    def _refuse(self, source: str, said: str) -> None:
        self._refusals[source] += 1
        if "\n" in said or Path(source).name not in said:
            self.problems.append(f"refused in other than one line with the file's name: {said!r}")

    def _spoil(self, file: Path) -> None:
        what = self.rng.choice(["vanish", "shorten", "write anew", "touch"])
        self.counts[f"spoilt, {what}"] += 1
        if what == "vanish":
            file.unlink()
        elif what == "shorten":
            os.truncate(file, file.stat().st_size // 2)
        elif what == "write anew":
            content = file.read_bytes()
            with file.open("wb") as half:
                half.write(content[: len(content) // 3])
            self._writers.append(threading.Timer(self.rng.random() / 100, file.write_bytes, [content]))
            self._writers[-1].start()
        else:
            file.touch()

    def _judge(self) -> None:
        """Hold what came against what should have."""
        for file, (name, fate) in self._fates.items():
            answers, refusals = self._answers.pop(file, []), self._refusals.pop(file, 0)
            came = GOOD if answers else BAD
            self.counts[f"{fate}: {'answered' if answers else 'refused'}"] += 1
            if len(answers) + refusals != 1 or fate not in (came, EITHER):
                self.problems.append(f"{fate} {name}: answered {len(answers)} times, refused {refusals} times")
            if fate == GOOD and any(np.abs(scores - self.right[name]).max() > 1e-4 for scores in answers):
                self.problems.append(f"{name}: another answer than alone")
        for source in (*self._answers, *self._refusals):
            self.problems.append(f"{source} was never given")


# all of it


def go_on(part: Part, seconds: float, rounds: int, report: Callable[[Watch], None]) -> None:
    """Rounds of a part for so long, and at least so many; a report every minute, and at the end."""
    watch, done, start, written = Watch(), 0, time.monotonic(), 0.0
    while time.monotonic() - start < seconds or len(watch.clips) < rounds:
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        done += part.round()
        watch.note(done)
        if time.monotonic() - written > WRITTEN_EVERY:
            written = time.monotonic()
            report(watch)
    faulthandler.cancel_dump_traceback_later()
    report(watch)


def parts(folder: Path, options: argparse.Namespace, seed: int) -> Iterator[Part]:
    """What is to be done."""
    if "load" in options.parts:
        made = gate.skeletons(np.random.default_rng(0), (options.epoch, 3, 64, 25, 2))
        stored = np.load(options.data, mmap_mode="r")[: options.epoch] if options.data else made
        sys.path.insert(0, str(locate.find().root))
        for form, workers in product(Load.STEPS, options.workers):
            yield Load(folder, stored.astype(np.float32), form, workers, random.Random(seed))
    kinds = [kind for kind in ("predictor", "command") if kind in options.parts]
    if kinds:
        kinect = Model(folder / "kinect", layouts.DEFAULT, 3, 2, "metres")
        coco = Model(folder / "coco", "coco", 2, 1, "trunks")
        for kind, model in product(kinds, (kinect, coco)):
            yield Predict(folder, model, options.clips, kind == "command", random.Random(seed))


def arguments(given: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="of each part (default: 1)")
    parser.add_argument("--rounds", type=int, default=8, help="of each part, at least (default: 8)")
    parser.add_argument("--seed", type=int, help="of the faults (default: another each time)")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS, help="(default: all)")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2], help="num_workers (default: 0 2)")
    parser.add_argument("--epoch", type=int, default=200, help="clips in an epoch of the loader (default: 200)")
    parser.add_argument("--clips", type=int, default=300, help="in a round of prediction (default: 300)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="clips for the loader, .npy (default: made)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, every minute, too")
    return parser.parse_args(given)


def main(given: Optional[Sequence[str]] = None) -> int:
    """Go on, print, and end with status 1 if anything was not as it should be."""
    options = arguments(given)
    seed = random.randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    result: dict[str, Any] = {
        "what": "the loader and prediction with faults mixed in",
        "command": "python benchmarks/soak.py " + " ".join(given if given is not None else sys.argv[1:]),
        "seed": seed,
        "limits": {"leak_mb_per_10000_clips": LEAK, "once_mb": ONCE, "seconds_to_end": SOONEST, "hang": LONGEST},
        "python": platform.python_version(),
        "paddle": paddle.__version__,
        "numpy": np.__version__,
        **machines.describe(),
        "parts": [],
    }
    with tempfile.TemporaryDirectory() as name:
        for part in parts(Path(name), options, seed):
            row: dict[str, Any] = {"part": part.name}
            result["parts"].append(row)
            start = time.monotonic()

            def report(watch: Watch, part: Part = part, row: dict[str, Any] = row, start: float = start) -> None:
                problems = [*part.problems, *watch.problems()]
                row.update(minutes=round((time.monotonic() - start) / 60, 2), rounds=len(watch.clips))
                row.update(clips=watch.clips[-1], counts=dict(sorted(part.counts.items())))
                row.update(slowest_end_seconds=round(part.slowest, 2), problems=len(problems), first=problems[:20])
                row.update(watch.summary())
                if options.json:
                    with replacing(options.json) as file:
                        file.write(json.dumps(result, indent=1).encode() + b"\n")

            go_on(part, 60 * options.minutes, options.rounds, report)
            print(
                "{part}: {rounds} rounds, {clips} clips, {growth_mb_per_10000_clips:+.2f} MB for 10,000 clips, "
                "slowest end {slowest_end_seconds} s, {problems} problems".format(**row),
                flush=True,
            )
            for problem in row["first"]:
                print(f"    {problem}", flush=True)
    return int(any(row["problems"] for row in result["parts"]))


if __name__ == "__main__":
    sys.exit(main())
