"""A file that a person wrote is read whole, or refused with what is wrong, in the words and the class of its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.errors import InputError, PolicyError
from underpaint.core.written_text import MAX_BYTES, Written

POLICY = Written(kind="policy", example="docs/examples/policy.yaml", error=PolicyError)
PRICES = Written(kind="file of prices", example="docs/examples/prices.yaml")


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("grün: ✓\n" * 9, encoding="utf-8")
    assert PRICES.read(tmp_path / "a.yaml") == "grün: ✓\n" * 9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no {kind} .*; {example} is one to begin with"),
        (b"a: \xff", "is not UTF-8 .byte 3.; save it as UTF-8"),
        (b"a" * (MAX_BYTES + 1), "has 1000001 bytes; a {kind} has at most 1000000"),
    ],
)
@pytest.mark.parametrize("kind", [POLICY, PRICES])
def test_what_cannot_be_read_is_refused_in_the_words_of_its_kind(
    tmp_path: Path, content: bytes | None, words: str, kind: Written
) -> None:
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words.format(kind=kind.kind, example=kind.example)) as error:
        kind.read(path)
    assert type(error.value) is kind.error


def test_a_folder_is_refused_with_what_the_system_says(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"cannot be read .*; name a policy"):
        POLICY.read(tmp_path)


def test_of_a_mistyped_file_the_nearest_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "policy-export.yaml").write_text("schema: 1")
    with pytest.raises(PolicyError, match=r"policy-expor.yaml; did you mean \S+/policy-export.yaml\? docs/examples/po"):
        POLICY.read(tmp_path / "policy-expor.yaml")
