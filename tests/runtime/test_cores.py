from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from underpaint.runtime.cores import asked_threads, choose_threads, physical_cores, thread_count


def machine(root: Path, *, cgroup: str = "0::/\n", files: dict[str, str] | None = None) -> Path:
    for name, text in {"proc/self/cgroup": cgroup, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_hyper_threads_of_one_core_count_once(tmp_path):
    topology = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    files = {topology.format(cpu): f"{cpu % 2},{cpu % 2 + 2}\n" for cpu in range(4)}
    root = machine(tmp_path, files=files)
    assert physical_cores({0, 1, 2, 3}, root) == 2
    assert physical_cores({0, 2}, root) == 1
    assert physical_cores({0, 7}, root) == 2


def test_threads_are_the_least_of_all_limits(tmp_path):
    allowed = len(os.sched_getaffinity(0))
    assert 1 <= choose_threads() <= allowed
    assert choose_threads(machine(tmp_path / "none"), {}) == allowed
    quota = machine(tmp_path / "quota", files={"sys/fs/cgroup/cpu.max": "90000 100000"})
    assert choose_threads(quota, {}) == 1


def test_counting_cores_loads_no_torch():
    code = "import sys, underpaint.runtime.cores; print('torch' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("value", "asked"), [("3", 3), (" 2 ", 2), ("4,2", 4), ("", None), ("0", None), ("-1", None), ("many", None)]
)
def test_the_environment_may_ask_for_fewer_threads(value: str, asked: int | None):
    assert asked_threads({"OMP_NUM_THREADS": value}) == asked
    assert asked_threads({}) is None


def test_nobody_gets_more_threads_than_there_is_room_for_by_asking():
    room = {"allowed": 4, "physical": 4, "quota": 2.5}
    assert [thread_count(**room, asked=asked) for asked in (None, 1, 9)] == [2, 1, 2]
