"""Places for queues: a SQLite file, and a schema of a PostgreSQL server that the tests start themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from underpaint.stages.serve.queue.policy import QueuePolicy
from underpaint.stages.serve.queue.queue import JobQueue, open_queue


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None if it is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


class PostgresServer:
    """A server of our own with its data in a new folder, reached by a socket in it; it refuses to run as root."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        self.who: dict[str, Any] = {}
        if os.geteuid() == 0:
            self.who = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(folder, "postgres", "postgres")
        self.process: subprocess.Popen[Any] | None = None
        command = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N", "--locale=C"]
        subprocess.run([*command, "-E", "UTF8"], check=True, capture_output=True, cwd=folder, **self.who)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(self.folder), safe='')}"

    def start(self) -> None:
        import psycopg

        options = ["listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off", "shared_buffers=16MB"]
        command = [self.programs / "postgres", "-D", self.folder / "data"]
        command += [word for option in options for word in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            process = self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **self.who)
        for _ in range(600):
            assert process.poll() is None, (self.folder / "log").read_text()
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.send_signal(3)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (runs/system-packages.sh)")
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="underpaint-pg-"))
    server = PostgresServer(programs, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def postgres_place(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty schema."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    name = f"test_{time.monotonic_ns()}"
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
    yield f"{postgres_server.url}&options={quote(f'-c search_path={name}')}"
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(name)))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for a queue: every test that uses it runs against both databases."""
    if request.param == "sqlite":
        return str(tmp_path / "jobs.sqlite")
    return request.getfixturevalue("postgres_place")


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_again(place: str, clock: Clock) -> Iterator[Callable[..., JobQueue]]:
    """Open the queue once more, as another process would; settings of the policy by name."""
    opened: list[JobQueue] = []

    def again(**settings: Any) -> JobQueue:
        policy = QueuePolicy(**{"sweep_s": 0.0, **settings})
        opened.append(open_queue(place, policy, clock))
        return opened[-1]

    yield again
    for queue in opened:
        queue.close()


@pytest.fixture
def queue(open_again: Callable[..., JobQueue]) -> JobQueue:
    return open_again()


@pytest.fixture
def run_script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script beside the tests in a process of its own: ``run_script("kills.py", place, 20)``."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        script = Path(__file__).parent / "queue" / name
        command = [sys.executable, "-W", "error", script, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run
