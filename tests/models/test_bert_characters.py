from __future__ import annotations

import unicodedata

import pytest
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from underpaint.models.bert_characters import DROPPED, HAN, NON_SPACING, PUNCTUATION, WHITE_SPACE, CodePoints

PLANES = [*range(0xD800), *range(0xE000, 0x20000), *range(0x20000, 0x110000, 251), *range(0xE0000, 0xE0200)]


def normalizer(**steps: bool) -> BertNormalizer:
    off = dict.fromkeys(("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), False)
    return BertNormalizer(**{**off, **steps})


def test_a_set_holds_its_ranges_with_both_ends_and_nothing_else() -> None:
    few = CodePoints("9-b 20 5b-60 61")
    assert [code for code in range(0x80) if code in few] == [9, 10, 11, 0x20, *range(0x5B, 0x62)]
    assert 0x10FFFF not in few
    assert 0 not in CodePoints("")


def test_what_is_dropped_and_what_becomes_a_space_is_as_in_the_library() -> None:
    clean = normalizer(clean_text=True).normalize_str
    for code in PLANES:
        expected = "" if code in DROPPED else " " if code in WHITE_SPACE else chr(code)
        assert clean(chr(code)) == expected, hex(code)


def test_han_characters_are_those_of_the_library() -> None:
    spaced = normalizer(handle_chinese_chars=True).normalize_str
    for code in [*range(0x2E00, 0xD800), *range(0xF8F0, 0xFB10), *range(0x1FFF0, 0x2FA30)]:
        assert spaced(chr(code)) == (f" {chr(code)} " if code in HAN else chr(code)), hex(code)


def test_non_spacing_marks_are_those_of_the_library() -> None:
    strip = normalizer(strip_accents=True).normalize_str
    whole = [code for code in PLANES if not unicodedata.decomposition(chr(code)) and not 0xAC00 <= code < 0xD7B0]
    for code in whole:
        assert strip(chr(code)) == ("" if code in NON_SPACING else chr(code)), hex(code)


def test_punctuation_and_white_space_split_as_in_the_library() -> None:
    split = BertPreTokenizer().pre_tokenize_str
    for code in PLANES:
        c = chr(code)
        expected = ["a", "b"] if code in WHITE_SPACE else ["a", c, "b"] if code in PUNCTUATION else [f"a{c}b"]
        assert [word for word, _ in split(f"a{c}b")] == expected, hex(code)


@pytest.mark.parametrize(("members", "categories"), [(NON_SPACING, {"Mn"}), (PUNCTUATION, {"P"}), (DROPPED, {"C"})])
def test_what_old_unicode_had_is_in_the_set_of_its_category(members: CodePoints, categories: set[str]) -> None:
    old = unicodedata.ucd_3_2_0
    for code in (code for code in PLANES if code > 0x7F):
        category = old.category(chr(code))
        same = category == unicodedata.category(chr(code)) not in ("Cn", "Cs")
        if same:
            assert (code in members) == bool({category, category[0]} & categories) or code == 0xFFFD, hex(code)
