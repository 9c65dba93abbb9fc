from __future__ import annotations

from typing import Any

import pytest

from underpaint.core.errors import PolicyError
from underpaint.core.policy import Policy, parse_policy

KNOWN = ["kid", "fd_pca<k>", "latency_p95_ms"]
KID = {"id": "kid@evaluator-64", "tier": "required", "direction": "lower", "margin": {"absolute": 0.01}}
GOOD = {"schema": "underpaint.policy/1", "name": "tiny", "metrics": [KID]}


def parse(**changes: Any) -> Policy:
    return parse_policy({**GOOD, **changes}, source="p.yaml", known=KNOWN)


def test_defaults_are_those_of_the_plan() -> None:
    policy = parse()
    assert (policy.alpha, policy.min_power, policy.looks, policy.n_max) == (0.05, 0.8, 1, 2000)
    assert policy.pair_on == ("prompt_id", "seed")
    assert policy.metrics[0].mode == "non_inferiority"


def test_equal_policies_have_equal_digests() -> None:
    assert parse().digest() == parse(alpha=0.05).digest() != parse(alpha=0.01).digest()


@pytest.mark.parametrize("id_", ["fd_pca62@evaluator-64", "fd_pca110@evaluator-64:0a1b2c3d", "latency_p95_ms"])
def test_a_number_may_stand_in_a_name(id_: str) -> None:
    assert parse(metrics=[{**KID, "id": id_}]).metrics[0].id == id_


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ({"id": "kdi@evaluator-64"}, "metrics.0.id: there is no metric 'kdi'; did you mean 'kid'?"),
        ({"id": "fd_pca@evaluator-64"}, "there is no metric 'fd_pca'"),
        ({"id": "kid@"}, "metrics.0.id"),
        ({"tier": "must"}, "metrics.0.tier: must be 'required', 'supporting' or 'advisory' (got 'must')"),
        ({"margn": 1}, "metrics.0.margn: there is no such key (got 1); did you mean 'margin'? allowed are id, group"),
        ({"margin": {"absolut": 1}}, "did you mean 'absolute'"),
        ({"margin": {}}, "exactly one of"),
        ({"margin": {"relative": 0.1, "absolute": 0.1}}, "exactly one of"),
        ({"margin": {"relative": -0.1}}, "greater than 0 (got -0.1)"),
        ({"margin": {"relative": 10}}, "less than 1 (got 10)"),
        ({"margin": {"absolute": float("nan")}}, "finite number (got nan)"),
        ({"margin": {"absolute": "0.1"}}, "valid number (got '0.1')"),
        ({"margin": {"absolute": True}}, "valid number (got True)"),
        ({"margin": None}, "a required metric needs a margin, the largest loss that passes, as in margin: {relative"),
        ({"margin": None}, "0.10} (got 'kid@evaluator-64')\n  mend the lines named above; docs/examples/policy.yaml"),
        ({"mode": "limit"}, "mode 'limit' needs 'limit' and no 'margin'"),
        ({"limit": 3}, "'limit' belongs to mode 'limit', but the mode is 'non_inferiority'"),
        ({"direction": "none"}, "'lower' or 'higher' (got 'none')"),
        ({"accept_methods": ["guessed"]}, "'counter', 'sampled' or 'modelled' (got 'guessed')"),
    ],
)
def test_a_wrong_rule_is_refused_by_key_and_value(metric: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(metrics=[{**KID, **metric}])
    assert str(caught.value).startswith("p.yaml: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": "underpaint.policy/2"}, "schema: must be 'underpaint.policy/1'"),
        ({"alpha": 0.7}, "alpha: must be less than 0.5 (got 0.7)"),
        ({"looks": 4}, "looks: must be less than or equal to 3 (got 4)"),
        ({"looks": 1.5}, "looks: must be a valid integer"),
        ({"n_max": 0}, "n_max"),
        ({"pair_on": ["seed"]}, "pair on [prompt_id, seed], on [prompt_id], or on nothing"),
        ({"pair_on": "seed"}, "pair_on"),
        ({"metrics": []}, "no metric is required"),
        ({"metrics": [{**KID, "tier": "supporting"}]}, "no metric is required"),
        ({"metrics": [KID, KID]}, "metric 'kid@evaluator-64' stands twice"),
        ({"controls": {"known_bad": ["a", "a"]}}, "control 'a' stands twice"),
        ({"controls": {"null": {"seed_sets": 0}}}, "controls.null.seed_sets"),
        ({"controls": {"nul": {}}}, "did you mean 'null'? allowed are null, known_bad"),
        ({"metric": []}, "metric: there is no such key (got []); did you mean 'metrics'? allowed are schema, name"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_policy_is_refused_by_key_and_value(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(**changes)
    assert words in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(PolicyError, match=r"p.yaml: this is no sound policy\n  alpha.*\n  looks.*\n  mend"):
        parse(alpha=2, looks=9)


@pytest.mark.parametrize("values", [None, [], "policy", 3])
def test_a_policy_is_a_mapping(values: object) -> None:
    with pytest.raises(PolicyError, match=r"a policy is a mapping that begins with 'schema: underpaint\.policy/1'"):
        parse_policy(values, source="p.yaml", known=KNOWN)


def test_a_mapping_with_other_keys_than_words_is_refused() -> None:
    with pytest.raises(PolicyError):
        parse_policy({**GOOD, 1: 2}, source="p.yaml", known=KNOWN)


def test_of_a_wrong_file_each_missing_key_is_told_without_the_whole_and_a_cut_value_ends_with_dots() -> None:
    with pytest.raises(PolicyError) as refused:
        parse_policy({"files": ["x" * 200]}, source="other.yaml", known=KNOWN)
    lines = str(refused.value).splitlines()
    assert "  metrics: is missing" in lines and "  name: is missing" in lines
    (unknown,) = (line for line in lines if "no such key" in line)
    assert unknown.startswith("  files: there is no such key (got ['xxx") and "xxx...); allowed are" in unknown
    with pytest.raises(PolicyError, match=r"got \['x{75}\.\.\.$"):
        parse_policy(["x" * 200], source="other.yaml", known=KNOWN)
