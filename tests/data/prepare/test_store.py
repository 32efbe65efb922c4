"""Clips on disk between two runs: what is torn or of something else is forgotten, all before it is kept."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.data.prepare.source import Reading
from ctrgcn_plugin.data.prepare.store import FILE, Store, mark
from ctrgcn_plugin.errors import UserError

RNG = np.random.default_rng(0)
CLIPS = {f"clip {i}": RNG.normal(size=(1, i + 1, 2, 1)).astype(np.float32) for i in range(3)}
RESULTS = {
    "clip 0": Reading(CLIPS["clip 0"], ["one note", "another: ü\n"]),
    "gone": "damaged",
    "clip 1": Reading(CLIPS["clip 1"]),
    "clip 2": Reading(CLIPS["clip 2"]),
}
NAMES = list(RESULTS)


def filled(folder: Path) -> bytes:
    """The content of a new store."""
    (folder / FILE).unlink(missing_ok=True)
    with Store(folder, "key") as store:
        for number, (name, result) in enumerate(RESULTS.items()):
            store.add(name, (number, 7), result)
    return (folder / FILE).read_bytes()


def check(store: Store) -> list[str]:
    """Names of what is in the store, all of it as it was put in."""
    for number, (name, entry) in enumerate(store.entries.items()):
        result = RESULTS[name]
        assert entry.mark == (number, 7)
        if isinstance(result, str):
            assert (entry.shape, list(entry.notes)) == (None, [result])
        else:
            assert list(entry.notes) == list(result.notes)
            np.testing.assert_array_equal(store.clip(name), result.clip)
    return list(store.entries)


def test_everything_is_there_again(tmp_path):
    filled(tmp_path)
    with Store(tmp_path, "key") as store:
        assert check(store) == NAMES


anything = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def after_damage(folder: Path, content: bytes) -> list[str]:
    """What is left; and the rest, added again, makes the file whole."""
    whole = filled(folder)
    (folder / FILE).write_bytes(content)
    with Store(folder, "key") as store:
        left = check(store)
        assert left == NAMES[: len(left)]
        for number, name in list(enumerate(NAMES))[len(left) :]:
            store.add(name, (number, 7), RESULTS[name])
        assert check(store) == NAMES
    assert (folder / FILE).read_bytes() == whole
    return left


def test_cut_at_any_byte(tmp_path):
    whole = filled(tmp_path)
    left = [len(after_damage(tmp_path, whole[:end])) for end in range(len(whole) + 1)]
    # the more bytes, the more clips; none of two is lost by one cut
    assert left == sorted(left) and set(left) == set(range(len(NAMES) + 1))


@anything
@given(st.data())
def test_damaged_anywhere(tmp_path, data):
    whole = filled(tmp_path)
    at = data.draw(st.integers(0, len(whole)))
    garbage = data.draw(st.binary(max_size=40) | st.just(bytes(400)))
    after_damage(tmp_path, whole[:at] + garbage + whole[at + data.draw(st.integers(0, 40)) :])


def test_clips_of_another_preparation_are_thrown_away(tmp_path):
    filled(tmp_path)
    with Store(tmp_path, "another key") as store:
        assert not store.entries
    with Store(tmp_path, "key") as store:
        assert not store.entries


def open_store(folder: Path) -> None:
    try:
        Store(folder, "key")
    except UserError as error:
        assert "another preparation is writing" in str(error)
        os._exit(7)


def test_two_processes_do_not_write_at_once(tmp_path):
    def status() -> int | None:
        process = multiprocessing.get_context("fork").Process(target=open_store, args=(tmp_path,))
        process.start()
        process.join()
        return process.exitcode

    with Store(tmp_path, "key"):
        assert status() == 7
    assert status() == 0


def test_mark_changes_with_a_file_and_with_those_in_a_folder(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    file = folder / "1.json"
    file.write_text("one")
    marks = [(mark(folder), mark(file))]
    file.write_text("other")
    marks.append((mark(folder), mark(file)))
    os.utime(file, ns=(1, 1))
    marks.append((mark(folder), mark(file)))
    (folder / "2.json").write_text("")
    assert len({one for one, _ in [*marks, (mark(folder), None)]}) == 4
    assert len({one for _, one in marks}) == 3
    assert mark(tmp_path / "none") == (0, 0)


def test_removed(tmp_path):
    with Store(tmp_path / "store", "key") as store:
        store.remove()
    assert not (tmp_path / "store").exists()
