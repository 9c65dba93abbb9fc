"""Names of workers that tell whether the worker still lives, so that nobody waits for the lease of a dead one.

A name holds the boot of the machine, the namespace of process ids, the process and the moment it started. Of workers
elsewhere nothing is known, and their leases decide.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

PROC = Path("/proc")
UNKNOWN = "elsewhere"


def _world(proc: Path) -> str:
    try:
        boot = (proc / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
        namespace = (proc / "self" / "ns" / "pid").readlink().name.strip("pid:[]")
    except OSError:
        return UNKNOWN
    return f"{boot}-{namespace}"


def _started(proc: Path, pid: int) -> str | None:
    """Return when a process started, in ticks since the boot, or None if there is none."""
    try:
        fields = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def worker_name(proc: Path = PROC) -> str:
    """Return a name for a worker of this process; each call gives another."""
    pid = os.getpid()
    return f"{_world(proc)}/{pid}/{_started(proc, pid) or 0}/{secrets.token_hex(4)}"


def is_gone(name: str, proc: Path = PROC) -> bool:
    """Whether the process of a worker is surely over; False where that cannot be known."""
    world, *rest = name.split("/")
    if world == UNKNOWN or len(rest) != 3 or world != _world(proc) or not rest[0].isdecimal():
        return False
    try:
        return _started(proc, int(rest[0])) != rest[1]
    except OSError:
        return False
