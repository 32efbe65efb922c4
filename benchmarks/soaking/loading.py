"""Clips for training: epochs of upstream's loader, each with a fault of the files or of a worker."""

from __future__ import annotations

import gc
import os
import pickle
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
import paddle

from ctrgcn_plugin.errors import UserError
from soaking.rounds import Part
from soaking.watching import children

SOONEST = 30  # seconds from a fault to the end of the epoch


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
