from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.installing import pip_command

CATS = {
    "schema": "underpaint.prompt-policy/1",
    "name": "no-cats",
    "version": 2,
    "rules": [{"id": "cats", "action": "block", "about": "cats", "when": [["cat(s)"]]}],
}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "policy.json").write_text(json.dumps(CATS))
    return tmp_path / "policy.json"


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    (tmp_path / "prompts.txt").write_text("a dog\na c4t\ntwo cats\n猫\n")
    return tmp_path / "prompts.txt"


def test_what_is_shown_is_a_policy_that_can_be_checked(underpaint: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "shown.json"
    path.write_text(underpaint("policy", "show").stdout)
    done = underpaint("policy", "check", path)
    assert done.code == 0
    assert done.stdout == underpaint("policy", "check").stdout
    assert json.loads(underpaint("policy", "show", "--json").stdout) == json.loads(path.read_text())


def test_a_trial_says_what_is_decided_and_why(underpaint: Callable[..., Any], policy: Path, prompts: Path) -> None:
    found = json.loads(underpaint("policy", "check", policy, "--prompts", prompts, "--json", "--quiet").stdout)
    assert found["actions"] == {"allow": 1, "block": 2, "refused": 1}
    assert found["hits"] == {"cats": 2}
    assert [one["prompt"] for one in found["decisions"]] == ["a c4t", "two cats", "猫"]
    assert found["decisions"][0]["hits"][0]["how"] == ["signs for letters"]
    text = underpaint("policy", "check", policy, "--prompts", prompts).stdout
    assert text.startswith("no-cats/2@")
    assert "cats: c4t (signs for letters) in 'a c4t'" in text


def test_disguises_are_counted(underpaint: Callable[..., Any], policy: Path, prompts: Path) -> None:
    done = underpaint("policy", "check", policy, "--prompts", prompts, "--disguised", "--json")
    found = {one["name"]: one for one in json.loads(done.stdout)["disguises"]}
    assert (found["as it is"]["passed"], found["as it is"]["tried"]) == (0, 2)
    assert found["rot13"]["passed"] == 2
    assert found["rot13"]["interval"][1] == 1


def test_what_is_not_as_expected_leaves_with_1_and_the_whole_trial(
    underpaint: Callable[..., Any], policy: Path, prompts: Path
) -> None:
    done = underpaint("policy", "check", policy, "--prompts", prompts, "--expect", "block")
    assert done.code == 1
    assert done.stdout.startswith("no-cats/2@")
    assert "2 of 4 prompts: not block\nallow by no-rule: a dog\n" in done.stdout
    found = json.loads(
        underpaint("policy", "check", policy, "--prompts", prompts, "--expect", "block", "--json").stdout
    )
    assert (found["expected"], found["unexpected"]) == ("block", 2)
    prompts.write_text("a dog\n")
    assert underpaint("policy", "check", policy, "--prompts", prompts, "--expect", "allow").code == 0


def test_expecting_without_prompts_is_a_mistake(underpaint: Callable[..., Any], policy: Path) -> None:
    done = underpaint("policy", "check", policy, "--expect", "allow")
    assert done.code == 2
    assert "--prompts" in done.stderr


def test_prompts_that_are_not_there_yet_are_said_to_be_missing(underpaint: Callable[..., Any], tmp_path: Path) -> None:
    done = underpaint("policy", "check", "--prompts", tmp_path / "set")
    assert done.code == 2
    assert f"{tmp_path / 'set'} does not exist" in done.stderr
    assert f"underpaint data build stickers --out {tmp_path / 'set'}" in done.stderr
    done = underpaint("policy", "check", "--prompts", tmp_path / "none.txt")
    assert done.code == 2 and "check the path" in done.stderr and "data build" not in done.stderr
    done = underpaint("policy", "check", "--prompts", tmp_path)
    assert done.code == 2 and "so it is no data set" in done.stderr and "ends in" not in done.stderr


def test_of_a_policy_that_is_not_there_the_nearest_file_is_named(underpaint: Callable[..., Any], policy: Path) -> None:
    done = underpaint("policy", "check", policy.with_name(f"{policy.stem}x{policy.suffix}"))
    assert done.code == 2 and f"does not exist; did you mean {policy}?" in done.stderr


def test_a_policy_in_yaml_without_pyyaml_names_the_extra_of_the_server(
    underpaint: Callable[..., Any], policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_yaml = policy.with_suffix(".yaml")
    in_yaml.write_text(policy.read_text())
    assert underpaint("policy", "check", in_yaml).code == 0
    monkeypatch.setitem(sys.modules, "yaml", None)
    done = underpaint("policy", "check", in_yaml)
    assert done.code == 5
    assert pip_command("serve") in done.stderr
