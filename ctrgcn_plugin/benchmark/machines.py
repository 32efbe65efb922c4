"""The machine that a measurement was made on, as its record tells of it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

MKL_VARIABLE = "MKL_DEBUG_CPU_TYPE"
# the variables that decide which code runs, and on how many threads
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", MKL_VARIABLE, "KMP_BLOCKTIME", "KMP_AFFINITY")


def describe() -> dict[str, Any]:
    """Processor, cores, system, load and the variables that matter."""
    return {
        "cpu": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 2),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def is_amd() -> bool:
    """Whether the processor is one of AMD's."""
    return _cpuinfo("vendor_id") == "AuthenticAMD"


def _cpuinfo(key: str) -> str:
    """What Linux says of the first processor; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
