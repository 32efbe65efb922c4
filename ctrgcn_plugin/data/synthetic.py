"""A small labelled skeleton set, animated: what a quickstart trains on where there is no data.

The files have the format of upstream's SkeletonDataset and the conventions of NTU RGB+D after
upstream's preparation: (3, T, 25, 2), metres, the origin in the first person's spine in the first
frame, x to the right of a person who faces the camera, y up, z away from the camera, zeros after the
end of a clip and for a second person who is not there. The split is by subject, as NTU's cross-subject one.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from ctrgcn_plugin.data import actions, camera
from ctrgcn_plugin.data.actions import Style, perform
from ctrgcn_plugin.data.kinematics import LAYOUT, Body, turn
from ctrgcn_plugin.data.prepared import Card
from ctrgcn_plugin.data.units import METRES
from ctrgcn_plugin.errors import ConfigError, unknown
from ctrgcn_plugin.files import replacing

ACTIONS: tuple[str, ...] = tuple(action.name for action in actions.ACTIONS)
SPLITS = ("train", "val")
PEOPLE = 2
HELD_OUT_EVERY = 4  # subjects 4, 8, 12, ... are for testing

# What a stream of random numbers is for. The number is part of its seed.
_SUBJECT, _PERFORMANCE, _CAMERA = range(3)


@dataclass(frozen=True)
class Take:
    """Which clip: what a sample's name says. All indices start at 0, in the name at 1."""

    action: int
    subject: int
    view: int = 0
    replication: int = 0

    @property
    def name(self) -> str:
        """As NTU names its files: setup, camera, performer, replication, action."""
        return f"S001C{self.view + 1:03}P{self.subject + 1:03}R{self.replication + 1:03}A{self.action + 1:03}.skeleton"

    @property
    def split(self) -> str:
        return SPLITS[(self.subject + 1) % HELD_OUT_EVERY == 0]


@dataclass(frozen=True)
class DatasetSummary:
    """What :func:`make_dataset` has written.

    Attributes:
        folder: of train_data.npy, train_label.pkl, val_data.npy and val_label.pkl.
        actions: names, by label.
        clips, subjects: how many, by split ("train", "val").
        frames: T, the padded length.
    """

    folder: Path
    actions: tuple[str, ...]
    clips: dict[str, int]
    subjects: dict[str, int]
    frames: int

    def card(self) -> Card:
        """What ``dataset.yaml`` in the folder above says of the set, which is the protocol that `folder` is named."""
        return Card(
            name="procedural",
            layout=LAYOUT.name,
            coordinates=3,
            persons=PEOPLE,
            frames=self.frames,
            unit=METRES,
            classes=list(self.actions),
            protocols={self.folder.name: dict(self.clips)},
        )


def make_clip(
    action: int | str,
    subject: int,
    view: int = 0,
    replication: int = 0,
    seed: int = 0,
    *,
    frames: int = actions.MAX_FRAMES,
) -> np.ndarray:
    """One clip, which depends on the arguments alone and not on what else is made.

    Views of the same action, subject and replication show the same performance, as NTU's cameras do.

    Args:
        action: label or name.
        subject: who, from 0.
        view: which camera, from 0: at -45, 0 and +45 degrees.
        frames: the length that shorter clips are padded to.

    Returns:
        (3, frames, 25, 2) float32, see the module's docstring.
    """
    label = _label(action)
    _check(frames >= actions.MAX_FRAMES, f"frames={frames}: clips have up to {actions.MAX_FRAMES} frames")
    _check(0 <= view < len(camera.YAWS), f"view={view}: there are {len(camera.YAWS)} cameras, from 0")
    _check(min(subject, replication, seed) >= 0, "subject, replication and seed start at 0")
    people = record(Take(label, subject, view, replication), seed)
    clip = np.zeros((3, frames, LAYOUT.num_joints, PEOPLE), dtype=np.float32)
    for person, positions in enumerate(people):
        clip[:, : len(positions), :, person] = positions.transpose(2, 0, 1)
    return clip


def record(take: Take, seed: int) -> list[np.ndarray]:
    """(T, 25, 3) for each person of a clip, centred."""
    rng = _rng(seed, _CAMERA, take)
    people = camera.film(stage(take, seed), take.view, rng)
    if rng.random() < 0.5:  # a Kinect numbers the bodies as it finds them
        people.reverse()
    return camera.centre(people)


def stage(take: Take, seed: int) -> list[np.ndarray]:
    """(T, 25, 3) for each person, before any camera: the bodies' true positions."""
    who = _rng(seed, _SUBJECT, Take(action=0, subject=take.subject))
    bodies, styles = [Body.random(who)], [Style.random(who)]
    rng = _rng(seed, _PERFORMANCE, Take(take.action, take.subject, replication=take.replication))
    action = actions.ACTIONS[take.action]
    for _ in range(action.motion.people - 1):  # whom the subject acts with: anybody
        bodies.append(Body.random(rng))
        styles.append(Style.random(rng))
    people = perform(action, bodies, styles, rng)
    facing = rng.normal(0, 8) + 180 * int(rng.integers(action.motion.people))  # two people: either on the left
    return [turn(positions, facing) for positions in people]


def make_dataset(
    folder: str | PathLike[str],
    *,
    seed: int = 0,
    subjects: int = 20,
    views: int = 3,
    replications: int = 1,
    frames: int = actions.MAX_FRAMES,
    progress: Callable[[int, int], object] | None = None,
) -> DatasetSummary:
    """Writes the set to `folder`: {train,val}_data.npy (N, 3, frames, 25, 2) float32 and {train,val}_label.pkl.

    A label file is a pickled pair of lists: sample names, integer labels. The four files appear
    together when all are written, or not at all.

    Args:
        subjects, views, replications: how many of each. Every fourth subject is held out for testing.
        progress: called with (clips made, clips to make) after each clip.
    """
    _check(subjects >= HELD_OUT_EVERY, f"subjects={subjects}: it takes {HELD_OUT_EVERY} to hold one out for testing")
    _check(1 <= views <= len(camera.YAWS), f"views={views}: there are 1 to {len(camera.YAWS)} cameras")
    _check(replications >= 1, f"replications={replications}: at least 1")
    takes = list(_takes(subjects, views, replications))
    clips: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    for done, take in enumerate(takes, start=1):
        clip = make_clip(take.action, take.subject, take.view, take.replication, seed, frames=frames)
        clips[take.split].append(clip)
        if progress:
            progress(done, len(takes))
    with ExitStack() as stack:
        for split in SPLITS:
            ours = [take for take in takes if take.split == split]
            labels = [take.name for take in ours], [take.action for take in ours]
            np.save(stack.enter_context(replacing(Path(folder, f"{split}_data.npy"))), np.stack(clips[split]))
            pickle.dump(labels, stack.enter_context(replacing(Path(folder, f"{split}_label.pkl"))), protocol=4)
    held_out = subjects // HELD_OUT_EVERY
    return DatasetSummary(
        folder=Path(folder),
        actions=ACTIONS,
        clips={split: len(clips[split]) for split in SPLITS},
        subjects={"train": subjects - held_out, "val": held_out},
        frames=frames,
    )


def make_raw(folder: str | PathLike[str], *, seed: int = 0, subjects: int = HELD_OUT_EVERY) -> int:
    """Writes clips as files of their own to `folder`, and ``labels.csv`` beside them; how many.

    Each is (T, M, 25, 3) without padding, which ``ctrgcn prepare plain`` reads, the first camera's view of an action.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["clip,label,split,subject"]
    for take in _takes(subjects, views=1, replications=1):
        name = f"{ACTIONS[take.action].replace(' ', '_')}_{take.subject + 1:02}"
        with replacing(folder / f"{name}.npy") as file:
            np.save(file, np.stack(record(take, seed), axis=1).astype(np.float32))
        lines.append(f"{name},{ACTIONS[take.action]},{take.split},{take.subject + 1}")
    with replacing(folder / "labels.csv") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    return len(lines) - 1


def clips_by_action(label_file: str | PathLike[str]) -> dict[str, list[int]]:
    """Which clips show which action: rows of the data file beside `label_file`, by the action's name."""
    with Path(label_file).open("rb") as file:
        _, labels = pickle.load(file)
    return {name: [row for row, label in enumerate(labels) if label == i] for i, name in enumerate(ACTIONS)}


def _takes(subjects: int, views: int, replications: int) -> Iterator[Take]:
    for subject in range(subjects):
        for replication in range(replications):
            for action in range(len(ACTIONS)):
                for view in range(views):
                    yield Take(action, subject, view, replication)


def _rng(seed: int, purpose: int, take: Take) -> np.random.Generator:
    return np.random.default_rng([seed, purpose, take.subject, take.replication, take.action, take.view])


def _label(action: int | str) -> int:
    if action in ACTIONS:
        return ACTIONS.index(str(action))
    if action in range(len(ACTIONS)):
        return int(action)
    raise unknown("action", action, ACTIONS)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise ConfigError(message)
