from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from underpaint.core.emoji import emoji_names
from underpaint.core.errors import PolicyError, PromptError
from underpaint.stages.serve.security import prompt_filter
from underpaint.stages.serve.security.disguises import ALL, OTHER_LOOKS, SAME_LOOKS
from underpaint.stages.serve.security.prompt_filter import Decision, PromptFilter
from underpaint.stages.serve.security.prompt_policy import (
    SCHEMA,
    default_policy,
    default_text,
    parse_prompt_policy,
    read_prompt_policy,
)
from underpaint.stages.serve.security.terms import pieces, spellings

HERE = Path(__file__).parent
RULES = (HERE / "forbidden_rules.txt").read_text().splitlines()
FORBIDDEN = list(zip(RULES, (HERE / "forbidden.txt").read_text().splitlines(), strict=True))
BENIGN = (HERE / "benign.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def default() -> PromptFilter:
    return PromptFilter(default_policy())


def rule(when: list[list[str]], **others: Any) -> dict[str, Any]:
    return {"id": "r", "action": "block", "about": "a test", "when": when} | others


def policy(*rules: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, "name": "test", "version": 1, "rules": list(rules)} | others


def decide(prompt: str, *rules: dict[str, Any], **others: Any) -> Decision:
    return PromptFilter(parse_prompt_policy(policy(*rules, **others), source="test")).decide(prompt)


@pytest.mark.parametrize(("expected", "prompt"), FORBIDDEN, ids=lambda text: text[:40])
def test_what_is_forbidden_is_blocked_by_the_rule_that_is_about_it(
    default: PromptFilter, expected: str, prompt: str
) -> None:
    decision = default.decide(prompt)
    assert (decision.action, decision.rule) == ("block", expected)


def test_every_blocking_rule_of_the_default_policy_is_tried(default: PromptFilter) -> None:
    assert {one.id for one in default.policy.rules if one.action == "block"} == {name for name, _ in FORBIDDEN}


def test_harmless_prompts_are_neither_blocked_nor_flagged(default: PromptFilter) -> None:
    wrong = [(prompt, default.decide(prompt).hits) for prompt in BENIGN]
    assert [(prompt, hits) for prompt, hits in wrong if any(hit.action != "log" for hit in hits)] == []


def test_no_name_of_an_emoji_and_no_emoji_is_noticed_at_all(default: PromptFilter) -> None:
    found = {text for pair in emoji_names().items() for text in pair if default.decide(text).action != "allow"}
    assert found == set()


@pytest.mark.parametrize("name", SAME_LOOKS)
def test_disguises_that_look_the_same_change_no_decision(default: PromptFilter, name: str) -> None:
    passed = [prompt for _, prompt in FORBIDDEN if default.decide(ALL[name](prompt)).action != "block"]
    assert passed == []
    assert [prompt for prompt in BENIGN if default.decide(ALL[name](prompt)).action in ("block", "flag")] == []


@pytest.mark.parametrize("name", [name for name in OTHER_LOOKS if name != "no spaces"])
def test_of_disguises_that_people_still_read_few_pass(default: PromptFilter, name: str) -> None:
    passed = [prompt for _, prompt in FORBIDDEN if default.decide(ALL[name](prompt)).action != "block"]
    assert len(passed) <= 0.15 * len(FORBIDDEN), passed


@pytest.mark.parametrize(
    ("prompt", "how"),
    [
        ("a nazi", "plain"),
        ("NAZI!", "plain"),
        ("n4z1", "signs for letters"),
        ("n@zi", "signs for letters"),
        ("naaazi", "letters repeated"),
        ("n44azi", "signs for letters"),
        ("nazi88", "signs for letters"),
        ("1nazi", "signs for letters"),
        ("n*zi", "letters hidden"),
        ("n a z i", "pulled apart"),
        ("n.a.z.i", "pulled apart"),
        ("na-zi", "pulled apart"),
        ("nazinazi", "run together"),
    ],
)
def test_a_word_is_recognized_in_its_disguises(prompt: str, how: str) -> None:
    decision = decide(prompt, rule([["nazi"]]))
    assert decision.hits[0].how == (how,)


@pytest.mark.parametrize(
    ("prompt", "term"),
    [
        ("the pen is blue", "penis"),
        ("a therapist", "rapist"),
        ("grape", "rape"),
        ("a nation", "nat"),
        ("scunthorpe", "cunt"),
        ("100", "ioo"),
        ("a cat", "a dog"),
        ("cat dog", "dog cat"),
    ],
)
def test_what_is_only_a_part_of_words_is_no_match(prompt: str, term: str) -> None:
    assert decide(prompt, rule([[term]])).action == "allow"


def test_a_rule_needs_one_term_of_each_group_and_near_enough() -> None:
    near = rule([["red", "blue"], ["cat"]], within=3)
    assert decide("a blue fat cat", near).action == "block"
    assert decide("a blue and very fat cat", near).action == "allow"
    assert decide("blue sky, red sky, cat", near).hits[0].words == ("red", "cat")
    assert decide("a blue dog", near).action == "allow"
    assert decide("cat in a large blue house", rule([["blue"], ["cat"]])).action == "block"


def test_what_a_rule_excepts_does_not_count_and_covers_nothing_else() -> None:
    one = rule([["gore"]], unless=["al gore"])
    assert decide("al gore", one).action == "allow"
    assert decide("al gore and gore", one).action == "block"


def test_the_severest_rule_decides_and_all_are_told() -> None:
    rules = [
        rule([["cat"]], id="a", action="log"),
        rule([["cat"]], id="b", action="flag"),
        rule([["cat"]], id="c"),
        rule([["cat"]], id="d"),
    ]
    decision = decide("cat", *rules)
    assert (decision.action, decision.rule) == ("block", "c")
    assert [hit.rule for hit in decision.hits] == ["c", "d", "b", "a"]
    assert decide("dog", *rules).rule == prompt_filter.NO_RULE


def test_numbers_are_read_in_digits_and_in_words() -> None:
    one = rule([["{1-17} year old", "{1-17}yo"]])
    for prompt in ("a 1 year old", "17 year old", "seventeen-year-old", "12yo", "0017 year old"):
        assert decide(prompt, one).action == "block", prompt
    for prompt in ("0 year old", "18 year old", "18yo", "nineteen year old", "yo", "year old", "99999999 year old"):
        assert decide(prompt, one).action == "allow", prompt


def test_languages_that_do_not_count_are_left_out() -> None:
    lists = {"l": {"en": ["child"], "de": ["kinder"]}}
    assert decide("kinder", rule([["@l"]]), lists=lists).action == "block"
    assert decide("kinder", rule([["@l"]]), lists=lists, languages=["en"]).action == "allow"
    assert decide("child", rule([["@l"]]), lists=lists, languages=["en"]).action == "block"


def test_terms_are_canonical_too() -> None:
    assert decide("saugling", rule([["Säugling"]])).action == "block"
    assert decide("SÄUGLING", rule([["saugling"]])).action == "block"


def test_endings_stand_in_brackets_and_beginnings_before_a_star() -> None:
    assert {word.text for (word,) in spellings("kill(s|ed|ing)")} == {"kill", "kills", "killed", "killing"}
    assert len(list(spellings("a(b|c) d(e)"))) == 6
    assert decide("pornographic", rule([["porn*"]])).action == "block"
    assert decide("p0rnographic", rule([["porn*"]])).action == "block"


def test_an_apostrophe_is_no_letter() -> None:
    assert pieces("the cat's and cats' don't") == ["the", "cat", "and", "cats", "dont"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (policy(rule([["po*"]])), "at least 3 letters"),
        (policy(rule([["a(b"]])), "brackets"),
        (policy(rule([["a.*b"]])), "letters and digits"),
        (policy(rule([["(a+)+$"]])), "letters and digits|brackets"),
        (policy(rule([["{9-1}"]])), "smaller"),
        (policy(rule([["{a}"]])), "written as"),
        (policy(rule([["猫"]])), "cannot read"),
        (policy(rule([["a " * 13]])), "at most 12"),
        (policy(rule([["@none"]])), "no list '@none'"),
        (policy(rule([[]])), "at least 1"),
        (policy(rule([["a"]], action="edit")), "block"),
        (policy(rule([["a"]]), rule([["b"]])), "stands twice"),
        (policy(rule([["a"]], unles=["b"])), "unles"),
        (policy(rule([["@l"]]), lists={"l": {"en": ["@m"]}, "m": {"en": ["a"]}}), "another list"),
        (policy(version=0), "version"),
        ([], "begins with"),
    ],
)
def test_a_policy_with_a_mistake_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        parse_prompt_policy(wrong, source="test")


def test_all_faults_of_a_policy_are_told_and_the_policy_is_not() -> None:
    with pytest.raises(PolicyError) as refused:
        parse_prompt_policy(policy(rule([["@one"]]), rule([["@two"]])), source="test")
    message = str(refused.value)
    assert all(words in message for words in ("stands twice", "no list '@one'", "no list '@two'"))
    assert "{" not in message and "settings" not in message


def test_a_policy_is_read_from_json_and_from_yaml(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(default_text())
    assert read_prompt_policy(tmp_path / "a.json") == default_policy()
    pytest.importorskip("yaml")
    (tmp_path / "a.yaml").write_text(
        "schema: underpaint.prompt-policy/1\nname: mine\nversion: 3\nrules:\n"
        "  - {id: no-cats, action: block, about: cats, when: [[cat(s)]]}\n"
    )
    found = PromptFilter(read_prompt_policy(tmp_path / "a.yaml"))
    assert found.decide("two cats").rule == "no-cats"
    assert found.title.startswith("mine/3@")
    for name, text in (("b.json", "{"), ("c.json", '{"a":1,"a":2}'), ("d.yaml", "a: ["), ("e.json", "[1]")):
        (tmp_path / name).write_text(text)
        with pytest.raises(PolicyError, match=name):
            read_prompt_policy(tmp_path / name)
    with pytest.raises(PolicyError, match="does not exist"):
        read_prompt_policy(tmp_path / "none.json")


def test_the_policy_in_the_documents_is_one(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    page = (HERE.parents[3] / "docs" / "serve_security.md").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    found = PromptFilter(read_prompt_policy(tmp_path / "mine.yaml"))
    assert found.decide("a nine year old with a hand grenade").rule == "no-weapons-for-children"
    assert found.decide("a child with a water gun").action == "allow"


def test_the_digest_in_a_decision_changes_with_the_policy() -> None:
    values = json.loads(default_text())
    values["rules"][0]["action"] = "flag"
    other = parse_prompt_policy(values, source="test")
    assert other.title != default_policy().title


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_decided_or_refused_and_its_canonical_form_decides_alike(text: str) -> None:
    found = SHARED.decide
    try:
        decision = found(text)
    except PromptError:
        return
    assert decision.policy == SHARED.title
    assert found(prompt_filter.canonicalize(text, max_characters=32_000)) == decision


SHARED = PromptFilter(parse_prompt_policy(policy(rule([["cat"], ["dog*"]])), source="test"))


@pytest.mark.parametrize(
    "prompt",
    ["a naked child " * 2000, "n4k3d " * 5000, "n*k*d " * 5000, "na-ked-" * 4000, "n a k e d " * 3000, "x" * 32_000,
     "nakedchild" * 3000, "a " * 16_000, "qz " * 10_000, "child porn " * 2900, "{[(" * 10_000, "a'" * 16_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_the_worst_prompt_takes_a_moment(default: PromptFilter, prompt: str) -> None:
    began = time.thread_time()
    default.decide(prompt)
    assert time.thread_time() - began < 2.0


def test_time_grows_with_what_is_looked_at_and_no_faster(
    default: PromptFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds(repeats: int) -> float:
        prompt, best = "na-ked ch1ld n*ked " * repeats, 1e9
        for _ in range(3):
            began = time.thread_time()
            default.decide(prompt)
            best = min(best, time.thread_time() - began)
        return best

    monkeypatch.setattr(prompt_filter, "READ", 10**6)
    assert seconds(400) < 8 * 2.5 * seconds(50)


def test_what_no_model_reads_is_not_looked_at(default: PromptFilter) -> None:
    assert default.decide("flower " * 280 + "swastika").action == "block"
    assert default.decide("flower " * 400 + "swastika").action == "allow"
