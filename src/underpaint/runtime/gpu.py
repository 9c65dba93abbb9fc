"""NVIDIA's GPUs as their driver lists them, asked through its own program, so that no library has to be installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence

from underpaint.core.config import Config

PROGRAM = "nvidia-smi"
QUERY = ("--query-gpu=name,compute_cap,memory.total,driver_version", "--format=csv,noheader,nounits")
ANSWER_WITHIN_S = 10.0
"""A driver that nothing keeps loaded takes seconds to wake."""

MIB = 1 << 20


class Gpu(Config):
    """A GPU.

    Args:
        name: As its maker calls it.
        capability: Major and minor number of what it can compute, for example ``(8, 0)``.
        memory_bytes: Its own memory; None where it shares main memory.
        driver: The driver's version.
    """

    name: str
    capability: tuple[int, int]
    memory_bytes: int | None
    driver: str


class Gpus(Config):
    """What the driver said.

    Args:
        found: The GPUs, in the driver's order.
        problem: Why there may be some that it does not tell of; None if it answered, or there is no driver.
    """

    found: tuple[Gpu, ...] = ()
    problem: str | None = None


def parse_gpus(text: str) -> tuple[Gpu, ...]:
    """Read the driver's list: a line a GPU with name, capability, memory in MiB and driver, parted by commas.

    Raises:
        ValueError: It is no such list.
    """
    found: list[Gpu] = []
    for line in filter(str.strip, text.splitlines()):
        name, capability, memory, driver = (field.strip() for field in line.rsplit(",", 3))
        major, minor = capability.split(".")
        size = int(memory) * MIB if memory.isdigit() else None
        found.append(Gpu(name=name, capability=(int(major), int(minor)), memory_bytes=size, driver=driver))
    return tuple(found)


def _ask(command: Sequence[str]) -> str:
    """Run a program and return what it prints.

    Raises:
        OSError: It cannot be started.
        SubprocessError: It fails or does not answer.
    """
    return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_WITHIN_S, check=True).stdout


def read_gpus(ask: Callable[[Sequence[str]], str] = _ask, program: str | None = None) -> Gpus:
    """List this machine's GPUs of NVIDIA.

    Args:
        ask: Runs a command and returns what it prints (a test may give its own).
        program: Where the driver's program lies; looked for if None.
    """
    program = program or shutil.which(PROGRAM)
    if program is None:
        return Gpus()
    try:
        return Gpus(found=parse_gpus(ask((program, *QUERY))))
    except subprocess.TimeoutExpired:
        return Gpus(problem=f"{PROGRAM} did not answer within {ANSWER_WITHIN_S:g} seconds")
    except subprocess.CalledProcessError as error:
        said = " ".join(f"{error.stdout or ''} {error.stderr or ''}".split())
        return Gpus(problem=f"{PROGRAM} failed: {said or f'exit code {error.returncode}'}"[:300])
    except (OSError, ValueError) as error:
        return Gpus(problem=f"{PROGRAM} gave no list of GPUs ({error})"[:300])
