from __future__ import annotations

import pytest

from underpaint.core.attributes import labels_of_prompt
from underpaint.core.concept import concept_of, is_code_points
from underpaint.stages.data.synthetic.identity import known_ids, numbered_id, wish_id


@pytest.mark.parametrize(
    ("caption", "labels"),
    [
        ("red heart", {"concept": "2764", "color": "red"}),
        ("the red heart", {"concept": "2764"}),
        (
            "woman firefighter with medium skin tone",
            {"concept": "1f9d1-200d-1f692", "tone": "medium", "gender": "woman"},
        ),
        ("a person running facing right", {"concept": "1f3c3", "direction": "right", "gender": "person"}),
    ],
)
def test_the_caption_of_an_emoji_has_its_attributes(caption: str, labels: dict[str, str]) -> None:
    assert labels.items() <= labels_of_prompt(wish_id(caption), caption, "flat").items()


def test_a_number_is_no_part_of_the_concept() -> None:
    for caption in ("woman firefighter with medium skin tone", "a purple submarine", "cat"):
        first = wish_id(caption)
        ids = [numbered_id(first, number) for number in range(300)]
        assert ids[0] == first and len(set(ids)) == 300
        assert {concept_of(id_) for id_ in ids} == {concept_of(first)}


def test_captions_that_name_no_emoji_have_concepts_of_their_own() -> None:
    captions = [f"a purple submarine with {number} fish" for number in range(500)]
    ids = {wish_id(caption) for caption in captions}
    assert len(ids) == 500 and all(is_code_points(id_) for id_ in ids)
    assert {concept_of(id_).group for id_ in ids} == ids
    assert not ids & set(known_ids().values())
    assert wish_id("the purple submarine") == wish_id("purple submarine")
