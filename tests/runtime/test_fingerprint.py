from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from underpaint.runtime.fingerprint import KERNEL_VARIABLES, Fingerprint, read_fingerprint
from underpaint.runtime.gpu import Gpu, Gpus

MACHINES = Path(__file__).with_name("machines")
NO_GPUS = Gpus()


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def root(tmp_path) -> Path:
    cpuinfo = (MACHINES / "zen3.txt").read_text()
    return plant(tmp_path, {"proc/cpuinfo": cpuinfo, "proc/meminfo": "MemTotal: 1000000 kB\nMemFree: 5 kB\n"})


def test_the_same_machine_has_the_same_digest(root):
    first, second = (read_fingerprint(root, gpus=NO_GPUS, environ={}) for _ in range(2))
    assert first.digest() == second.digest()
    assert Fingerprint.model_validate_json(first.model_dump_json()) == first


def test_free_memory_and_other_variables_do_not_change_it(root):
    before = read_fingerprint(root, gpus=NO_GPUS, environ={})
    plant(root, {"proc/meminfo": "MemTotal: 1000000 kB\nMemFree: 9 kB\n"})
    assert read_fingerprint(root, gpus=NO_GPUS, environ={"HOME": "/root", "OMP_NUM_THREADS": ""}) == before


@pytest.mark.parametrize(
    "change",
    [
        {"proc/cpuinfo": "processor: 0\nflags: avx2 avx512_vnni\n"},
        {"proc/meminfo": "MemTotal: 2000000 kB\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "100000"},
        {"sys/devices/system/cpu/cpu0/cache/index0/level": "1", "sys/devices/system/cpu/cpu0/cache/index0/size": "32K"},
    ],
    ids=["instructions", "memory", "quota", "memory limit", "cache"],
)
def test_what_changes_speed_changes_it(root, change):
    before = read_fingerprint(root, gpus=NO_GPUS, environ={}).digest()
    assert read_fingerprint(plant(root, change), gpus=NO_GPUS, environ={}).digest() != before


def test_gpus_and_variables_of_kernels_change_it(root):
    gpu = Gpu(name="NVIDIA L4", capability=(8, 9), memory_bytes=24 << 30, driver="550.54")
    variables = dict.fromkeys(KERNEL_VARIABLES, "1")
    prints = [
        read_fingerprint(root, gpus=NO_GPUS, environ={}),
        read_fingerprint(root, gpus=Gpus(found=(gpu,)), environ={}),
        *(read_fingerprint(root, gpus=NO_GPUS, environ={name: value}) for name, value in variables.items()),
    ]
    assert len({one.digest() for one in prints}) == len(prints)
    assert prints[1].host_class == "cuda-sm89"
    assert prints[2].host_class == prints[0].host_class != prints[1].host_class


def test_a_machine_that_tells_nothing_still_has_one(tmp_path):
    fingerprint = read_fingerprint(tmp_path, gpus=NO_GPUS, environ={})
    assert fingerprint.capacity.ram_bytes is None
    assert fingerprint.host_class in {"x86-base", "arm-base", "other"}
    assert len(fingerprint.digest()) == 64


def test_looking_at_the_machine_imports_no_engine():
    code = (
        "import sys; from underpaint.runtime.fingerprint import read_fingerprint; read_fingerprint().digest(); "
        "print({'torch', 'onnxruntime', 'openvino', 'numpy', 'transformers'} & sys.modules.keys())"
    )
    finished = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "set()"
