from __future__ import annotations

import itertools
import random
import unicodedata

import pytest
from tokenizers.normalizers import BertNormalizer as LibraryNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer as LibraryPreTokenizer

from underpaint.models.bert_words import BertNormalizer, BertWords

UNCASED = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
STEPS = [
    dict(zip(UNCASED, values, strict=True))
    for values in itertools.product((True, False), (True, False), (None, True, False), (True, False))
]
SETTLED = [
    chr(code)
    for code in range(0x30000)
    if unicodedata.ucd_3_2_0.category(chr(code)) not in ("Cn", "Cs", "Co")
    and unicodedata.ucd_3_2_0.normalize("NFD", chr(code)) == unicodedata.normalize("NFD", chr(code))
]
"""Characters of an old Unicode, whose case and decomposition all tables have."""


def settings(**steps: object) -> BertNormalizer:
    return BertNormalizer.model_validate({"type": "BertNormalizer", **UNCASED, **steps})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a red cat", ["a", "red", "cat"]),
        ("  a\tred\r\ncat  ", ["a", "red", "cat"]),
        ("o'clock, 100%!", ["o", "'", "clock", ",", "100", "%", "!"]),
        ("CAFÉ Cafe\u0301", ["cafe", "cafe"]),
        ("a\x00b\u200dc\ufffd", ["abc"]),
        ("猫a犬", ["猫", "a", "犬"]),
        ("İSTANBUL ΣΑΣ", ["istanbul", "σασ"]),
        ("straße", ["straße"]),
        ("", []),
        (" \u3000\u200b", []),
    ],
)
def test_words_are_cleaned_folded_and_split(text: str, words: list[str]) -> None:
    assert BertWords(settings())(text) == words


def test_what_the_settings_switch_off_stays_as_it_is() -> None:
    assert BertWords(settings(lowercase=False))("CAFÉ") == ["CAFÉ"]
    assert BertWords(settings(lowercase=False, strip_accents=True))("CAFÉ") == ["CAFE"]
    assert BertWords(settings(strip_accents=False))("CAFÉ İ") == ["café", "i\u0307"]
    assert BertWords(settings(handle_chinese_chars=False))("猫a犬") == ["猫a犬"]
    assert BertWords(settings(clean_text=False))("a\u200db\vc") == ["a\u200db", "c"]


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: "-".join(str(on) for on in steps.values()))
def test_words_are_those_of_the_library_whatever_the_steps(steps: dict[str, bool | None]) -> None:
    draw = random.Random(3)
    normalize, split = LibraryNormalizer(**steps).normalize_str, LibraryPreTokenizer().pre_tokenize_str  # pyright: ignore[reportArgumentType]
    ours = BertWords(settings(**steps))
    for _ in range(1000):
        text = "".join(draw.choices(SETTLED, k=12) + draw.choices("aÅé\u0301\u0327 -.\t\x1c", k=6))
        assert ours(text) == [word for word, _ in split(normalize(text))], ascii(text)


def test_marks_are_set_in_order_before_they_are_compared() -> None:
    stem, tone = "\U0001d165", "\u302e"  # spacing marks of the combining classes 216 and 224
    assert BertWords(settings())(f"a{tone}{stem}") == BertWords(settings())(f"a{stem}{tone}") == [f"a{stem}{tone}"]


def test_case_is_folded_letter_by_letter_and_not_by_where_a_letter_stands() -> None:
    words = BertWords(settings())
    assert words("ΣΟΦΟΣ") == ["".join(words(letter)[0] for letter in "ΣΟΦΟΣ")] != ["ΣΟΦΟΣ".lower()]
