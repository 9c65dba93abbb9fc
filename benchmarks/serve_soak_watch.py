"""What a server holds at a moment: memory, open files and threads of its processes, files in its folders."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from process_tree import tree_of

EVERY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a server held.

    Args:
        at: Seconds of the monotonic clock.
        requests: Requests that were sent until then.
        server_bytes: Resident memory of the server.
        model_bytes: Resident memory of its model processes.
        handles: Open files and connections of all its processes.
        threads: Threads of all its processes.
        processes: How many these are.
        temporary: Files in its folder for temporary ones.
        state_bytes: Bytes in its state folder.
    """

    at: float
    requests: int
    server_bytes: int
    model_bytes: int
    handles: int
    threads: int
    processes: int
    temporary: int
    state_bytes: int


def resident(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 if it is gone."""
    return 1024 * int(_status(pid).get("VmRSS", "0").split()[0])


def _status(pid: int) -> dict[str, str]:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return {}
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def _handles(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def bytes_in(folder: Path) -> int:
    """Return the bytes of all files in a folder; one that goes away meanwhile is not counted."""
    total, folders = 0, [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    with contextlib.suppress(FileNotFoundError):
                        total += entry.stat(follow_symlinks=False).st_size
    return total


class Watch:
    """Watches one server.

    Args:
        pid: Number of its process.
        state: Its state folder.
        temporary: Its folder for temporary files.
        requests: Returns the requests that were sent so far.
    """

    def __init__(self, pid: int, state: Path, temporary: Path, requests: Callable[[], int]) -> None:
        self._pid, self._state, self._temporary, self._requests = pid, state, temporary, requests
        self.readings: list[Reading] = []

    def read(self) -> Reading:
        """Return what the server holds now."""
        tree = tree_of(self._pid)
        return Reading(
            at=time.monotonic(),
            requests=self._requests(),
            server_bytes=resident(self._pid),
            model_bytes=sum(resident(pid) for pid in tree - {self._pid}),
            handles=sum(map(_handles, tree)),
            threads=sum(int(_status(pid).get("Threads", "0")) for pid in tree),
            processes=len(tree),
            temporary=sum(1 for _ in self._temporary.rglob("*")),
            state_bytes=bytes_in(self._state),
        )

    async def run(self) -> None:
        """Read again and again until cancelled."""
        while True:
            self.readings.append(await asyncio.to_thread(self.read))
            await asyncio.sleep(EVERY_S)
