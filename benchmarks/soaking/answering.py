"""Clips for prediction: folders and lists, answered while some of their files change."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ctrgcn_plugin.data import clips
from ctrgcn_plugin.deploy.predictor import Predictor
from ctrgcn_plugin.errors import UserError
from soaking.model import Model
from soaking.rounds import Part

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
