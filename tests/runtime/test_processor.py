"""Texts of real machines, in ``machines``; two cores of each are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.runtime.processor import Processor, parse_cpuinfo, parse_sysctl, parse_windows, read_processor

MACHINES = Path(__file__).with_name("machines")
LINUX = {
    "zen3": ("x86_64", "AuthenticAMD", "AMD EPYC 7763 64-Core Processor"),
    "zen4": ("x86_64", "AuthenticAMD", "AMD Ryzen 9 7940HS w/ Radeon 780M Graphics"),
    "cascade-lake": ("x86_64", "GenuineIntel", "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz"),
    "graviton1": ("aarch64", "ARM", "ARM Cortex-A72"),
    "graviton3": ("aarch64", "ARM", "ARM Neoverse V1"),
}
MACOS = {
    "apple-m5": ("arm64", "Apple", "Apple M5"),
    "intel-mac": ("x86_64", "GenuineIntel", "Intel(R) Core(TM) i9-9880H CPU @ 2.30GHz"),
}


def text_of(name: str) -> str:
    return (MACHINES / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LINUX)
def test_linux_tells_maker_and_model(name):
    machine, vendor, model = LINUX[name]
    processor = parse_cpuinfo(text_of(name), machine)
    assert (processor.vendor, processor.model, processor.flags_known) == (vendor, model, True)


@pytest.mark.parametrize("name", MACOS)
def test_macos_tells_maker_and_model(name):
    machine, vendor, model = MACOS[name]
    processor = parse_sysctl(text_of(name), machine)
    assert (processor.vendor, processor.model, processor.flags_known) == (vendor, model, True)


def test_only_instructions_that_change_arithmetic_are_kept():
    processor = parse_cpuinfo(text_of("zen3"), "x86_64")
    assert processor.flags == ("avx", "avx2", "f16c", "fma", "sse4_2")
    changed = text_of("zen3").replace(" fsrm", " fsrm flush_l1d")
    assert parse_cpuinfo(changed, "x86_64") == processor


def test_both_systems_use_the_same_names():
    assert parse_sysctl(text_of("apple-m5"), "arm64").flags == ("asimd", "asimddp", "bf16", "i8mm")
    assert {"asimd", "asimddp", "bf16", "i8mm"} < {*parse_cpuinfo(text_of("graviton3"), "aarch64").flags}


def test_what_the_little_cores_lack_does_not_count():
    big, little = text_of("graviton3").split("\n\n")[0], text_of("graviton2")
    assert "i8mm" in parse_cpuinfo(big, "aarch64").flags
    assert parse_cpuinfo(f"{big}\n\n{little}", "aarch64").flags == parse_cpuinfo(little, "aarch64").flags


def test_lines_after_the_last_processor_are_no_processor():
    text = text_of("graviton2") + "Hardware\t: BCM2711\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n"
    assert parse_cpuinfo(text, "aarch64") == parse_cpuinfo(text_of("graviton2"), "aarch64")


@pytest.mark.parametrize(
    ("machine", "family"), [("x86_64", "x86"), ("AMD64", "x86"), ("arm64", "arm"), ("riscv64", "riscv64")]
)
def test_without_a_file_the_family_alone_is_known(tmp_path, machine, family):
    assert read_processor(tmp_path, system="Linux", machine=machine) == Processor(family=family)


def test_a_system_without_its_usual_program_tells_nothing(monkeypatch):
    monkeypatch.setattr("underpaint.runtime.processor.SYSCTL", "/nowhere/sysctl")
    assert not read_processor(system="Darwin", machine="arm64").flags_known


def test_windows_is_asked_feature_by_feature():
    description = "AMD64 Family 25 Model 33 Stepping 2, AuthenticAMD"
    processor = parse_windows(lambda number: number == 40, description, "AMD64")
    assert (processor.family, processor.vendor, processor.flags) == ("x86", "AuthenticAMD", ("avx2",))
    assert processor.model == "AMD64 Family 25 Model 33 Stepping 2"
