from __future__ import annotations

import re
import tomllib
from importlib import util
from pathlib import Path

import pytest

from underpaint.core.installing import pip_command
from underpaint.runtime.findings import Finding
from underpaint.runtime.software import BASE, EMOJI_FONT, EMOJI_FONT_INSTALL, FEATURES, software_findings
from underpaint.stages.data import debian

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def found(name: str, *installed: str, **options) -> Finding:
    def version(*names: str) -> str | None:
        return next(("1.0" for one in names if one in installed), None)

    return next(finding for finding in software_findings(version, **options) if finding.name == name)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_is_there_when_all_its_packages_are(feature):
    names = [packages[0] for packages in feature.packages]
    there = found(feature.name, *names, gpu=True)
    assert (there.state, there.remedy) == ("ok", None)
    for name in names:
        lacking = found(feature.name, *(set(names) - {name}), gpu=True)
        assert (lacking.state, lacking.value) == ("missing", f"{name} not installed")
        assert (lacking.remedy or "").startswith("pip install ")
        assert feature.brings in lacking.meaning


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_the_extra_that_is_named_brings_the_packages(feature):
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    lines = project["optional-dependencies"][feature.extra] if feature.extra else project["dependencies"]
    brought = {re.split(r"[<>=]", line)[0] for line in lines}
    assert {names[0] for names in feature.packages} <= brought


def test_what_only_a_gpu_can_use_is_not_offered_without_one():
    offered = {gpu: {one.name for one in software_findings(lambda *_: None, gpu=gpu)} for gpu in (False, True)}
    assert offered[True] - offered[False] == {feature.name for feature in FEATURES if feature.needs_gpu} != set()


def test_another_package_that_brings_the_same_engine_counts():
    assert found("onnx", "onnxruntime-gpu").state == "ok"


def test_without_torch_it_says_what_needs_torch():
    torch = found("torch")
    assert torch.state == "missing"
    assert "training" in torch.meaning
    assert torch.remedy == pip_command("train")


def test_without_the_base_nothing_works():
    assert found("base", *BASE).state == "ok"
    broken = found("base", "numpy", "pydantic")
    assert (broken.state, broken.remedy) == ("broken", "pip install pillow")


def test_the_font_is_the_one_that_data_sets_read(tmp_path):
    assert str(EMOJI_FONT).lstrip("/") == debian.FONT
    assert EMOJI_FONT_INSTALL.endswith(debian.INSTALL)
    assert found("emoji font", font=tmp_path / "none.ttf").state == "missing"
    (tmp_path / "font.ttf").write_bytes(b"")
    assert found("emoji font", font=tmp_path / "font.ttf").state == "ok"


def test_npm_is_looked_for(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert found("npm").state == "missing"


def test_the_engines_of_this_installation_are_seen():
    by_name = {finding.name: finding for finding in software_findings()}
    assert (by_name["torch"].state == "ok") == (util.find_spec("torch") is not None)
    assert (by_name["onnx"].state == "ok") == (util.find_spec("onnxruntime") is not None)
