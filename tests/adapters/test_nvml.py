from __future__ import annotations

from types import SimpleNamespace

import pytest

from underpaint.adapters.nvml import Gpu, GpuCounter


class NvmlError(Exception):
    pass


def fake(energies: list[int], reasons: int = 0, *, counter: bool = True) -> SimpleNamespace:
    """A stand-in for pynvml."""

    def consumed(handle: object) -> int:
        if not counter:
            raise NvmlError("Not Supported")
        return energies.pop(0)

    def handle(index: int) -> int:
        if index > 0:
            raise NvmlError("Invalid Argument")
        return index

    return SimpleNamespace(
        NVMLError=NvmlError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=handle,
        nvmlDeviceGetTotalEnergyConsumption=consumed,
        nvmlDeviceGetPowerUsage=lambda handle: 250_000,
        nvmlDeviceGetCurrentClocksThrottleReasons=lambda handle: reasons,
    )


def test_a_counter_counts_millijoules():
    counter = GpuCounter(Gpu(0, fake([1000, 2000, 5500])))
    counter.start()
    assert counter.stop() == (3.5, 3.5, 3.5)
    assert counter.component == "gpu-0" and counter.method == "counter"


def test_a_gpu_without_a_counter_still_tells_its_power():
    gpu = Gpu(0, fake([], counter=False))
    assert gpu.energy_j() is None and gpu.power_w() == 250.0
    with pytest.raises(OSError, match="sample its power"):
        GpuCounter(gpu)


def test_idling_is_no_slowdown_but_heat_is():
    assert Gpu(0, fake([], reasons=0x1)).slowdowns() == []
    assert Gpu(0, fake([], reasons=0x41)).slowdowns() == ["hardware thermal limit"]


def test_a_gpu_that_is_not_there_is_named():
    with pytest.raises(OSError, match="cannot open GPU 3"):
        Gpu(3, fake([]))
