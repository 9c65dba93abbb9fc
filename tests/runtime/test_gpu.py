from __future__ import annotations

import subprocess

import pytest

from underpaint.runtime.gpu import QUERY, Gpu, Gpus, read_gpus

LIST = """NVIDIA A100-SXM4-40GB, 8.0, 40960, 535.129.03
NVIDIA GB10, 12.1, [N/A], 580.126.09
"""


def refuse(error: Exception):
    def ask(_command):
        raise error

    return ask


def test_a_line_a_gpu_and_shared_memory_has_no_size():
    asked = []
    gpus = read_gpus(lambda command: asked.append(command) or LIST, program="/bin/smi")
    assert gpus.problem is None
    assert gpus.found == (
        Gpu(name="NVIDIA A100-SXM4-40GB", capability=(8, 0), memory_bytes=40960 * 1024**2, driver="535.129.03"),
        Gpu(name="NVIDIA GB10", capability=(12, 1), memory_bytes=None, driver="580.126.09"),
    )
    assert asked == [("/bin/smi", *QUERY)]


def test_a_name_may_hold_a_comma():
    (gpu,) = read_gpus(lambda _: "GRID, virtual, 7.5, 4096, 470.1\n", program="/bin/smi").found
    assert (gpu.name, gpu.capability) == ("GRID, virtual", (7, 5))


def test_without_a_driver_there_is_neither_gpu_nor_problem(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert read_gpus(refuse(AssertionError("nothing may be asked"))) == Gpus()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            subprocess.CalledProcessError(9, "smi", output="NVIDIA-SMI has failed\nbecause"),
            "NVIDIA-SMI has failed because",
        ),
        (subprocess.CalledProcessError(6, "smi"), "exit code 6"),
        (subprocess.TimeoutExpired("smi", 10), "did not answer within 10 seconds"),
        (PermissionError("no"), "gave no list"),
    ],
)
def test_a_driver_that_fails_is_a_problem_and_no_error(error, words):
    gpus = read_gpus(refuse(error), program="/bin/smi")
    assert gpus.found == ()
    assert words in (gpus.problem or "")


@pytest.mark.parametrize("text", ["No devices were found\n", "a, b\n", "a, 8, 1, 2\n"])
def test_another_text_is_a_problem(text):
    assert "gave no list" in (read_gpus(lambda _: text, program="/bin/smi").problem or "")
