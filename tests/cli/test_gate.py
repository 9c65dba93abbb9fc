from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from underpaint.core.artifact import verify

SIBLING = Path(__file__).parents[1] / "stages" / "evaluate" / "conftest.py"


@pytest.fixture(scope="module")
def tiny() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tiny_evaluations", SIBLING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def gate(underpaint: Callable[..., Any], tiny: ModuleType, tmp_path: Path) -> Callable[..., Any]:
    """Run ``underpaint gate`` on two tiny evaluations: ``gate(fd=0.4)``."""
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(tiny.BASIC), encoding="utf-8")
    base = tiny.write_evaluation(tmp_path / "base", name="base")

    def call(*more: str, **options: Any) -> Any:
        candidate = tiny.write_evaluation(tmp_path / "candidate", name="candidate", own_seed=2, **options)
        return underpaint("gate", candidate, "--against", base, "--policy", policy, "--quiet", *more)

    return call


def test_the_exit_code_is_the_verdict(gate: Callable[..., Any]) -> None:
    shown = gate()
    assert (shown.code, shown.stderr) == (0, "")
    assert shown.stdout.startswith("PASS: candidate against base, policy tiny, look 1 of 1\n")


def test_a_failure_is_one(gate: Callable[..., Any]) -> None:
    assert gate(fd=0.4).code == 1


def test_undecided_is_two(gate: Callable[..., Any]) -> None:
    shown = gate(fd=0.328)
    assert (shown.code, shown.stderr) == (2, "")
    assert "INDETERMINATE" in shown.stdout


def test_the_result_is_an_artifact(gate: Callable[..., Any], tmp_path: Path) -> None:
    shown = gate("--out", str(tmp_path / "out"), "--json", fd=0.4)
    assert shown.json["verdict"] == "fail"
    assert sorted(verify(tmp_path / "out", kind="gate").files) == ["gate.html", "gate.json", "junit.xml", "summary.txt"]
    written = json.loads((tmp_path / "out" / "gate.json").read_text(encoding="utf-8"))
    assert written == {key: value for key, value in shown.json.items() if key != "folder"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["gate"],
        ["gate", "a", "--against", "b"],
        ["gate", "a", "--against", "b", "--policy", "none.yaml"],
        ["gate", "a", "--against", "b", "--polcy", "p.yaml"],
        ["--wrong", "gate", "a"],
        ["gat", "a", "--against", "b", "--policy", "p.yaml"],
        ["gate", "a", "--against", "b", "--policy", "p.yaml", "--look", "x"],
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_a_mistake_never_reads_as_a_verdict(underpaint: Callable[..., Any], arguments: list[str]) -> None:
    shown = underpaint(*arguments)
    assert (shown.code, shown.stdout) == (64, "")
    assert shown.stderr.startswith("error: ")


def test_every_kind_of_error_leaves_with_64(
    gate: Callable[..., Any], underpaint: Callable[..., Any], tiny: ModuleType, tmp_path: Path
) -> None:
    shown = gate("--out", str(tmp_path))
    assert (shown.code, "exists already" in shown.stderr) == (64, True)
    policy, base = tmp_path / "policy.json", tmp_path / "base"
    shown = underpaint("gate", tmp_path / "none", "--against", base, "--policy", policy, "--json")
    assert (shown.code, shown.json["error"]["exit_code"], shown.json["error"]["type"]) == (64, 64, "InputError")
    other = tiny.write_evaluation(tmp_path / "other", n=100)
    shown = underpaint("gate", other, "--against", base, "--policy", policy)
    assert (shown.code, "different prompts" in shown.stderr) == (64, True)


def test_a_defect_is_not_a_verdict(gate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("underpaint.stages.evaluate.gate.run.run_gate", broken)
    assert gate().code == 70


def test_other_commands_keep_their_codes(underpaint: Callable[..., Any]) -> None:
    assert underpaint("show", "none.png").code == 2
    assert underpaint("compare").code == 2


def test_evaluations_are_shown_side_by_side(underpaint: Callable[..., Any], tiny: ModuleType, tmp_path: Path) -> None:
    folders = [tiny.write_evaluation(tmp_path / name, name=name) for name in ("a", "b")]
    shown = underpaint("compare", *folders, "--quiet", "--out", tmp_path / "c")
    assert (shown.code, shown.stderr) == (0, "")
    assert shown.stdout.startswith("a | b; differences to a")
    assert sorted(verify(tmp_path / "c", kind="comparison").files) == ["comparison.html", "comparison.json"]
    data = underpaint("compare", *folders, "--quiet", "--json", "--out", tmp_path / "d.json").json
    assert data["schema_id"] == "underpaint.comparison/1"
    assert json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))["rows"] == data["rows"]
    shown = underpaint("compare", *folders, "--out", tmp_path / "d.json")
    assert (shown.code, "exists already" in shown.stderr) == (6, True)
