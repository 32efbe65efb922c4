"""Where a training runs: machine, versions, sources, variables; and what its random numbers begin with."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any, Optional

from ctrgcn_plugin import __version__, resources
from ctrgcn_plugin.benchmark import machines
from ctrgcn_plugin.files import replacing

# beginnings of the variables that decide which code computes, and on how many threads
COMPUTING = (
    *("OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "DNNL_", "ONEDNN_", "NPY_", "FLAGS_"),
    *("CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "PADDLEVIDEO_PLUGIN_FIXES"),
)
# of those that say which device or which plugins: another machine has others
PLACING = ("FLAGS_selected_", "CUDA_", "NVIDIA_", "NCCL_", "PADDLEVIDEO_PLUGIN")


def variables() -> dict[str, str]:
    """Those of the environment that are recorded."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(COMPUTING + PLACING)}


def may_be_set(variable: str) -> bool:
    """Whether another run may be given a recorded variable: it decides how numbers are computed, and not where."""
    return variable.startswith(COMPUTING) and not variable.startswith(PLACING[0])


def seed() -> int:
    """What Paddle's generator was seeded with."""
    from paddle.base import core

    return core.default_cpu_generator().initial_seed()


def found(paddlevideo: Path, folder: Optional[Path] = None) -> dict[str, dict[str, Any]]:
    """``machine``, ``versions``, ``sources`` and ``variables`` of a record's start, as they are now.

    Args:
        paddlevideo: its root.
        folder: where diffs of changed checkouts are written; None writes none.
    """
    roots = {"PaddleVideo": paddlevideo, "ctrgcn-plugin": resources.PACKAGE.parent}
    return {
        "machine": _machine(),
        "versions": {**_versions(), "PaddleVideo": _version_of(paddlevideo)},
        "sources": {name: _source(name, root, folder) for name, root in roots.items()},
        "variables": variables(),
    }


def _machine() -> dict[str, Any]:
    """Processor, cores and system, and the cards where Paddle can use them."""
    import paddle

    described = {key: value for key, value in machines.describe().items() if key not in ("load", "variables")}
    if paddle.is_compiled_with_cuda():
        described["cards"] = [
            paddle.device.cuda.get_device_name(card) for card in range(paddle.device.cuda.device_count())
        ]
    return described


def _versions() -> dict[str, str]:
    import numpy
    import paddle

    return {
        "Python": platform.python_version(),
        "Paddle": paddle.__version__,
        "NumPy": numpy.__version__,
        "ctrgcn-plugin": __version__,
    }


def _version_of(paddlevideo: Path) -> str:
    """As its version.py says it; it need not be importable yet."""
    try:
        text = (paddlevideo / "paddlevideo" / "version.py").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    found = re.search(r"^paddlevideo_version *= *[\"'](.*)[\"']", text, flags=re.M)
    return found[1] if found else "unknown"


def _source(name: str, root: Path, folder: Optional[Path]) -> dict[str, str]:
    found = {"path": str(root)}
    # a folder within somebody's checkout is no checkout of this
    commit = _git(root, "rev-parse", "HEAD") if (root / ".git").exists() else b""
    if commit:
        changes = _git(root, "diff", "--no-ext-diff", "--no-color", "--binary", "HEAD")
        diff = f"{name}-{hashlib.sha256(changes).hexdigest()[:12]}.diff" if changes else ""
        if diff and folder:
            with replacing(folder / diff) as file:
                file.write(changes)
        found.update(commit=commit.decode().strip(), diff=diff)
    return found


def _git(root: Path, *arguments: str) -> bytes:
    """What git printed; nothing where it failed or is missing."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""
