"""The servers that are measured: how each is started, asked, watched and ended.

All that a server and its processes use is read from ``/proc``: processor time of all of them, those that ended
included, and memory with shared pages counted once (``Pss``).
"""

from __future__ import annotations

import http.client
import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from process_tree import tree_of

PEERS = Path(__file__).with_name("serve_peers")
TICKS = os.sysconf("SC_CLK_TCK")
START_S, END_S, SHARE_EVERY_S = 120.0, 15.0, 0.1
BODY = {"prompt": "a red heart", "seed": 7}
OURS = "underpaint serve"
SETTINGS = {"open_per_key": 100_000}
"""A load stands for many callers, and has one key."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server.

    Args:
        name: In tables.
        command: Starts it; ``{port}`` and ``{state}`` stand for a free port and an empty folder.
        path: Where pictures are asked for.
        needs: A module that its Python must have.
        environment: Variables to add.
        every: It is measured in one round of so many, where starting it takes long.
    """

    name: str
    command: tuple[str, ...]
    path: str = "/"
    needs: str = "underpaint"
    environment: Mapping[str, str] = field(default_factory=dict)
    every: int = 1

    @property
    def is_installed(self) -> bool:
        """Whether its Python is there and has what it needs."""
        found = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
        try:
            return subprocess.run([self.command[0], "-c", found, self.needs], check=False).returncode == 0
        except OSError:
            return False


def ours(settings: Mapping[str, Any] = {}, name: str = OURS) -> Server:
    """Return our server on the sleeping device."""
    app = (sys.executable, str(PEERS / "underpaint_app.py"), "{port}", "{state}", json.dumps({**SETTINGS, **settings}))
    return Server(name=name, command=app, path="/v1/images/generations")


def real(settings: tuple[str, ...] = ()) -> Server:
    """Return our server as everybody starts it, with the shipped model."""
    command = (sys.executable, "-m", "underpaint", "serve", "--port", "{port}", "--state", "{state}", *settings)
    many = {"UNDERPAINT_SERVE_OPEN_PER_KEY": str(SETTINGS["open_per_key"])}
    return Server(name=OURS, command=command, path="/v1/images/generations", environment=many)


def peers(python: str) -> list[Server]:
    """Return the peers, which a Python of their own runs."""

    def app(file: str) -> tuple[str, ...]:
        return (python, str(PEERS / file), "{port}")

    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
    faster = {"RAY_SERVE_ENABLE_HA_PROXY": "1", "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
    return [
        Server(name="FastAPI, one at a time", command=app("fastapi_bare.py"), needs="fastapi"),
        Server(name="FastAPI, batching", command=app("fastapi_batching.py"), needs="fastapi"),
        Server(name="LitServe", command=app("litserve_app.py"), needs="litserve", path="/draw"),
        Server(name="Ray Serve", command=app("ray_app.py"), needs="ray.serve", environment=quiet, every=2),
        Server(
            name="Ray Serve, HAProxy",
            command=app("ray_app.py"),
            needs="ray.serve",
            environment=quiet | faster,
            every=2,
        ),
    ]


class Running:
    """A server that runs. Use it as a context.

    Args:
        server: Which.
        environment: Variables to add.
    """

    def __init__(self, server: Server, environment: Mapping[str, str]) -> None:
        self._server = server
        self._environment = {**os.environ, **environment, **server.environment}
        self.start_s = 0.0

    def __enter__(self) -> Self:
        """Start it and wait for its first picture."""
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.port = free_port()
        state = str(Path(self._folder.name) / "state")
        command = [part.replace("{port}", str(self.port)).replace("{state}", state) for part in self._server.command]
        self._log = (Path(self._folder.name) / "log").open("w+b")
        began = time.perf_counter()
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, env=self._environment)
        try:
            self._await_picture(began + START_S)
        except BaseException:
            self.__exit__()
            raise
        self.start_s = time.perf_counter() - began
        return self

    def __exit__(self, *_error: object) -> None:
        """End it, and what it started."""
        tree = tree_of(self._process.pid)
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in tree - {self._process.pid}:
            end(pid)
        self._log.close()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """Where pictures are asked for."""
        return f"http://127.0.0.1:{self.port}{self._server.path}"

    def _await_picture(self, until: float) -> None:
        """Ask until there is a picture.

        Raises:
            RuntimeError: It ended, or there was none in time.
        """
        shared_at = -math.inf
        while self._process.poll() is None and time.perf_counter() < until:
            if time.perf_counter() > shared_at + SHARE_EVERY_S:
                shared_at = time.perf_counter()
                self._share_priority()
            if self._ask() == 200:
                self._share_priority()
                return
            time.sleep(0.02)
        self._log.seek(0)
        said = self._log.read()[-2000:].decode(errors="replace")
        raise RuntimeError(f"{self._server.name} gave no picture; it said:\n{said}")

    def _share_priority(self) -> None:
        for pid in tree_of(self._process.pid):
            share_priority(pid)

    def _ask(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", self._server.path, json.dumps(BODY), {"content-type": "application/json"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def cpu_s(self) -> float:
        """Return the processor time that it and its processes have used, in seconds."""
        return sum(map(cpu_of, tree_of(self._process.pid)))

    def memory_mb(self) -> float:
        """Return the memory that they hold now, in MB."""
        return sum(map(memory_of, tree_of(self._process.pid)))

    def processes(self) -> int:
        """Return how many processes it is."""
        return len(tree_of(self._process.pid))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def cpu_of(pid: int) -> float:
    """Return the processor time of a process and of its ended children, in seconds; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def memory_of(pid: int) -> float:
    """Return the memory of a process in MB, its part of shared pages; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6
    except (OSError, StopIteration):
        return 0.0


def share_priority(pid: int) -> None:
    """Give a process the priority of this one, where the system groups processes by session and it began another."""
    try:
        nice = Path("/proc/self/autogroup").read_text().split()[-1]
        Path(f"/proc/{pid}/autogroup").write_text(nice)
    except OSError:
        return


def end(pid: int) -> None:
    """Kill a process that is left over, if it is still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
