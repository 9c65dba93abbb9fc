"""Energy and throttling of NVIDIA GPUs by nvidia-ml-py."""

from __future__ import annotations

from typing import Any, Literal

from underpaint.adapters.require import require

UPDATE_S = 0.1
"""How often NVML refreshes its energy counter."""

SLOWDOWNS = {
    0x0000000000000004: "power limit",
    0x0000000000000008: "hardware slowdown",
    0x0000000000000020: "software thermal limit",
    0x0000000000000040: "hardware thermal limit",
    0x0000000000000080: "hardware power brake",
}
"""Bits of the reasons for which clocks are lowered (``nvmlClocksEventReason*``), without idling and settings."""


class Gpu:
    """A GPU as NVML sees it.

    Args:
        index: Its number, as in ``cuda:0``, unless ``CUDA_VISIBLE_DEVICES`` renumbers.
        module: Stands in for ``pynvml``.

    Raises:
        MissingDependency: nvidia-ml-py is not installed.
        OSError: There is no driver or no such GPU.
    """

    def __init__(self, index: int = 0, module: Any = None) -> None:
        self.index = index
        self._nvml = module if module is not None else require("pynvml", extra="evaluate")
        try:
            self._nvml.nvmlInit()
            self._handle = self._nvml.nvmlDeviceGetHandleByIndex(index)
        except self._nvml.NVMLError as error:
            raise OSError(f"NVML cannot open GPU {index}: {error}") from None

    def energy_j(self) -> float | None:
        """Return the energy since the driver was loaded, or None where the GPU has no counter (before Volta)."""
        try:
            return self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) / 1000.0
        except self._nvml.NVMLError:
            return None

    def power_w(self) -> float:
        """Return the present power.

        Raises:
            OSError: The GPU does not tell.
        """
        try:
            return self._nvml.nvmlDeviceGetPowerUsage(self._handle) / 1000.0
        except self._nvml.NVMLError as error:
            raise OSError(f"NVML does not tell the power of GPU {self.index}: {error}") from None

    def slowdowns(self) -> list[str]:
        """Return the reasons for which the clocks are lowered now."""
        try:
            reasons = self._nvml.nvmlDeviceGetCurrentClocksThrottleReasons(self._handle)
        except self._nvml.NVMLError:
            return []
        return [name for bit, name in SLOWDOWNS.items() if reasons & bit]


class GpuCounter:
    """The energy counter of a GPU, as a meter.

    Args:
        gpu: A GPU that has a counter.
    """

    method: Literal["counter"] = "counter"
    update_s = UPDATE_S

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self.component = f"gpu-{gpu.index}"
        self._before = self._read()

    def _read(self) -> float:
        joules = self._gpu.energy_j()
        if joules is None:
            raise OSError(f"{self.component} has no energy counter; sample its power instead")
        return joules

    def start(self) -> None:
        """Begin a stretch of time."""
        self._before = self._read()

    def stop(self) -> tuple[float, float, float]:
        """End it; returns joules, lower and upper bound."""
        joules = self._read() - self._before
        return joules, joules, joules
