from __future__ import annotations

import pytest

from underpaint.core.emoji import emoji_names, strip_selectors
from underpaint.core.text import canonicalize
from underpaint.pipelines.stickers.emoji_tags import MOST, emoji_of
from underpaint.pipelines.stickers.moods import MOODS


@pytest.mark.parametrize(
    ("words", "emoji"),
    [
        ("a grinning cat", ["😺"]),
        ("smiling face with heart-eyes", ["😍"]),
        ("a red heart", ["❤️"]),
        ("A smiling cat with sunglasses", ["🐈", "🕶️"]),
        ("gizmo", []),
        ("an original euro between flat stars", ["⭐"]),
        ("", []),
        ("dog, cat, pig and horse", ["🐕", "🐈", "🐖"]),
        ("two dogs", ["🐕"]),
        ("two foxes and a fox", ["🦊"]),
        ("woman facepalming", ["🤦\u200d♀️"]),
        ("flag: Germany", ["🇩🇪"]),
        ("keycap: 1", ["1️⃣"]),
        ("rescue worker’s helmet", ["⛑️"]),
    ],
)
def test_a_sticker_is_found_by_the_emoji_that_its_words_name(words, emoji):
    assert emoji_of(words) == emoji


def test_the_name_of_an_emoji_leads_back_to_one_of_that_name():
    names = emoji_names()
    for sequence in ("😺", "🚀", "❤", "🐶", "😂", "🍕"):
        (found,) = emoji_of(canonicalize(sequence))
        assert names[strip_selectors(found)] == names[sequence]


def test_the_moods_of_a_face_have_an_emoji_each():
    found = [tuple(emoji_of(words["face"])) for words in MOODS.values()]
    assert all(1 <= len(emoji) <= MOST for emoji in found) and len({*found}) >= len(found) - 2
