from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from underpaint.core.errors import SetupError
from underpaint.runtime.memory import bytes_of, device_peak, resident, watch_device


def test_a_status_file_is_read_in_kibibytes(tmp_path):
    folder = tmp_path / "proc" / "self"
    folder.mkdir(parents=True)
    (folder / "status").write_text("Name:\tpython\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n")
    found = resident(root=tmp_path)
    assert (found.now, found.peak) == (2**20, 2**21)


@pytest.mark.parametrize("text", [None, "Name:\tpython\n", "VmRSS:\t12 kB\nVmHWM:\tmany\n"])
def test_a_system_that_does_not_tell_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/status").write_text(text)
    with pytest.raises(SetupError, match="on Linux only"):
        resident(root=tmp_path)


def test_the_peak_remembers_what_was_given_back():
    code = (
        "from underpaint.runtime.memory import resident\n"
        "before = resident()\nheld = bytearray(64 << 20)\ndel held\nafter = resident()\n"
        "assert after.peak - before.peak > 40 << 20 and after.now - before.now < 20 << 20"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_shared_parameters_count_once():
    layer = torch.nn.Linear(10, 10, bias=False)
    assert bytes_of([layer]) == 400
    assert bytes_of([layer, torch.nn.Sequential(layer, torch.nn.BatchNorm1d(10))]) == 400 + 4 * 40 + 8


def test_the_cpu_has_no_memory_of_its_own():
    watch_device(torch.device("cpu"))
    assert device_peak(torch.device("cpu")) is None
