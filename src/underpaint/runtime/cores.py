"""How many processor cores this process may really use; without torch, so that every engine can ask."""

from __future__ import annotations

import math
import os
import platform
from pathlib import Path

from underpaint.runtime.cgroups import cgroup_quota, read_text


def processor() -> str:
    """Return the processor's name."""
    text = read_text(Path("/proc/cpuinfo")) or ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def allowed_cpus() -> set[int]:
    """Return the numbers of the logical CPUs that this process may run on."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def physical_cores(cpus: set[int], root: Path = Path("/")) -> int:
    """Count the physical cores behind a set of logical CPUs; hyper-threads of one core count once.

    Args:
        cpus: Numbers of logical CPUs.
        root: Where the file system begins (a test may give its own).
    """
    topology = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    return len({read_text(root / topology.format(cpu)) or f"cpu {cpu}" for cpu in cpus})


def thread_count(*, allowed: int, physical: int, quota: float | None) -> int:
    """Return how many threads are worth starting: the least of affinity, control-group quota and physical cores.

    ``os.cpu_count`` ignores all three. At batch 1 a small model is often fastest with one thread; measure.

    Args:
        allowed: Logical CPUs that the process may run on.
        physical: Physical cores behind those.
        quota: CPUs' worth of time that control groups allow; None for no limit.
    """
    limit = allowed if quota is None else max(1, math.floor(quota))
    return max(1, min(limit, physical))


def choose_threads(root: Path = Path("/")) -> int:
    """Return how many threads are worth starting on this machine; ``thread_count`` decides.

    Args:
        root: Where the file system begins.
    """
    allowed = allowed_cpus()
    return thread_count(allowed=len(allowed), physical=physical_cores(allowed, root), quota=cgroup_quota(root))
