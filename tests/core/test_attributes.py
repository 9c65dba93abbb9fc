"""What a caption and an id promise, and what cannot be seen is not promised."""

from __future__ import annotations

import pytest

from underpaint.core.attributes import COLORS, GENDERS, TONES, labels_of, labels_of_prompt
from underpaint.core.samples import Sample

KNOWN = [
    ("1f44b", "waving hand", "cartoon", {"concept": "1f44b", "tone": "none"}),
    ("1f44b-1f3fd", "waving hand with medium skin tone", "flat", {"concept": "1f44b", "tone": "medium"}),
    ("1f44b", "waving hand", "line-art", {"concept": "1f44b"}),
    (
        "1f468-1f3ff-200d-2695",
        "man health worker with dark skin tone",
        "cartoon",
        {"concept": "1f9d1-200d-2695", "tone": "dark", "gender": "man"},
    ),
    ("1f3c3", "person running", "flat", {"concept": "1f3c3", "tone": "none", "gender": "person", "direction": "left"}),
    (
        "1f3c3-1f3fb-200d-2640-200d-27a1",
        "woman running facing right with light skin tone",
        "gradient",
        {"concept": "1f3c3", "tone": "light", "gender": "woman", "direction": "right"},
    ),
    ("1f491-1f3fb", "couple with heart with light skin tone", "flat", {"concept": "1f491", "tone": "light"}),
    ("1f34e", "red apple", "cartoon", {"concept": "1f34e", "tone": "none", "color": "red"}),
    ("1f34e", "red apple", "line-art", {"concept": "1f34e"}),
    ("1f7e8", "yellow square", "flat", {"concept": "1f7e8", "tone": "none", "color": "yellow"}),
    ("1f537", "large blue diamond", "flat", {"concept": "1f537", "tone": "none", "color": "blue"}),
    ("1f9af", "white cane", "flat", {"concept": "1f9af", "tone": "none"}),
    ("1fa75", "light blue heart", "flat", {"concept": "1fa75", "tone": "none"}),
]


@pytest.mark.parametrize(("id_", "caption", "style", "expected"), KNOWN)
def test_known_captions_promise_what_they_say(id_: str, caption: str, style: str, expected: dict[str, str]) -> None:
    assert labels_of_prompt(id_, caption, style) == {**expected, "style": style}


def test_a_prompt_for_any_style_promises_none_and_is_taken_for_colored() -> None:
    assert labels_of_prompt("1f34e", "red apple") == {"concept": "1f34e", "tone": "none", "color": "red"}


def test_two_persons_of_two_tones_have_no_tone_and_of_one_tone_have_it() -> None:
    pair = "1f469-1f3fb-200d-1f91d-200d-1f468-"
    assert "tone" not in labels_of_prompt(pair + "1f3ff", "woman and man holding hands", "flat")
    assert labels_of_prompt(pair + "1f3fb", "woman and man holding hands", "flat")["tone"] == "light"
    assert labels_of_prompt(pair + "1f3fb", "woman and man holding hands", "flat")["gender"] == "both"


def test_no_color_is_promised_for_a_part_two_colors_or_the_color_alone() -> None:
    for caption in ("man with red hair", "black and white film", "orange", "mahjong red dragon"):
        assert "color" not in labels_of_prompt("1f4f7", caption, "flat")


@pytest.mark.parametrize("tone", TONES[1:])
@pytest.mark.parametrize("gender", GENDERS[:3])
def test_every_variant_of_a_concept_has_the_same_concept(tone: str, gender: str) -> None:
    codes: dict[str, str] = dict(zip(TONES[1:], ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"), strict=True))
    code = codes[tone]
    sign = {"person": "", "man": "-200d-2642", "woman": "-200d-2640"}[gender]
    labels = labels_of_prompt(f"1f6b6-{code}{sign}", f"{gender} walking with {tone} skin tone", "cartoon")
    assert labels == {"concept": "1f6b6", "style": "cartoon", "tone": tone, "gender": gender, "direction": "left"}


def test_every_color_word_is_read() -> None:
    assert [labels_of_prompt("2764", f"{color} heart", "flat")["color"] for color in COLORS] == list(COLORS)


def test_a_sample_is_read_like_its_prompt() -> None:
    text = dict.fromkeys(("cluster", "name", "family", "source", "icon", "license", "sha256_pixels", "phash"), "x")
    sample = Sample(id="1f34e", caption="red apple", style="flat", group="1f34e", split="train", level="", weight=1.0,
                    file="a.png", **text)  # fmt: skip
    assert labels_of(sample) == labels_of_prompt("1f34e", "red apple", "flat")
