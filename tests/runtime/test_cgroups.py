from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.runtime.cgroups import cgroup_memory, cgroup_quota


def machine(root: Path, *, cgroup: str = "0::/\n", files: dict[str, str] | None = None) -> Path:
    for name, text in {"proc/self/cgroup": cgroup, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(("text", "quota"), [("max 100000", None), ("150000 100000", 1.5), ("50000 100000", 0.5)])
def test_the_quota_of_version_2(tmp_path, text, quota):
    root = machine(tmp_path, cgroup="0::/a/b\n", files={"sys/fs/cgroup/a/b/cpu.max": text})
    assert cgroup_quota(root) == quota


def test_the_tightest_group_on_the_way_up_counts(tmp_path):
    files = {"sys/fs/cgroup/a/cpu.max": "200000 100000", "sys/fs/cgroup/a/b/cpu.max": "400000 100000"}
    assert cgroup_quota(machine(tmp_path, cgroup="0::/a/b\n", files=files)) == 2.0


@pytest.mark.parametrize(("quota", "expected"), [("-1", None), ("300000", 3.0)])
def test_the_quota_of_version_1(tmp_path, quota, expected):
    files = {
        "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": quota,
        "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/cpuset/a/cpu.cfs_quota_us": "1",
    }
    assert cgroup_quota(machine(tmp_path, cgroup="3:cpuset:/\n1:cpu,cpuacct:/a\n", files=files)) == expected


@pytest.mark.parametrize(("text", "limit"), [("max", None), ("536870912", 536870912)])
def test_the_memory_of_version_2(tmp_path, text, limit):
    root = machine(tmp_path, cgroup="0::/a\n", files={"sys/fs/cgroup/a/memory.max": text})
    assert cgroup_memory(root) == limit


@pytest.mark.parametrize(("text", "limit"), [("9223372036854771712", None), ("1073741824", 1073741824)])
def test_the_memory_of_version_1_whose_group_is_hidden_by_a_container(tmp_path, text, limit):
    files = {"sys/fs/cgroup/memory/memory.limit_in_bytes": text, "sys/fs/cgroup/cpu/memory.limit_in_bytes": "1"}
    root = machine(tmp_path, cgroup="4:memory:/docker/0123\n2:cpu:/docker/0123\n", files=files)
    assert cgroup_memory(root) == limit


def test_the_tightest_limit_of_memory_on_the_way_up_counts(tmp_path):
    files = {"sys/fs/cgroup/a/memory.max": "2000000", "sys/fs/cgroup/a/b/memory.max": "4000000"}
    assert cgroup_memory(machine(tmp_path, cgroup="0::/a/b\n", files=files)) == 2000000


def test_no_control_groups_are_no_limit(tmp_path):
    assert cgroup_quota(tmp_path) is None
    assert cgroup_memory(tmp_path) is None
