from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)
REQUIREMENTS = [
    Requirement(text)
    for text in [*PROJECT["dependencies"], *(r for extra in PROJECT["optional-dependencies"].values() for r in extra)]
]


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_every_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    pins = {normalized(name): version for name, version in PINS.items()}
    assert requirement.specifier.contains(pins[normalized(requirement.name)])


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_the_tests_run_with_the_pinned_version(requirement: Requirement) -> None:
    pins = {normalized(name): version for name, version in PINS.items()}
    try:
        installed = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{requirement.name} is not installed")
    assert installed.split("+")[0] == pins[normalized(requirement.name)]


def test_pins_fit_every_build_and_name_no_place() -> None:
    assert PINS["torch"] == "2.13.0"
    assert all(re.fullmatch(r"[0-9a-z.]+", version) for version in PINS.values())
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|@|^\s*-", text, flags=re.MULTILINE)


def test_the_wheel_holds_the_package_its_data_and_its_licenses(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    shipped = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src" / "underpaint").rglob("*")
               if path.is_file() and path.suffix != ".pyc"}  # fmt: skip
    assert shipped <= names
    assert "underpaint/py.typed" in names
    others = {name for name in names - shipped if ".dist-info/" not in name}
    assert others == set()
    assert {Path(name).name for name in names if ".dist-info/licenses/" in name} == {"LICENSE", "NOTICE"}


def test_the_base_package_is_light(wheel: zipfile.ZipFile) -> None:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    described = Parser().parsestr(wheel.read(name).decode())
    required = [Requirement(text) for text in described.get_all("Requires-Dist") or []]
    assert {requirement.name for requirement in required if requirement.marker is None} == {
        "numpy", "onnxruntime", "pillow", "pydantic",
    }  # fmt: skip
    assert set(described.get_all("Provides-Extra") or []) == {
        "train", "optimize", "openvino", "calibrate", "c2pa", "data", "folder", "evaluate", "serve", "otel",
        "diffusers", "dev",
    }  # fmt: skip
    assert described["License-Expression"] == "Apache-2.0"
