from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.errors import FieldError, InputError, PolicyError, RateLimited
from underpaint.stages.serve.security.gatekeeper import Gatekeeper, open_gatekeeper
from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.keys import KeyLimits
from underpaint.stages.serve.security.throttle_config import ThrottleConfig


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def opened(tmp_path: Path, file: KeyFile) -> Iterator[Callable[..., Gatekeeper]]:
    found: list[Gatekeeper] = []

    def opening(**options: Any) -> Gatekeeper:
        given = {"keys": file.path, "policy": "none", "throttle": ThrottleConfig(), "state": tmp_path} | options
        found.append(open_gatekeeper(**given))
        return found[-1]

    yield opening
    for one in found:
        one.close()


def create(file: KeyFile, **limits: Any) -> tuple[str, str]:
    record, text = file.create("ann", role="user", limits=KeyLimits(**limits), now=0.0)
    return record.id, f"Bearer {text}"


def test_a_key_that_opens_is_found_and_no_other(opened: Callable[..., Gatekeeper], file: KeyFile) -> None:
    key_id, header = create(file)
    gatekeeper = opened()
    record = gatekeeper.holder(header)
    assert record is not None
    assert record.id == key_id
    for wrong in (None, "", "Bearer", header[:-1] + "~", header.replace("Bearer", "Basic")):
        assert gatekeeper.holder(wrong) is None


def test_requests_of_a_key_are_counted_and_wrong_keys_are_not(opened: Callable[..., Gatekeeper], file: KeyFile) -> None:
    _, header = create(file, requests_per_minute=2)
    gatekeeper = opened()
    for _ in range(10):
        gatekeeper.holder(f"{header[:-4]}xxxx")
    gatekeeper.holder(header)
    gatekeeper.holder(header)
    with pytest.raises(RateLimited):
        gatekeeper.holder(header)


def test_pictures_are_charged_to_a_key_and_given_back(opened: Callable[..., Gatekeeper], file: KeyFile) -> None:
    key_id, _ = create(file, pictures_per_minute=4, pictures_per_day=10)
    gatekeeper = opened()
    gatekeeper.charge(key_id, 4)
    with pytest.raises(RateLimited, match="a minute"):
        gatekeeper.charge(key_id, 1)
    gatekeeper.charge(key_id, 6, at_once=False)
    with pytest.raises(RateLimited, match="a day"):
        gatekeeper.charge(key_id, 1, at_once=False)
    gatekeeper.give_back(key_id, 2, gatekeeper.today())
    gatekeeper.charge(key_id, 2, at_once=False)


def test_what_fails_or_is_undone_is_not_charged(opened: Callable[..., Gatekeeper], file: KeyFile) -> None:
    key_id, _ = create(file, pictures_per_minute=4, pictures_per_day=4)
    gatekeeper = opened()
    with pytest.raises(KeyError), gatekeeper.charged(key_id, 4):
        raise KeyError
    with pytest.raises(KeyError), gatekeeper.charged(key_id, 4) as charge:
        charge.undo()
        raise KeyError
    with gatekeeper.charged(key_id, 4):
        pass
    with pytest.raises(RateLimited), gatekeeper.charged(key_id, 1):
        pytest.fail("it was let in")


def test_what_has_a_name_is_given_back_once_and_charged_again_when_it_comes_again(
    opened: Callable[..., Gatekeeper], file: KeyFile
) -> None:
    key_id, _ = create(file, pictures_per_minute=4, pictures_per_day=4)
    gatekeeper = opened()
    with pytest.raises(KeyError), gatekeeper.charged(key_id, 3, at_once=False, name="list"):
        raise KeyError
    gatekeeper.give_back(key_id, 3, gatekeeper.today(), at_once=False, name="list")
    gatekeeper.charge(key_id, 3, at_once=False, name="list")
    gatekeeper.charge(key_id, 1)
    with pytest.raises(RateLimited, match="a day"):
        gatekeeper.charge(key_id, 1)


def test_callers_without_a_key_of_the_file_are_not_counted(opened: Callable[..., Gatekeeper], file: KeyFile) -> None:
    create(file, pictures_per_day=0)
    gatekeeper = opened(throttle=ThrottleConfig(defaults=KeyLimits(pictures_per_day=0)))
    gatekeeper.charge("local", 10**6)
    assert opened(keys=None).holder("Bearer x") is None


def test_a_blocked_prompt_is_refused_with_its_rule_and_noticed_without_its_words(
    opened: Callable[..., Gatekeeper],
) -> None:
    noticed: list[tuple[str, dict[str, Any]]] = []
    gatekeeper = opened(keys=None, policy="default", notice=lambda name, **facts: noticed.append((name, facts)))
    gatekeeper.admit("ann", "a red heart")
    assert noticed == []
    with pytest.raises(FieldError, match="rule hate-symbols of its policy default/") as error:
        gatekeeper.admit("ann", "a sw4stika")
    assert (error.value.param, error.value.code) == ("prompt", "moderation_blocked")
    gatekeeper.admit("ann", "a naked man")
    assert [(name, facts["action"], facts["rule"]) for name, facts in noticed] == [
        ("prompt", "block", "hate-symbols"),
        ("prompt", "log", "nudity"),
    ]
    assert "sw4stika" not in str(noticed) + str(error.value)


def test_without_a_policy_every_prompt_is_drawn(opened: Callable[..., Gatekeeper]) -> None:
    opened(keys=None).admit("ann", "a swastika")


def test_a_server_does_not_start_with_a_policy_or_keys_that_cannot_be_used(
    opened: Callable[..., Gatekeeper], file: KeyFile, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="keys create NAME"):
        opened()
    create(file)
    file.revoke("ann", now=1.0)
    with pytest.raises(InputError, match="no key that opens"):
        opened()
    (tmp_path / "policy.json").write_text("{}")
    with pytest.raises(PolicyError):
        opened(keys=None, policy=str(tmp_path / "policy.json"))
    with pytest.raises(PolicyError, match="defualt does not exist; check the path"):
        opened(keys=None, policy="defualt")
