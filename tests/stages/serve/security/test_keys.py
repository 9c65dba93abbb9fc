from __future__ import annotations

import hmac

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.serve.security import keys
from underpaint.stages.serve.security.keys import KeyLimits, KeyRecord, bearer, hash_of, id_of, new_key, opens


def fresh(name: str = "ann") -> tuple[KeyRecord, str]:
    return new_key(name, role="user", limits=KeyLimits(), now=1.0)


def test_a_key_opens_its_own_record_and_no_other() -> None:
    (first, first_text), (second, second_text) = fresh(), fresh()
    assert opens(first, first_text)
    assert opens(second, second_text)
    assert not opens(first, second_text)
    assert not opens(None, first_text)


def test_every_key_is_new_and_long_enough() -> None:
    texts = [fresh()[1] for _ in range(200)]
    secrets_ = {text.split("_", 2)[2] for text in texts}
    assert len(secrets_) == 200
    assert all(len(secret) == 43 for secret in secrets_)  # 256 bits, 6 a character


def test_the_record_does_not_hold_the_key() -> None:
    record, text = fresh()
    assert text.split("_", 2)[2] not in record.model_dump_json()
    assert record.sha256 == hash_of(text)
    assert id_of(text) == record.id


@pytest.mark.parametrize("position", [0, 3, 15, 16, 58])
def test_one_other_character_opens_nothing(position: int) -> None:
    record, text = fresh()
    other = text[:position] + ("x" if text[position] != "x" else "y") + text[position + 1 :]
    assert not opens(record, other)


@pytest.mark.parametrize("text", ["", "up_", "x" * 59, "up_0123456789ab_" + "x" * 44, "up_" + "0" * 10**6, "ünï\ud800"])
def test_what_has_not_the_form_of_a_key_has_no_id_and_opens_nothing(text: str) -> None:
    assert id_of(text) is None
    assert not opens(fresh()[0], text)


def test_a_revoked_key_opens_nothing_and_keeps_the_time_of_its_end() -> None:
    record, text = fresh()
    revoked = record.revoked(5.0)
    assert not opens(revoked, text)
    assert revoked.revoked(9.0).revoked_at == 5.0


def test_hashes_are_compared_in_constant_time_even_where_there_is_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(a: str, b: str) -> bool:
        compared.append((len(a), len(b)))
        return hmac.compare_digest(a, b)

    monkeypatch.setattr(keys, "hmac", type("Counted", (), {"compare_digest": staticmethod(compare)}))
    record, text = fresh()
    for candidate in (record, record.revoked(2.0), None):
        opens(candidate, text)
    assert compared == [(64, 64)] * 3


@pytest.mark.parametrize(
    ("header", "expected"),
    [("Bearer abc", "abc"), ("bearer   abc ", "abc"), ("BEARER abc", "abc"), ("Basic abc", None), ("Bearer", None),
     ("Bearer ", None), ("", None), (None, None), ("abc", None)],
)  # fmt: skip
def test_the_key_stands_in_the_header_after_bearer(header: str | None, expected: str | None) -> None:
    assert bearer(header) == expected


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 64, "a/b", "ä", "a\n"])
def test_names_are_short_and_plain(name: str) -> None:
    with pytest.raises(InputError, match="letters, digits"):
        new_key(name, role="user", limits=KeyLimits(), now=0.0)
