"""What Linux's control groups allow this process: CPU time and main memory; without torch.

A container is limited this way, and ``os.cpu_count`` and ``/proc/meminfo`` tell of the whole machine. Both versions of
control groups are read, and the tightest group on the way up to the root counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

NO_LIMIT_FROM = 1 << 60
"""Bytes from which version 1 means no limit: it writes the largest number of whole pages."""


def read_text(path: Path) -> str | None:
    """Return what a file of the kernel says without white space around it, or None if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Yield the folders of this process's groups that may limit something, and of all groups above them."""
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / (controller if controllers else "")
        folder = base / path.strip("/")
        yield from (group for group in (folder, *folder.parents) if group.is_relative_to(base))


def cgroup_quota(root: Path = Path("/")) -> float | None:
    """Return how many CPUs' worth of time the control groups allow this process, or None if they set no limit.

    Args:
        root: Where the file system begins (a test may give its own).
    """
    return min((quota for group in _groups("cpu", root) if (quota := _quota_of(group))), default=None)


def _quota_of(group: Path) -> float | None:
    """Read one group's quota in CPUs, of either version of control groups."""
    if (text := read_text(group / "cpu.max")) is not None:
        quota, _, period = text.partition(" ")
        return None if quota == "max" else int(quota) / int(period or 100_000)
    quota, period = read_text(group / "cpu.cfs_quota_us"), read_text(group / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def cgroup_memory(root: Path = Path("/")) -> int | None:
    """Return how many bytes of main memory the control groups allow this process, or None if they set no limit.

    Args:
        root: Where the file system begins.
    """
    return min((limit for group in _groups("memory", root) if (limit := _memory_of(group))), default=None)


def _memory_of(group: Path) -> int | None:
    """Read one group's limit in bytes, of either version of control groups."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        text = read_text(group / name)
        if text and text.isdigit() and int(text) < NO_LIMIT_FROM:
            return int(text)
    return None
