"""How many processor cores this process may really use; without torch, so that every engine can ask."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping
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


def thread_count(*, allowed: int, physical: int, quota: float | None, asked: int | None = None) -> int:
    """Return how many threads are worth starting: the least of affinity, control-group quota and physical cores.

    ``os.cpu_count`` ignores all three. At batch 1 a small model is often fastest with one thread; measure. On cores
    that others use too, two threads that wait for each other were ten times slower than one.

    Args:
        allowed: Logical CPUs that the process may run on.
        physical: Physical cores behind those.
        quota: CPUs' worth of time that control groups allow; None for no limit.
        asked: Most threads that the person asks for; None if nothing is said.
    """
    limit = allowed if quota is None else max(1, math.floor(quota))
    return max(1, min(limit, physical, asked or limit))


def asked_threads(environment: Mapping[str, str]) -> int | None:
    """Return what ``OMP_NUM_THREADS`` asks for, as all numeric libraries read it; None if it is no positive number."""
    value = environment.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(value) if value.isdecimal() and int(value) > 0 else None


def choose_threads(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> int:
    """Return how many threads are worth starting on this machine; ``thread_count`` decides.

    Args:
        root: Where the file system begins.
        environment: Where ``OMP_NUM_THREADS`` may stand.
    """
    allowed = allowed_cpus()
    physical, quota = physical_cores(allowed, root), cgroup_quota(root)
    return thread_count(allowed=len(allowed), physical=physical, quota=quota, asked=asked_threads(environment))
