"""Real servers in processes of their own, and clients for them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

ADDRESS = re.compile(r"on (http://\S+)$")


class ServerProcess:
    """``underpaint serve`` on any free port, with what it writes.

    Args:
        state: Its state folder.
        options: Further options.
        environ: Further environment variables.
    """

    def __init__(self, state: Path, *options: object, **environ: str) -> None:
        command = [
            sys.executable,
            "-m",
            "underpaint",
            "serve",
            "--port",
            0,
            "--state",
            state,
            "--log",
            "json",
            *options,
        ]
        self.lines: list[str] = []
        self.clients: list[openai.OpenAI] = []
        self.process = subprocess.Popen(
            list(map(str, command)), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | environ
        )
        assert self.process.stderr is not None
        self.url = ""
        while not self.url and (line := self.process.stderr.readline()):
            self.lines.append(line.rstrip())
            match = ADDRESS.search(line.rstrip())
            self.url = match[1] if match else ""
        if not self.url:
            self.process.communicate()
            raise AssertionError(self.lines)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.lines += (line.rstrip() for line in self.process.stderr)

    def client(self, **how: Any) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, **{"timeout": 60, **how})

    def openai(self, **how: Any) -> openai.OpenAI:
        how = {"api_key": "none", "max_retries": 0, **how}
        self.clients.append(openai.OpenAI(base_url=f"{self.url}/v1", **how))
        return self.clients[-1]

    def wait_until_ready(self) -> ServerProcess:
        with httpx2.Client(transport=httpx2.HTTPTransport(retries=20), base_url=self.url, timeout=60) as client:
            assert client.get("/ready").json() == {"ready": True, "reasons": []}
        return self

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, number: int = 15) -> int:
        """Send a signal, wait, and return the exit code."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.signal(number)
        code = self.process.wait(60)
        self._reading.join(10)
        for stream in (self.process.stderr, self.process.stdout):
            if stream is not None:
                stream.close()
        return code


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Wait until something is so, and return it: ``eventually(lambda: client.get("/ready").is_success)``."""

    def wait(condition: Callable[[], Any], limit_s: float = 120.0) -> Any:
        end = time.monotonic() + limit_s
        while not (found := condition()):
            assert time.monotonic() < end, "it never became so"
            time.sleep(0.1)
        return found

    return wait


@pytest.fixture(scope="session")
def over() -> Callable[..., Any]:
    """Follow the changes until what lies at a path is over, and return it: ``over(client, "/api/v1/sheets/x")``."""

    def follow(client: httpx2.Client, path: str, limit_s: float = 300.0) -> Any:
        end, name = time.monotonic() + limit_s, path.rpartition("/")[2]
        with client.stream("GET", "/api/v1/events") as stream:
            found = client.get(path).json()
            for line in stream.iter_lines():
                if found["finished_at"] is not None:
                    return found
                assert time.monotonic() < end, found
                if line.startswith("data: ") and name in line:
                    found = client.get(path).json()
        raise AssertionError(found)

    return follow


@pytest.fixture(scope="session")
def start_server() -> Iterator[Callable[..., ServerProcess]]:
    """Start a server: ``start_server(state, "--memory", 500, UNDERPAINT_SERVE_DRAIN_S="1")``."""
    started: list[ServerProcess] = []

    def start(state: Path, *options: object, **environ: str) -> ServerProcess:
        started.append(ServerProcess(state, *options, **environ))
        return started[-1]

    yield start
    for server in started:
        server.end(9)


@pytest.fixture(scope="session")
def server(start_server, tmp_path_factory) -> ServerProcess:
    """A server of the shipped model, shared by tests that leave it as it is."""
    return start_server(tmp_path_factory.mktemp("state")).wait_until_ready()


@pytest.fixture(scope="session")
def tiny_server(start_server, tmp_path_factory, tiny_model) -> ServerProcess:
    """A server of a tiny hybrid in torch, which can show unfinished pictures."""
    state = tmp_path_factory.mktemp("tiny-state")
    return start_server(
        state, "-m", f"tiny={tiny_model}", "--engine", "torch", UNDERPAINT_SERVE_KEEP_ALIVE_S="0.02"
    ).wait_until_ready()


@pytest.fixture(scope="module")
def other(start_server, tmp_path_factory) -> ServerProcess:
    """A server with a gallery of its own, for the tests of one file."""
    return start_server(tmp_path_factory.mktemp("other-state")).wait_until_ready()


@pytest.fixture
def at(other) -> Iterator[httpx2.Client]:
    with other.client(timeout=120) as opened:
        yield opened


@pytest.fixture(scope="session")
def client(server) -> Iterator[httpx2.Client]:
    with server.client() as opened:
        yield opened
