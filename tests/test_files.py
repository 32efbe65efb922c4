"""Files that are there whole or not at all, and what is left of a process that was killed."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from ctrgcn_plugin import files


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_when_the_block_ends_well(tmp_path, durable):
    path = tmp_path / "folder" / "file"
    with files.replacing(path, durable) as file:
        file.write(b"old")
        assert not path.exists()
    with pytest.raises(RuntimeError), files.replacing(path, durable) as file:
        file.write(b"new")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert [found.name for found in path.parent.iterdir()] == ["file"]


def test_what_a_killed_process_leaves_is_removed_and_nothing_else(tmp_path):
    child = os.fork()
    if not child:
        with files.replacing(tmp_path / "killed.pdparams") as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (left,) = tmp_path.iterdir()
    kept = [
        tmp_path / name
        for name in (
            "file.part",
            ".file.part",
            f".file.{os.getpid()}@{socket.gethostname()}.part",
            ".file.1@other.machine.part",
            f".file.{child}@other.machine.part",
        )
    ]
    abandoned = tmp_path / ".file.2@other.machine.part"
    for path in (*kept, abandoned):
        path.touch()
    os.utime(abandoned, (0, 0))
    assert sorted(files.remove_stale(tmp_path)) == sorted([left, abandoned])
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    assert files.remove_stale(tmp_path / "none") == []
