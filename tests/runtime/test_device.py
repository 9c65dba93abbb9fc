from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from underpaint.core.errors import InputError, SetupError
from underpaint.runtime import device


def machine(root: Path, *, cgroup: str = "0::/\n", files: dict[str, str] | None = None) -> Path:
    for name, text in {"proc/self/cgroup": cgroup, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_the_cpu_is_always_there():
    assert device.available_devices()[-1] == "cpu"
    assert device.choose_device("cpu") == torch.device("cpu")
    assert str(device.choose_device()) == device.available_devices()[0]


def test_an_unknown_device_is_an_input_error():
    with pytest.raises(InputError, match="choose one of cpu"):
        device.choose_device("toaster")


def test_a_device_that_is_not_here_is_a_setup_error():
    with pytest.raises(SetupError, match=r"available here; choose one of .*cpu"):
        device.choose_device("cuda:99")


@pytest.mark.parametrize(("text", "quota"), [("max 100000", None), ("150000 100000", 1.5), ("50000 100000", 0.5)])
def test_the_quota_of_version_2(tmp_path, text, quota):
    root = machine(tmp_path, cgroup="0::/a/b\n", files={"sys/fs/cgroup/a/b/cpu.max": text})
    assert device.cgroup_quota(root) == quota


def test_the_tightest_group_on_the_way_up_counts(tmp_path):
    files = {"sys/fs/cgroup/a/cpu.max": "200000 100000", "sys/fs/cgroup/a/b/cpu.max": "400000 100000"}
    assert device.cgroup_quota(machine(tmp_path, cgroup="0::/a/b\n", files=files)) == 2.0


@pytest.mark.parametrize(("quota", "expected"), [("-1", None), ("300000", 3.0)])
def test_the_quota_of_version_1(tmp_path, quota, expected):
    files = {
        "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": quota,
        "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/cpuset/a/cpu.cfs_quota_us": "1",
    }
    assert device.cgroup_quota(machine(tmp_path, cgroup="3:cpuset:/\n1:cpu,cpuacct:/a\n", files=files)) == expected


def test_hyper_threads_of_one_core_count_once(tmp_path):
    topology = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    files = {topology.format(cpu): f"{cpu % 2},{cpu % 2 + 2}\n" for cpu in range(4)}
    root = machine(tmp_path, files=files)
    assert device.physical_cores({0, 1, 2, 3}, root) == 2
    assert device.physical_cores({0, 2}, root) == 1
    assert device.physical_cores({0, 7}, root) == 2


def test_threads_are_the_least_of_all_limits(tmp_path):
    allowed = len(os.sched_getaffinity(0))
    assert 1 <= device.choose_threads() <= allowed
    assert device.choose_threads(machine(tmp_path / "none")) == allowed
    quota = machine(tmp_path / "quota", files={"sys/fs/cgroup/cpu.max": "90000 100000"})
    assert device.choose_threads(quota) == 1


def test_threads_hold_inside_the_block_alone_even_after_an_error():
    before = torch.get_num_threads()
    with device.threads(before + 1):
        assert torch.get_num_threads() == before + 1
        with device.threads(0):
            assert torch.get_num_threads() == before + 1
    with pytest.raises(RuntimeError), device.threads(before + 2):
        raise RuntimeError
    assert torch.get_num_threads() == before
    with pytest.raises(InputError, match="at least 1"), device.threads(-1):
        pass
