"""A real server on one port and one state folder, which can be killed in any way and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx2
from serve_kills_clients import TIMEOUT_S
from serve_servers import free_port

READY_S = 120.0


class Server:
    """The real server on one port and one state folder; started again after each kill.

    Args:
        folder: For its state and its log.
        options: Further options of ``underpaint serve``.
        environ: Further environment variables.
    """

    def __init__(self, folder: Path, options: list[str], environ: dict[str, str]) -> None:
        self.state, self.log = folder / "state", folder / "log"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "underpaint", "serve", "--port", str(port), "--state", str(self.state)]
        self._command += ["--log", "json", *options]
        self._environ = os.environ | environ
        self.client = httpx2.Client(base_url=self.url, timeout=TIMEOUT_S)

    def launch(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stderr=log, stdout=log, env=self._environ)

    def start(self) -> float:
        """Start it and return after how many seconds it was ready."""
        began = time.monotonic()
        self.launch()
        self.wait_until_ready()
        return time.monotonic() - began

    def wait_until_ready(self) -> None:
        """Wait until requests are welcome."""
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                if self.client.get("/ready").is_success:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.05)
        raise SystemExit(f"the server is not ready; its log ends with:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End it as the system would."""
        self.process.kill()
        self.process.wait()

    def kill_engine(self) -> bool:
        """End the process of its model; tell whether there was one."""
        for child in self._children():
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if b"underpaint.stages.serve.engine.worker" in words:
                os.kill(child, signal.SIGKILL)
                return True
        return False

    def _children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def end(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.terminate()
        return self.process.wait(READY_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.client.close()
        self.kill()
