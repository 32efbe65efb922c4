"""What a training was made from, kept in its output folder.

``config.yaml`` is its config after overrides, which main.py trains again. ``run.yaml`` has the rest, once for each time
that it was started: a resumed training has several starts. Where a checkout was changed, its diff lies beside them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Optional, Union

import yaml

from ctrgcn_plugin import configs
from ctrgcn_plugin.errors import UserError, one_line
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.training import surroundings

RUN, CONFIG = "run.yaml", "config.yaml"
HEADER = "# What this training was made from. To train it again and compare: ctrgcn train --reproduce FOLDER\n"
RESUME = "resume_epoch"
WEIGHTS = "weights"
# sections of a config whose strings may name files that a training reads
READ = ("MODEL", "DATASET.train", "PIPELINE.train")
VALIDATED = ("DATASET.valid", "PIPELINE.valid")
CHUNK = 1 << 20


@dataclass
class File:
    """A file that a training reads: where it was found, its size, its SHA-256; None while that is reckoned."""

    path: str
    bytes: int
    sha256: Optional[str] = None


@dataclass
class Start:
    """One start of a training.

    Attributes:
        started: when, ISO 8601 in UTC.
        resumed_from: how many epochs were done; 0 at the beginning.
        command: of the process, for a shell.
        folder: where it ran; relative paths begin there.
        seed: of the random generators.
        options: what train_model was called with.
        processes: how many trained together.
        machine: processor, cores, system.
        versions: name -> version.
        sources: name -> ``path``, and of a git checkout ``commit`` and ``diff``, the file that has its changes, or "".
        fixes: what came of run-time fixes -> their names.
        variables: those of the environment that begin as in :mod:`~ctrgcn_plugin.training.surroundings`.
        config_sha256: of ``config.yaml``.
        files: key in the config, or ``weights``, -> file.
    """

    started: str
    resumed_from: int
    command: str
    folder: str
    seed: int
    options: dict[str, Any]
    processes: int
    machine: dict[str, Any]
    versions: dict[str, str]
    sources: dict[str, dict[str, str]]
    fixes: dict[str, list[str]]
    variables: dict[str, str]
    config_sha256: str
    files: dict[str, File] = field(default_factory=dict)


def read(folder: Union[str, Path]) -> list[Start]:
    """The starts of the training in an output folder, in order; none where there is no record.

    Raises:
        UserError: the record cannot be read, or is none.
    """
    file = Path(folder) / RUN
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        return [_start(entry) for entry in found["starts"]]
    except FileNotFoundError:
        return []
    # a deeply nested file exhausts the parser's recursion
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError) as error:
        raise UserError(
            f"the record {file} cannot be read: {one_line(error)[:200]}; remove the file, or mend it"
        ) from error


# what YAML makes of a start's fields
_TYPES: dict[str, type] = {"str": str, "int": int}


def _start(entry: Mapping[str, Any]) -> Start:
    start = Start(**{**entry, "files": {key: File(**file) for key, file in entry["files"].items()}})
    for declared in dataclasses.fields(start):
        kind = _TYPES.get(str(declared.type), dict)
        if not isinstance(getattr(start, declared.name), kind):
            raise TypeError(f"{declared.name} is no {kind.__name__}")
    return start


def as_config(config: Mapping[str, Any]) -> str:
    """A config as the text of a file that upstream reads as this config, but trains from the beginning."""
    kept = {key: value for key, value in config.items() if key != RESUME}
    return yaml.safe_dump(_plain(kept), sort_keys=False)


def _plain(value: Any, read_as_literal: bool = True) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item, read_as_literal) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        # upstream leaves text within lists as it is
        return [_plain(item, False) for item in value]
    if isinstance(value, str) and read_as_literal and configs.literal(value) != value:
        return repr(value)
    return value


def named_files(config: Mapping[str, Any], validate: bool = True) -> dict[str, File]:
    """key -> file, of all files that are named where a training reads: data, labels, weights, layouts."""
    found = {}
    for place in (*READ, *(VALIDATED if validate else ())):
        section: Any = config
        for key in place.split("."):
            section = (section or {}).get(key)
        for key, text in _texts(place, section):
            # a text that is no file's name may be too long for one
            with suppress(OSError, ValueError):
                if Path(text).is_file():
                    found[key] = file_of(text)
    return found


def _texts(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _texts(f"{place}.{key}", item)


def file_of(path: Union[str, Path]) -> File:
    """A file whose checksum is not known yet."""
    return File(str(path), Path(path).stat().st_size)


def checksum(path: Union[str, Path]) -> str:
    """SHA-256 of a file of any size."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(CHUNK))
    with Path(path).open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            digest.update(buffer[:size])
    return digest.hexdigest()


class Record:
    """The record of a training that starts now. The checksums come later: data may be large, and training can begin.

    Args:
        folder: the training's output folder.
        config: as it is before anything is built from it.
        options: what train_model is called with beside the config.
        paddlevideo: its root.
        fixes: what came of run-time fixes -> their names.
        processes: how many train together.
        warn: is told, from a thread, why a checksum or the file cannot be had.

    Attributes:
        shared: whether several processes train together.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        options: Mapping[str, Any],
        paddlevideo: Path,
        fixes: dict[str, list[str]],
        processes: int,
        warn: Callable[[str], object],
    ) -> None:
        self._folder, self._warn, self.shared = folder, warn, processes > 1
        text = as_config(config)
        done = config.get(RESUME) or 0
        files = named_files(config, bool(options.get("validate", True)))
        if options.get(WEIGHTS):
            files[WEIGHTS] = file_of(options[WEIGHTS])
        folder.mkdir(parents=True, exist_ok=True)
        start = Start(
            started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            resumed_from=done,
            command=shlex.join(sys.argv),
            folder=str(Path.cwd()),
            seed=surroundings.seed(),
            options=_plain(options, read_as_literal=False),
            processes=processes,
            **surroundings.found(paddlevideo, folder),
            fixes=fixes,
            config_sha256=hashlib.sha256(text.encode()).hexdigest(),
            files=files,
        )
        self._starts = [*(read(folder) if done else ()), start]
        with replacing(folder / CONFIG) as file:
            file.write(text.encode())
        self._write()
        # a daemon: what fails is not to wait for checksums
        self._thread = threading.Thread(target=self._complete, name="checksums", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until it is complete."""
        self._thread.join()

    def _complete(self) -> None:
        known: dict[str, str] = {}
        try:
            for file in self._starts[-1].files.values():
                if file.path not in known:
                    known[file.path] = checksum(file.path)
                file.sha256 = known[file.path]
            self._write()
        except OSError as error:
            self._warn(f"{self._folder / RUN} stays incomplete: {one_line(error)}")

    def _write(self) -> None:
        text = yaml.safe_dump({"starts": [asdict(start) for start in self._starts]}, sort_keys=False, width=1000)
        with replacing(self._folder / RUN) as file:
            file.write((HEADER + text).encode())
