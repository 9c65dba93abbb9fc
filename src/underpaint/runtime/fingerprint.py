"""The fingerprint of a machine: all that decides how fast and how exactly it computes, and nothing that names it.

Two machines with one fingerprint may share what was compiled or measured on either. It holds no host name, address,
user, date, load or free memory; versions count, since another version brings other kernels.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

from underpaint.core.config import Config
from underpaint.runtime.capacity import Capacity, read_capacity
from underpaint.runtime.cgroups import cgroup_quota
from underpaint.runtime.cores import allowed_cpus, physical_cores
from underpaint.runtime.gpu import Gpu, Gpus, read_gpus
from underpaint.runtime.host_class import host_class
from underpaint.runtime.installed import version_of
from underpaint.runtime.processor import Processor, read_processor

ENGINES: dict[str, tuple[str, ...]] = {
    "onnx": ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino"),
    "openvino": ("openvino",),
    "torch": ("torch",),
}
"""What runs a network, to the packages that bring it; the first is the one that we name."""

KERNEL_VARIABLES: dict[str, str] = {
    "ATEN_CPU_CAPABILITY": "torch takes the kernels of this instruction set instead of the best",
    "CUDA_VISIBLE_DEVICES": "only these GPUs are seen, and they are renumbered",
    "DNNL_MAX_CPU_ISA": "oneDNN (torch, OpenVINO) uses no instructions beyond this set",
    "GOMP_CPU_AFFINITY": "threads of torch are pinned to these cores",
    "KMP_AFFINITY": "threads of OpenMP are pinned in this way",
    "KMP_BLOCKTIME": "threads of OpenMP spin for this long before they sleep",
    "MKL_CBWR": "MKL computes reproducibly on different processors, and slower",
    "MKL_ENABLE_INSTRUCTIONS": "MKL uses no instructions beyond this set",
    "MKL_NUM_THREADS": "MKL starts this many threads unless it is told otherwise",
    "NVIDIA_TF32_OVERRIDE": "matrix products on GPUs are computed with or without TF32, whatever a program asks",
    "OMP_NUM_THREADS": "OpenMP starts this many threads unless it is told otherwise; underpaint always tells",
    "OMP_PROC_BIND": "threads of OpenMP stay where they are",
    "OMP_WAIT_POLICY": "threads of OpenMP spin or sleep while they wait",
    "ONEDNN_DEFAULT_FPMATH_MODE": "oneDNN may compute 32-bit numbers with fewer bits: pictures may differ",
    "ONEDNN_MAX_CPU_ISA": "oneDNN (torch, OpenVINO) uses no instructions beyond this set",
    "OPENBLAS_CORETYPE": "NumPy takes the kernels of this processor instead of the present one",
    "OPENBLAS_NUM_THREADS": "NumPy starts this many threads for matrix products",
}
"""Variables of the environment that change kernels or threads, and how."""


class Cores(Config):
    """The cores of a machine and those that this process may use.

    Args:
        logical: Logical CPUs of the machine.
        allowed: Logical CPUs that this process may run on.
        physical: Physical cores behind those.
        quota: CPUs' worth of time that control groups allow; None for no limit.
    """

    logical: int
    allowed: int
    physical: int
    quota: float | None = None


class System(Config):
    """The system that programs run on.

    Args:
        name: The operating system.
        machine: What it calls the processor's architecture.
        libc: The C library and its version; empty if unknown.
        python: Python's version and implementation.
    """

    name: str
    machine: str
    libc: str
    python: str


class Fingerprint(Config):
    """What decides how fast and how exactly a machine computes; ``digest()`` is its short form.

    Args:
        processor: Maker, model, instructions.
        cores: How many there are and may be used.
        capacity: Caches and main memory.
        gpus: GPUs of NVIDIA.
        system: Operating system, C library, Python.
        engines: Engine to version, of those that are installed.
        environment: Variables of the environment that change kernels and are set.
    """

    processor: Processor
    cores: Cores
    capacity: Capacity
    gpus: tuple[Gpu, ...]
    system: System
    engines: dict[str, str]
    environment: dict[str, str]

    @property
    def host_class(self) -> str:
        """The class of the machine."""
        return host_class(self.processor, self.gpus)


def read_cores(root: Path = Path("/")) -> Cores:
    """Count this machine's cores.

    Args:
        root: Where the file system begins (a test may give its own).
    """
    allowed = allowed_cpus()
    return Cores(
        logical=max(os.cpu_count() or 1, len(allowed)),
        allowed=len(allowed),
        physical=physical_cores(allowed, root),
        quota=cgroup_quota(root),
    )


def read_system() -> System:
    """Ask what programs run on."""
    return System(
        name=platform.system(),
        machine=platform.machine(),
        libc=" ".join(filter(None, platform.libc_ver())),
        python=f"{platform.python_version()} {platform.python_implementation()}",
    )


def installed_engines() -> dict[str, str]:
    """Return the engines that are installed and their versions; none is imported."""
    found = {name: version_of(*distributions) for name, distributions in ENGINES.items()}
    return {name: version for name, version in found.items() if version is not None}


def read_fingerprint(
    root: Path = Path("/"), *, gpus: Gpus | None = None, environ: Mapping[str, str] | None = None
) -> Fingerprint:
    """Look at this machine.

    Args:
        root: Where the file system begins (a test may give its own).
        gpus: What the driver said; asked if None.
        environ: Variables of the environment; the process's own if None.
    """
    environ = os.environ if environ is None else environ
    return Fingerprint(
        processor=read_processor(root),
        cores=read_cores(root),
        capacity=read_capacity(root),
        gpus=(read_gpus() if gpus is None else gpus).found,
        system=read_system(),
        engines=installed_engines(),
        environment={name: environ[name] for name in KERNEL_VARIABLES if environ.get(name)},
    )
