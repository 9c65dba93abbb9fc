from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from underpaint.core.errors import MissingDependency, PolicyError
from underpaint.core.installing import pip_command
from underpaint.stages.evaluate.gate.policy_file import read_policy

ROOT = Path(__file__).parents[4]
YAML = """
schema: underpaint.policy/1
name: tiny
alpha: 5e-2
metrics:
  - {id: "fd_pca62@evaluator-64", tier: required, direction: lower, margin: {relative: 0.10}}
controls:
  null: {seed_sets: 1}
"""
TOML = """
schema = "underpaint.policy/1"
name = "tiny"
alpha = 0.05
metrics = [{id = "fd_pca62@evaluator-64", tier = "required", direction = "lower", margin = {relative = 0.10}}]
controls = {null = {seed_sets = 1}}
"""


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_three_formats_say_the_same(tmp_path: Path) -> None:
    from underpaint.adapters.yaml import parse_yaml

    files = {"a.yaml": YAML, "b.yml": YAML, "c.toml": TOML, "d.json": json.dumps(parse_yaml(YAML))}
    policies = [read_policy(write(tmp_path, name, text)) for name, text in files.items()]
    assert {policy.digest() for policy in policies} == {policies[0].digest()}
    assert policies[0].alpha == 0.05
    assert policies[0].controls.null is not None


def test_the_example_can_be_read() -> None:
    policy = read_policy(ROOT / "docs" / "examples" / "policy.yaml")
    assert {rule.tier for rule in policy.metrics} == {"required", "supporting", "advisory"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.yaml", YAML + "name: again\n", "the key 'name' stands twice"),
        ("a.yaml", YAML.replace("{seed_sets: 1}", "{seed_sets: 1, seed_sets: 2}"), "'seed_sets' stands twice"),
        ("a.yaml", "a: &x 1\nb: *x\n", "instead of using an alias"),
        ("a.yaml", "[1]: 2", "is no word"),
        ("a.yaml", "<<: {a: 1}", "there is no such key"),
        ("a.yaml", "a: [", "no valid YAML"),
        ("a.yaml", "a: !!python/object:os.system x", "no valid YAML"),
        ("a.yaml", YAML.replace("0.10", ".nan"), "finite number (got nan)"),
        ("a.yaml", "", "a policy is a mapping"),
        ("a.toml", TOML + 'name = "again"\n', "no valid TOML"),
        ("a.toml", TOML.replace("0.10", "nan"), "finite number"),
        ("a.json", '{"name": "a", "name": "b"}', "a key stands twice"),
        ("a.json", '{"alpha": NaN}', "NaN is no number"),
        ("a.txt", YAML, "ends in .yaml, .yml, .toml, .json, got '.txt'"),
        ("a.yaml", YAML.replace("fd_pca62", "fib"), "there is no metric 'fib'; did you mean"),
        ("a.yaml", "[" * 5000 + "]" * 5000, "no valid YAML"),
    ],
)
def test_what_is_no_policy_is_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_number_that_changes_with_the_pictures_is_not_required_over_several_looks(tmp_path: Path) -> None:
    several = YAML + "looks: 3\n"
    with pytest.raises(PolicyError, match=r"fd_pca62@evaluator-64.*looks: 3.*ask for fd or kid"):
        read_policy(write(tmp_path, "a.yaml", several))
    kid = several.replace("fd_pca62", "kid").replace(
        "controls:", "  - {id: fd_pca62, tier: advisory, direction: lower}\ncontrols:"
    )
    assert read_policy(write(tmp_path, "b.yaml", kid)).looks == 3


def test_a_control_that_there_is_not_is_refused(tmp_path: Path) -> None:
    known = YAML + "  known_bad: [jpeg_10, shuffled_prompts]\n"
    assert read_policy(write(tmp_path, "a.yaml", known)).controls.known_bad == ("jpeg_10", "shuffled_prompts")
    with pytest.raises(PolicyError, match=r"no control 'jpg_10'; did you mean 'jpeg_10'\? Known are .*blur_2"):
        read_policy(write(tmp_path, "b.yaml", known.replace("jpeg", "jpg")))


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"there is no policy .*none.yaml"):
        read_policy(tmp_path / "none.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(PolicyError, match="cannot be read"):
        read_policy(tmp_path / "folder.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe4")
    with pytest.raises(PolicyError, match="not UTF-8"):
        read_policy(tmp_path / "latin.yaml")
    (tmp_path / "big.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(PolicyError, match="at most 1000000"):
        read_policy(tmp_path / "big.yaml")


def test_without_pyyaml_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingDependency, match=re.escape(pip_command("evaluate"))):
        read_policy(write(tmp_path, "a.yaml", YAML))
    assert read_policy(write(tmp_path, "a.toml", TOML)).name == "tiny"
