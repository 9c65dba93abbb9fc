"""Where a network of torch runs: the device, and its number of threads (``runtime/cores.py`` says how many)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from underpaint.core.errors import InputError, SetupError
from underpaint.runtime.cgroups import cgroup_quota as cgroup_quota
from underpaint.runtime.cores import choose_threads as choose_threads
from underpaint.runtime.cores import physical_cores as physical_cores
from underpaint.runtime.cores import processor as processor
from underpaint.runtime.host_class import multiplies_bfloat16
from underpaint.runtime.processor import read_processor

CPU = torch.device("cpu")


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


def has_bf16(device: torch.device) -> bool:
    """Tell whether a device multiplies bfloat16 faster than float32 (else it runs at a third of the speed)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and multiplies_bfloat16(read_processor())
