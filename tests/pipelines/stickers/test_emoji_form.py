from __future__ import annotations

import pytest
import regex

from underpaint.core.emoji import emoji_names
from underpaint.pipelines.stickers.emoji_form import is_emoji, is_text, qualified

EMOJI, PICTURE = regex.compile(r"\p{Emoji}"), regex.compile(r"\p{Emoji_Presentation}")


def test_characters_are_emoji_and_pictures_by_themselves_just_where_unicode_says_so() -> None:
    characters = {character for sequence in emoji_names() for character in sequence}
    for character in {one for one in characters if ord(one) < 0xE0000}:
        assert is_emoji(character) == bool(EMOJI.fullmatch(character)), hex(ord(character))
        text = bool(EMOJI.fullmatch(character)) and not PICTURE.fullmatch(character)
        assert is_text(character) == text, hex(ord(character))


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("❤", "❤️"),
        ("🐕", "🐕"),
        ("⭐", "⭐"),
        ("🕶", "🕶️"),
        ("🏳\u200d🌈", "🏳️\u200d🌈"),
        ("🕵🏽\u200d♀", "🕵🏽\u200d♀️"),
        ("🐈\u200d⬛", "🐈\u200d⬛"),
        ("#\u20e3", "#️\u20e3"),
        ("🇩🇪", "🇩🇪"),
    ],
)
def test_selectors_stand_where_a_text_is_meant_as_a_picture(plain: str, written: str) -> None:
    assert qualified(plain) == written
    assert qualified(written) == written


def test_flags_of_parts_of_countries_keep_their_tags() -> None:
    scotland = "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbsct") + "\U000e007f"
    assert qualified(scotland) == scotland
