"""Where a network runs: the device, and how many threads this process may really use."""

from __future__ import annotations

import contextlib
import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import torch

from underpaint.core.errors import InputError, SetupError

CPU = torch.device("cpu")


def processor() -> str:
    """Return the processor's name."""
    text = _read(Path("/proc/cpuinfo")) or ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def describe(device: torch.device) -> str:
    """Say in a few words what computes: the GPU's name, or the processor's and the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{processor()}, {threads} thread{'s' if threads > 1 else ''}"


def available_devices() -> list[str]:
    """Return the names of the devices on this machine, the fastest kind first; ``cpu`` is always the last."""
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def choose_device(name: str | None = None) -> torch.device:
    """Return the named device, or the fastest one.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:1``, ``mps``; None takes the first of ``available_devices``.

    Raises:
        InputError: The name means nothing.
        SetupError: There is no such device here, or this torch cannot use it.
    """
    available = available_devices()
    if name is None:
        return torch.device(available[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"there is no kind of device called {name!r:.40}; choose one of cpu, cuda, mps") from None
    complete = f"{device.type}:{device.index or 0}" if device.type == "cuda" else device.type
    if complete not in available:
        raise SetupError(f"the device {name!r} is not available here; choose one of {', '.join(available)}")
    return torch.device(complete)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def cgroup_quota(root: Path = Path("/")) -> float | None:
    """Return how many CPUs' worth of time the control groups allow this process, or None if they set no limit.

    Args:
        root: Where the file system begins (a test may give its own).
    """
    quotas: list[float] = []
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        mounts = {"": "sys/fs/cgroup"} if not controllers else {c: f"sys/fs/cgroup/{c}" for c in controllers.split(",")}
        for controller, mount in mounts.items():
            if controller not in ("", "cpu"):
                continue
            base = root / mount
            folder = base / path.strip("/")
            quotas += [q for f in (folder, *folder.parents) if f.is_relative_to(base) and (q := _quota_of(f))]
    return min(quotas, default=None)


def _quota_of(folder: Path) -> float | None:
    """Read one group's quota in CPUs, of either version of control groups."""
    if (text := _read(folder / "cpu.max")) is not None:
        quota, _, period = text.partition(" ")
        return None if quota == "max" else int(quota) / int(period or 100_000)
    quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def physical_cores(cpus: set[int], root: Path = Path("/")) -> int:
    """Count the physical cores behind a set of logical CPUs; hyper-threads of one core count once.

    Args:
        cpus: Numbers of logical CPUs.
        root: Where the file system begins.
    """
    topology = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    return len({_read(root / topology.format(cpu)) or f"cpu {cpu}" for cpu in cpus})


def choose_threads(root: Path = Path("/")) -> int:
    """Return how many threads are worth starting: the least of affinity, control-group quota and physical cores.

    ``os.cpu_count`` ignores all three. At batch 1 a small model is often fastest with one thread; measure.

    Args:
        root: Where the file system begins.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    quota = cgroup_quota(root)
    limit = len(allowed) if quota is None else max(1, math.floor(quota))
    return max(1, min(limit, physical_cores(allowed, root)))


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with ``count`` CPU threads inside a ``with`` block; never done on import.

    Floating-point sums depend on the number of threads, so equal results need an equal number.

    Args:
        count: At least 1; 0 leaves the number alone.

    Raises:
        InputError: ``count`` is below 0.
    """
    if count < 0:
        raise InputError(f"the number of threads must be at least 1, got {count}; leave it out for the default")
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
