from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from underpaint.runtime.host import describe_host, noise

CPUINFO = "processor\t: 0\nmodel name\t: Fast One\n\nprocessor\t: 1\nmodel name\t: Fast One\n"
FILES = {
    "proc/cpuinfo": CPUINFO,
    "proc/loadavg": "0.50 0.40 0.30 1/100 4242",
    "proc/meminfo": "MemTotal:       16000000 kB\nMemFree: 1 kB",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
    "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3",
    "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4",
    "sys/class/thermal/thermal_zone0/temp": "41000",
    "sys/class/thermal/thermal_zone1/temp": "67500",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    return tmp_path


def test_a_machine_is_read_from_its_files(root):
    host = describe_host(root)
    assert (host.cpu, host.cores, host.governor) == ("Fast One", 2, "powersave")
    assert host.load_average == (0.5, 0.4, 0.3) and host.throttled == 7
    assert host.temperature_c == 67.5 and host.ram_gb == 16.38
    assert host.as_dict()["versions"]["torch"]


def test_a_machine_that_tells_nothing_is_described_without_guesses(tmp_path):
    host = describe_host(tmp_path)
    assert host.cores >= 1 and host.cpu
    assert (host.governor, host.load_average, host.throttled, host.temperature_c, host.ram_gb) == (None,) * 5
    assert noise([host, host]) == []


def test_the_real_machine_can_be_described():
    assert describe_host().cores >= 1


def test_a_load_above_the_cores_is_noise(root):
    quiet = describe_host(root)
    busy = replace(quiet, load_average=(2.01, 0.0, 0.0))
    assert noise([quiet, replace(quiet, load_average=(2.0, 9.0, 9.0))]) == []
    assert "load average was 2.01 on 2 cores" in noise([quiet, busy, quiet])[0]


def test_only_new_throttling_is_noise(root):
    before = describe_host(root)
    assert noise([before, before]) == []
    assert "slowed down for heat 2 times" in noise([before, replace(before, throttled=9)])[0]
    assert noise([before], ["power limit"]) == ["the device slowed down: power limit"]
