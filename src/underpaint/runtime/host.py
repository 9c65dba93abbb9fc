"""The machine that a measurement ran on, and whether it was quiet enough for one."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from underpaint.runtime.cgroups import cgroup_quota
from underpaint.runtime.cores import physical_cores

PACKAGES = ("underpaint", "torch", "numpy")
CPU_FOLDER = "sys/devices/system/cpu"


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine at one moment.

    Args:
        cpu: The processor's name.
        cores: Logical CPUs of the machine.
        physical_cores: Physical cores that this process may use.
        quota: CPUs' worth of time that control groups allow; None for no limit.
        governor: What sets the clock rate; None if the system does not tell.
        load_average: Runnable processes, averaged over 1, 5 and 15 minutes; None if unknown.
        throttled: How often a core has been slowed down for heat since the machine was started; None if unknown.
        temperature_c: Of the hottest zone; None if unknown.
        ram_gb: Main memory.
        gpu: Name of the first GPU; None if there is none.
        system: Operating system and its release.
        versions: Package to version.
    """

    cpu: str
    cores: int
    physical_cores: int
    quota: float | None
    governor: str | None
    load_average: tuple[float, float, float] | None
    throttled: int | None
    temperature_c: float | None
    ram_gb: float | None
    gpu: str | None
    system: str
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return everything for a report."""
        return asdict(self)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def _numbers(root: Path, pattern: str) -> list[int]:
    """Return the whole numbers in all files that fit a pattern."""
    texts = [_read(path) for path in sorted(root.glob(pattern))]
    return [int(text) for text in texts if text and text.lstrip("-").isdigit()]


def load_average(root: Path = Path("/")) -> tuple[float, float, float] | None:
    """Return the load averages over 1, 5 and 15 minutes, of the whole machine.

    Args:
        root: Where the file system begins (a test may give its own).
    """
    fields = (_read(root / "proc/loadavg") or "").split()
    return (float(fields[0]), float(fields[1]), float(fields[2])) if len(fields) >= 3 else None


def throttle_events(root: Path = Path("/")) -> int | None:
    """Return how often cores and packages were slowed down for heat since the machine was started."""
    counts = _numbers(root, f"{CPU_FOLDER}/cpu[0-9]*/thermal_throttle/*_throttle_count")
    return sum(counts) if counts else None


def _ram_gb(root: Path) -> float | None:
    for line in (_read(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return round(int(line.split()[1]) * 1024 / 1e9, 2)
    return None


def _processors(root: Path) -> list[str]:
    """Return the name of each logical CPU."""
    lines = (_read(root / "proc/cpuinfo") or "").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    count = sum(line.startswith("processor") for line in lines) or os.cpu_count() or 1
    return names or [platform.processor() or platform.machine()] * count


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def describe_host(root: Path = Path("/")) -> Host:
    """Look at the machine now.

    Args:
        root: Where the file system begins (a test may give its own).
    """
    processors = _processors(root)
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    zones = _numbers(root, "sys/class/thermal/thermal_zone*/temp")
    return Host(
        cpu=processors[0],
        cores=len(processors),
        physical_cores=physical_cores(allowed, root),
        quota=cgroup_quota(root),
        governor=_read(root / CPU_FOLDER / "cpu0/cpufreq/scaling_governor"),
        load_average=load_average(root),
        throttled=throttle_events(root),
        temperature_c=max(zones) / 1000.0 if zones else None,
        ram_gb=_ram_gb(root),
        gpu=torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        system=f"{platform.system()} {platform.release()}",
        versions=_versions(),
    )


def noise(moments: Sequence[Host], device_flags: Sequence[str] = ()) -> list[str]:
    """Say what disturbed a measurement; empty if nothing did.

    Args:
        moments: The machine before, perhaps in between, and after.
        device_flags: Reasons for which a device slowed down.
    """
    reasons: list[str] = []
    loads = [host.load_average[0] for host in moments if host.load_average]
    cores = min((host.cores for host in moments), default=1)
    if loads and max(loads) > cores:
        reasons.append(f"the load average was {max(loads):.2f} on {cores} cores: other programs were running")
    events = [host.throttled for host in moments if host.throttled is not None]
    if events and events[-1] > events[0]:
        reasons.append(f"cores were slowed down for heat {events[-1] - events[0]} times")
    return reasons + [f"the device slowed down: {flag}" for flag in device_flags]
