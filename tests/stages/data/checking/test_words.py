from __future__ import annotations

from dataclasses import replace

import pytest

from underpaint.stages.data.checking.run import Checked
from underpaint.stages.data.checking.words import check_conflicts, problem_of


@pytest.mark.parametrize(
    ("name", "caption", "words"),
    [
        ("Cat", "a cat", ""),
        ("Кот", "a cat", ""),
        ("cat", "a c\u200bat", "hidden characters"),
        ("c\u202eat", "a cat", "hidden characters"),
        ("cat", "a c\u0430t", "are mixed"),
        ("cat", "A  Cat", "not in the canonical form"),
        ("cat", "", "empty"),
    ],
)
def test_what_nobody_sees_in_words_is_said(name: str, caption: str, words: str) -> None:
    found = problem_of(name, caption)
    assert words in found and bool(words) == bool(found)


def test_other_captions_are_looked_at_too() -> None:
    assert problem_of("cat", "a cat", "kitten") == ""
    assert "hidden characters" in problem_of("cat", "a cat", "kit\u200bten")
    assert "not in the canonical form" in problem_of("cat", "a cat", "kitten", "A  Kitten")


def test_equal_pixels_conflict_only_under_different_captions(sound: Checked) -> None:
    first, second, third, *rest = sound.subject.samples
    pixels = {"sha256_pixels": first.sha256_pixels}
    alike = second.model_copy(update={**pixels, "caption": first.caption})
    assert check_conflicts(replace(sound.subject, samples=[first, alike, third, *rest])).finding.status == "clean"
    other = third.model_copy(update=pixels)
    found = check_conflicts(replace(sound.subject, samples=[first, alike, other, *rest]))
    assert [suspect.file for suspect in found.suspects] == [first.file, alike.file, other.file]
    assert found.finding.examples[0].text == " = ".join(sorted([repr(first.caption), repr(other.caption)]))
