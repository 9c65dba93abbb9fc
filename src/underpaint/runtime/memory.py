"""Memory that a process holds, or held at its worst, and that of the device it computes on.

The peak that the kernel keeps for a process (``VmHWM``) can only be trusted in a process of its own: it never falls,
and ``ru_maxrss`` of a child begins with the peak of its parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from underpaint.core.errors import SetupError

if TYPE_CHECKING:
    import torch

KIB = 1024
MB = 1e6


@dataclass(frozen=True, kw_only=True)
class Resident:
    """Main memory of a process in bytes.

    Args:
        now: What it holds.
        peak: The most that it ever held.
    """

    now: int
    peak: int


def resident(pid: int | str = "self", root: Path = Path("/")) -> Resident:
    """Return what a process holds in main memory, and its peak.

    Args:
        pid: Its number.
        root: Where the file system begins (a test may give its own).

    Raises:
        SetupError: The system does not tell.
    """
    path = root / f"proc/{pid}/status"
    try:
        lines = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
        now, peak = (int(lines[name].split()[0]) * KIB for name in ("VmRSS", "VmHWM"))
    except (OSError, KeyError, ValueError) as error:
        raise SetupError(
            f"{path} does not tell the memory of a process ({error!r}); peak memory is measured on Linux only"
        ) from None
    return Resident(now=now, peak=peak)


@dataclass(frozen=True, kw_only=True)
class DevicePeak:
    """Most memory of a device since ``watch_device``, in bytes.

    Args:
        allocated: In use by tensors.
        reserved: Taken from the device, including what lies ready for tensors to come.
    """

    allocated: int
    reserved: int


def watch_device(device: torch.device) -> None:
    """Begin to look for a device's peak; nothing to do on a CPU."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def device_peak(device: torch.device) -> DevicePeak | None:
    """Return a device's peak since ``watch_device``, or None where memory of the device is main memory."""
    if device.type != "cuda":
        return None
    import torch

    return DevicePeak(
        allocated=torch.cuda.max_memory_allocated(device), reserved=torch.cuda.max_memory_reserved(device)
    )


def bytes_of(modules: list[torch.nn.Module]) -> int:
    """Return what the parameters and buffers of some networks take in memory, shared ones once."""
    tensors = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for module in modules
        for tensor in (*module.parameters(), *module.buffers())
    }
    return sum(tensors.values())
