from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.runtime.gpu import Gpu
from underpaint.runtime.host_class import (
    CPU_RULES,
    FAST_INT8,
    GPU_RULES,
    cpu_rule,
    gpu_class,
    host_class,
    multiplies_bfloat16,
)
from underpaint.runtime.processor import Processor, parse_cpuinfo, parse_sysctl

MACHINES = Path(__file__).with_name("machines")
LINUX = {
    "zen3": "x86-avx2",
    "zen4": "x86-vnni",
    "cascade-lake": "x86-vnni",
    "sapphire-rapids": "x86-amx",
    "graviton1": "arm-base",
    "graviton2": "arm-dotprod",
    "graviton3": "arm-i8mm",
}
MACOS = {"apple-m1-macos11": "arm-dotprod", "apple-m5": "arm-i8mm", "intel-mac": "x86-avx2"}


@pytest.mark.parametrize("name", LINUX)
def test_the_class_of_a_real_linux_machine(name):
    machine = "aarch64" if name.startswith("graviton") else "x86_64"
    assert cpu_rule(parse_cpuinfo((MACHINES / f"{name}.txt").read_text(), machine)).name == LINUX[name]


@pytest.mark.parametrize("name", MACOS)
def test_the_class_of_a_real_mac(name):
    machine = "arm64" if name.startswith("apple") else "x86_64"
    assert cpu_rule(parse_sysctl((MACHINES / f"{name}.txt").read_text(), machine)).name == MACOS[name]


def test_every_class_is_reached_by_each_of_its_instructions_and_by_none_below():
    for index, rule in enumerate(CPU_RULES):
        family = rule.family or "riscv64"
        below = {flag for other in CPU_RULES[index:] if other.family == rule.family for flag in other.any_of}
        for flags in [*({flag} for flag in rule.any_of), below]:
            assert cpu_rule(Processor(family=family, flags=tuple(flags))) is rule


def test_instructions_of_one_family_mean_nothing_in_another():
    assert cpu_rule(Processor(family="x86", flags=("i8mm",))).name == "x86-base"
    assert cpu_rule(Processor(family="arm", flags=("avx2",))).name == "arm-base"


def test_classes_with_fast_8_bit_products_are_those_named_after_them():
    fast = {rule.name for rule in CPU_RULES if rule.any_of & FAST_INT8}
    assert fast == {"x86-amx", "x86-vnni", "arm-i8mm", "arm-dotprod"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sapphire-rapids", True), ("zen4", True), ("cascade-lake", False), ("zen3", False), ("graviton3", False)],
)
def test_bfloat16_is_fast_on_x86_with_its_instructions(name, expected):
    machine = "aarch64" if name.startswith("graviton") else "x86_64"
    assert multiplies_bfloat16(parse_cpuinfo((MACHINES / f"{name}.txt").read_text(), machine)) is expected


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((7, 5), "cuda-base"),
        ((8, 0), "cuda-sm80"),
        ((8, 6), "cuda-sm80"),
        ((8, 9), "cuda-sm89"),
        ((9, 0), "cuda-sm90"),
        ((12, 1), "cuda-sm90"),
    ],
)
def test_the_best_gpu_decides_where_there_is_one(capability, expected):
    gpu = Gpu(name="a GPU", capability=capability, memory_bytes=None, driver="1")
    weak = Gpu(name="another", capability=(6, 1), memory_bytes=None, driver="1")
    assert gpu_class(gpu) == expected
    assert host_class(Processor(family="x86"), [weak, gpu]) == expected
    assert host_class(Processor(family="x86")) == "x86-base"


def test_the_page_about_classes_says_what_the_rules_say():
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    written = [(row[0].strip("`"), row[2]) for row in rows]
    assert written == [(name, tried) for _, name, tried in GPU_RULES] + [(rule.name, rule.tried) for rule in CPU_RULES]
