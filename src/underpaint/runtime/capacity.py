"""How much memory there is near the processor and far from it: caches, nodes, main memory, the limit on it."""

from __future__ import annotations

import os
from pathlib import Path

from underpaint.core.config import Config
from underpaint.runtime.cgroups import cgroup_memory, read_text

CPU_FOLDER = "sys/devices/system/cpu"
NODE_FOLDER = "sys/devices/system/node"
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Cache(Config):
    """A cache of the first logical CPU.

    Args:
        level: 1 is the nearest.
        kind: ``data``, ``instruction`` or ``unified``.
        bytes: Its size.
    """

    level: int
    kind: str
    bytes: int


class Capacity(Config):
    """The memory of a machine; what the system does not tell is None or empty.

    Args:
        ram_bytes: Main memory of the machine.
        limit_bytes: What control groups allow this process; None for no limit.
        caches: Of the first logical CPU, the nearest first.
        numa_nodes: Parts of main memory that lie nearer to some cores than to others.
    """

    ram_bytes: int | None = None
    limit_bytes: int | None = None
    caches: tuple[Cache, ...] = ()
    numa_nodes: int = 1

    @property
    def usable_bytes(self) -> int | None:
        """The main memory that this process may have at most."""
        return min((size for size in (self.ram_bytes, self.limit_bytes) if size is not None), default=None)


def _bytes_of(text: str | None) -> int:
    """Read a size such as ``32K``; 0 if it is none."""
    digits, unit = (text or "").rstrip("KMG"), (text or "")[-1:]
    return int(digits) * UNITS.get(unit, 1) if digits.isdigit() else 0


def _caches(root: Path) -> tuple[Cache, ...]:
    found: list[Cache] = []
    for folder in sorted((root / CPU_FOLDER / "cpu0/cache").glob("index[0-9]*")):
        level, size = read_text(folder / "level") or "", _bytes_of(read_text(folder / "size"))
        if level.isdigit() and size:
            found.append(Cache(level=int(level), kind=(read_text(folder / "type") or "").lower(), bytes=size))
    return tuple(sorted(found, key=lambda cache: (cache.level, cache.kind)))


def _meminfo(root: Path, name: str) -> int | None:
    """Return a line of ``/proc/meminfo`` in bytes."""
    for line in (read_text(root / "proc/meminfo") or "").splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == f"{name}:" and words[1].isdigit():
            return int(words[1]) * 1024
    return None


def _physical_pages() -> int | None:
    """Return the size of main memory where the system is a POSIX one, as macOS is."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes of main memory that programs could take now, or None if the system does not tell.

    Args:
        root: Where the file system begins (a test may give its own).
    """
    return _meminfo(root, "MemAvailable")


def read_capacity(root: Path = Path("/")) -> Capacity:
    """Look at this machine's memory.

    Args:
        root: Where the file system begins.
    """
    return Capacity(
        ram_bytes=_meminfo(root, "MemTotal") or (_physical_pages() if root == Path("/") else None),
        limit_bytes=cgroup_memory(root),
        caches=_caches(root),
        numa_nodes=max(1, len(list((root / NODE_FOLDER).glob("node[0-9]*")))),
    )
