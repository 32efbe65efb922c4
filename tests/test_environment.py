"""What is said of a Paddle that cannot be used, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ctrgcn_plugin.resources import PACKAGE


@pytest.mark.parametrize(
    "files, message",
    [
        # one of paddlepaddle and paddlepaddle-gpu uninstalled from over the other
        ({"base/left.py": ""}, "PaddlePaddle is not whole: a part of its folder is left"),
        ({"__init__.py": "__version__ = '2.5.0'"}, "PaddlePaddle 2.5.0 is too old, 2.6.2 is needed"),
        ({"__init__.py": "raise ImportError('libpaddle.so: broken')"}, "PaddlePaddle cannot be imported (libpaddle.so"),
    ],
    ids=["left over", "too old", "broken"],
)
def test_a_paddle_that_is_of_no_use(files, message, tmp_path):
    for name, content in files.items():
        file = tmp_path / "paddle" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    # without site-packages, where a whole one comes before a folder that is no package
    code = "import sys; from ctrgcn_plugin.cli import main; sys.exit(main(['export', '-c', 'x', '-p', 'y']))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{PACKAGE.parent}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"ctrgcn: error: {message}") and done.stderr.count("\n") == 1
