"""A Ray cluster, joined or started for one run: quiet, found within a bounded time, left when the run ends."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin import terminal
from ctrgcn_plugin.deploy.ray.worker import reason
from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.errors import ConfigError, EnvironmentSetupError

LOCAL = "local"  # Ray's own word for a cluster that is this machine
CLIENT = "ray://"
OBJECT_STORE = 256 << 20  # bytes of a local one; paths and scores are small, and by default it is a third of the memory
# read by Ray at its first import: it sends nothing to its makers, no thread of Ray Data's that outlives a run starts
# another cluster, and its C++ does not write between our lines
FIXED = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_AUTO_CONNECT": "0"}
QUIET = {"RAY_BACKEND_LOG_LEVEL": "fatal"}
# a cluster that is not there is looked for 20 times, half a minute and more each
BOUNDED = {"RAY_NUM_REDIS_GET_RETRIES": "1", "RAY_py_gcs_connect_timeout_s": "10"}


@dataclass(frozen=True)
class Cluster:
    """Where actors run, and how many.

    Attributes:
        address: ``host:port`` of the head of a running cluster that this machine is in, ``auto`` for the one that runs
            on this machine, or :data:`LOCAL` to start one on its cores.
        actors: None for as many as there is room for.
    """

    address: str = LOCAL
    actors: Optional[int] = None

    @contextmanager
    def joined(self, threads: int) -> Iterator[tuple[ModuleType, int]]:
        """Ray, connected, and how many actors of so many threads run; when the block ends Ray is left.

        Meanwhile ``sys.stdout``, on which Ray prints what befalls actors, leads nowhere; under ``--verbose`` to stderr.

        Raises:
            ConfigError: there is no room for so many.
            EnvironmentSetupError: Ray is not installed, or there is no cluster of its version at the address.
        """
        if self.address.startswith(CLIENT):
            raise ConfigError(f"--ray {self.address} is Ray's client, in which Ray Data does not run; give host:port")
        os.environ.update(FIXED)
        for name, value in {**({} if _is_verbose() else QUIET), **({} if self._is_own else BOUNDED)}.items():
            os.environ.setdefault(name, value)
        for module in ("ray", "pyarrow.parquet", "ray.data"):
            require_library(module, "ray", "--ray")
        import ray

        with open(os.devnull, "w") as nowhere, redirect_stdout(sys.stderr if _is_verbose() else nowhere):  # noqa: PTH123
            try:
                self._connect(ray, threads)
                yield ray, self._room(ray, threads)
            finally:
                ray.shutdown()

    @property
    def _is_own(self) -> bool:
        return self.address == LOCAL

    def _connect(self, ray: ModuleType, threads: int) -> None:
        own: dict[str, Any] = {}
        if self._is_own:
            actors = self.actors or max(1, len(os.sched_getaffinity(0)) // threads)
            # else Ray would make one for good, in the user's home
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
            own = {"num_cpus": actors * threads, "include_dashboard": False, "object_store_memory": OBJECT_STORE}
        try:
            with nullcontext() if _is_verbose() else _muffled():
                ray.init(
                    address=self.address,
                    log_to_driver=_is_verbose(),
                    logging_level=logging.INFO if _is_verbose() else logging.CRITICAL,
                    **own,
                )
        except Exception as error:
            # from Ray's own errors to those of sockets
            what = "cannot be started here" if self._is_own else f"cannot join a cluster at {self.address}"
            advice = (
                "" if self._is_own else "; `ray status` shows one that runs, RAY_AUTH_MODE=token is for one with token"
            )
            raise EnvironmentSetupError(f"Ray {ray.__version__} {what}: {reason(error)}{advice}") from error

    def _room(self, ray: ModuleType, threads: int) -> int:
        nodes = sorted(int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"])
        room = sum(cpus // threads for cpus in nodes)
        wanted = self.actors or max(room, 1)
        if wanted > room:
            raise ConfigError(
                f"{wanted} actors of {threads} threads are asked for; Ray at {self.address} has room for {room}, its "
                f"nodes have {', '.join(map(str, nodes))} CPUs: lower --actors or --threads"
            )
        return wanted


def _is_verbose() -> bool:
    return terminal.level >= terminal.Level.VERBOSE


@contextmanager
def _muffled() -> Iterator[None]:
    """File descriptor 2 leads nowhere: Ray's C++ writes to it until it has found a cluster to log to."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
