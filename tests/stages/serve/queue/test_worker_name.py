from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from underpaint.stages.serve.queue.worker_name import is_gone, worker_name

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
NAME = "from underpaint.stages.serve.queue.worker_name import worker_name; print(worker_name(), flush=True); input()"


def test_a_worker_is_gone_when_its_process_is() -> None:
    process = subprocess.Popen([sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert not is_gone(name)
    process.kill()
    process.communicate()
    assert is_gone(name)


def test_a_name_is_new_each_time_and_its_own_process_lives() -> None:
    assert worker_name() != worker_name()
    assert not is_gone(worker_name())


def test_another_process_of_the_same_number_is_another_worker() -> None:
    world, pid, started, token = worker_name().split("/")
    assert is_gone(f"{world}/{pid}/{int(started) - 1}/{token}")
    assert is_gone(f"{world}/{2**22 + 1}/{started}/{token}")


@pytest.mark.parametrize(
    "name",
    ["w", "", "elsewhere/1/0/ab", f"another-boot/{os.getpid()}/1/ab", "a/b/c/d/e"],
    ids=["a word", "nothing", "elsewhere", "another boot", "too many parts"],
)
def test_of_workers_elsewhere_nothing_is_known(name: str) -> None:
    assert not is_gone(name)


def test_without_proc_nothing_is_known(tmp_path: Path) -> None:
    name = worker_name(proc=tmp_path)
    assert name.startswith("elsewhere/")
    assert not is_gone(name, proc=tmp_path)
