"""The processor as its system describes it: maker, model, and the instructions that change how numbers are computed.

Every system has a text of its own: ``/proc/cpuinfo`` on Linux, ``sysctl`` on macOS, one question an instruction on
Windows. All are brought to Linux's names of instructions. Windows tells of few, so a processor may look poorer there.
"""

from __future__ import annotations

import ctypes
import platform
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from underpaint.core.config import Config
from underpaint.runtime.cgroups import read_text

ARITHMETIC = frozenset(
    [
        "sse4_2",
        "avx",
        "f16c",
        "fma",
        "avx2",
        "avx512f",
        "avx512bw",
        "avx512vl",
        "avx512_vnni",
        "avx512_bf16",
        "avx512_fp16",
        "avx_vnni",
        "avx_vnni_int8",
        "avx_ne_convert",
        "amx_tile",
        "amx_int8",
        "amx_bf16",
        "amx_fp16",
        "asimd",
        "asimdhp",
        "asimddp",
        "asimdfhm",
        "i8mm",
        "bf16",
        "sve",
        "sve2",
        "sme",
    ]
)
"""Instructions that choose other kernels; the rest (mitigations, virtualization) changes with every kernel."""

FAMILIES = {"x86_64": "x86", "amd64": "x86", "i686": "x86", "aarch64": "arm", "arm64": "arm", "armv7l": "arm"}
"""What ``platform.machine`` says, in small letters, to the family of processors."""

ARM_MAKERS = {
    "0x41": "ARM", "0x46": "Fujitsu", "0x48": "HiSilicon", "0x4e": "NVIDIA", "0x51": "Qualcomm", "0x61": "Apple",
    "0x6d": "Microsoft", "0xc0": "Ampere",
}  # fmt: skip
ARM_PARTS = {
    "0xd03": "Cortex-A53", "0xd08": "Cortex-A72", "0xd0b": "Cortex-A76", "0xd0c": "Neoverse N1",
    "0xd40": "Neoverse V1", "0xd49": "Neoverse N2", "0xd4f": "Neoverse V2", "0xac3": "Ampere-1",
}  # fmt: skip

SYSCTL_FLAGS = {
    "hw.optional.avx1_0": "avx",
    "hw.optional.avx2_0": "avx2",
    "hw.optional.avx512f": "avx512f",
    "hw.optional.f16c": "f16c",
    "hw.optional.fma": "fma",
    "hw.optional.arm64": "asimd",
    "hw.optional.armv8_2_fhm": "asimddp",  # macOS 11 tells of nothing nearer; every M1 has both
    "hw.optional.arm.FEAT_DotProd": "asimddp",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.arm.FEAT_SME": "sme",
}
"""What macOS calls an instruction, to Linux's name."""

WINDOWS_FLAGS = {40: "avx2", 41: "avx512f", 43: "asimddp"}
"""What ``IsProcessorFeaturePresent`` is asked, to Linux's name."""

SYSCTL = "/usr/sbin/sysctl"
ANSWER_WITHIN_S = 5.0


class Processor(Config):
    """A processor.

    Args:
        family: ``x86``, ``arm``, or what the system calls another one.
        vendor: Its maker; empty if unknown.
        model: Its name; empty if unknown.
        flags: Those of ``ARITHMETIC`` that every core has, sorted.
        flags_known: Whether the system told the flags.
    """

    family: str
    vendor: str = ""
    model: str = ""
    flags: tuple[str, ...] = ()
    flags_known: bool = False


def family_of(machine: str) -> str:
    """Return the family of a processor that ``platform.machine`` names."""
    return FAMILIES.get(machine.lower(), machine.lower() or "unknown")


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """Yield what a text of ``key : value`` lines says about each logical processor."""
    for block in text.split("\n\n"):
        pairs = [line.partition(":") for line in block.splitlines() if ":" in line]
        if values := {key.strip(): value.strip() for key, _, value in pairs}:
            yield values


def parse_cpuinfo(text: str, machine: str) -> Processor:
    """Read Linux's description.

    Args:
        text: The contents of ``/proc/cpuinfo``; big and little cores may differ, and what all have counts.
        machine: What ``platform.machine`` says.
    """
    blocks = list(_blocks(text))
    words = [
        set((block.get("flags") or block["Features"]).split()) for block in blocks if {"flags", "Features"} & set(block)
    ]
    first = next((block for block in blocks if "flags" in block or "Features" in block), {})
    maker = first.get("CPU implementer", "")
    part = first.get("CPU part", "")
    vendor = first.get("vendor_id") or ARM_MAKERS.get(maker, maker)
    return Processor(
        family=family_of(machine),
        vendor=vendor,
        model=first.get("model name") or f"{vendor} {ARM_PARTS.get(part, part)}".strip(),
        flags=tuple(sorted(ARITHMETIC.intersection(*words))) if words else (),
        flags_known=bool(words),
    )


def parse_sysctl(text: str, machine: str) -> Processor:
    """Read macOS's description.

    Args:
        text: What ``sysctl hw machdep.cpu`` prints.
        machine: What ``platform.machine`` says.
    """
    values = next(_blocks(text), {})
    model = values.get("machdep.cpu.brand_string", "")
    flags = sorted(flag for key, flag in SYSCTL_FLAGS.items() if values.get(key) == "1")
    vendor = values.get("machdep.cpu.vendor") or ("Apple" if model.startswith("Apple") else "")
    return Processor(
        family=family_of(machine), vendor=vendor, model=model, flags=tuple(flags), flags_known="hw.ncpu" in values
    )


def parse_windows(present: Callable[[int], bool], description: str, machine: str) -> Processor:
    """Read Windows' description.

    Args:
        present: Says whether there is a feature of a number.
        description: What ``platform.processor`` says: family, model, stepping and, after a comma, the maker.
        machine: What ``platform.machine`` says.
    """
    model, _, vendor = description.rpartition(", ")
    flags = tuple(sorted(flag for number, flag in WINDOWS_FLAGS.items() if present(number)))
    return Processor(
        family=family_of(machine), vendor=vendor, model=model or description, flags=flags, flags_known=True
    )


def _sysctl() -> str:
    command = [SYSCTL, "hw", "machdep.cpu"]
    return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_WITHIN_S, check=False).stdout


def read_processor(root: Path = Path("/"), *, system: str | None = None, machine: str | None = None) -> Processor:
    """Look at this machine's processor; what the system does not tell stays empty.

    Args:
        root: Where the file system begins (a test may give its own).
        system: What ``platform.system`` says; asked if None.
        machine: What ``platform.machine`` says; asked if None.
    """
    system, machine = system or platform.system(), machine or platform.machine()
    try:
        if system == "Darwin":
            return parse_sysctl(_sysctl(), machine)
        if system == "Windows":
            present = ctypes.WinDLL("kernel32").IsProcessorFeaturePresent  # pyright: ignore[reportAttributeAccessIssue]
            return parse_windows(lambda number: bool(present(number)), platform.processor(), machine)
    except (OSError, AttributeError, subprocess.SubprocessError):
        return Processor(family=family_of(machine), model=platform.processor())
    return parse_cpuinfo(read_text(root / "proc/cpuinfo") or "", machine)
