from __future__ import annotations

import pytest

from underpaint.core.concept import concept_of
from underpaint.stages.data.drawing import id_of, strip_id, text_of


@pytest.mark.parametrize(
    ("emoji", "group", "tones", "gender", "right"),
    [
        ("👩🏽‍🚒", "🧑‍🚒", ("medium",), "woman", False),
        ("🧑‍🚒", "🧑‍🚒", (), "person", False),
        ("🏃🏿‍♂️‍➡️", "🏃", ("dark",), "man", True),
        ("👴🏻", "🧓", ("light",), "man", False),
        ("👧", "🧒", (), "woman", False),
        ("👩🏻‍🤝‍👨🏿", "🧑‍🤝‍🧑", ("light", "dark"), "both", False),
        ("🏽", "🏽", (), "person", False),
        ("♀️", "♀", (), "person", False),
        ("➡️", "➡", (), "person", False),
        ("❤️‍🔥", "❤‍🔥", (), "person", False),
    ],
)
def test_tone_gender_and_direction_are_taken_off(
    emoji: str, group: str, tones: tuple[str, ...], gender: str, right: bool
) -> None:
    concept = concept_of(id_of(emoji))
    assert (concept.group, concept.tones, concept.gender, concept.facing_right) == (id_of(group), tones, gender, right)


def test_an_id_says_the_sequence_without_the_selector() -> None:
    assert id_of("❤️") == strip_id("2764-fe0f") == strip_id("02764") == "2764"
    assert id_of(text_of("1f9d1-200d-1f692")) == "1f9d1-200d-1f692"
