from __future__ import annotations

import pytest

from underpaint.core.concept import concept_of, is_code_points
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


@pytest.mark.parametrize("id_", ["red_barn.1a2b3c4d", "cat", "1f408_2", "", "1f408-"])
def test_an_id_that_is_no_sequence_is_a_concept_of_its_own(id_: str) -> None:
    concept = concept_of(id_)
    assert not is_code_points(id_)
    assert (concept.group, concept.tones, concept.gender, concept.facing_right) == (id_, (), "person", False)
