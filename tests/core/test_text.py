from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest

from underpaint.core import emoji, lookalikes
from underpaint.core.emoji import emoji_names
from underpaint.core.errors import PromptError
from underpaint.core.text import MAX_CHARACTERS, canonicalize, caption_from_name, policy_form

CLDR = ("cldr-annotations-full@48.2.0", "cldr-annotations-derived-full@48.2.0")


def attempt(text: str) -> str | None:
    try:
        return canonicalize(text)
    except PromptError:
        return None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A  Smiling\tCAT\n", "a smiling cat"),
        ("c\x00a\x07t", "cat"),
        ("piñata “hi” – one o’clock…", 'pinata "hi" - one o\'clock...'),
        ("Straße, Æsir, Łódź, Ørsted", "strasse, aesir, lodz, orsted"),
        ("½ of a ﬁsh", "1/2 of a fish"),
        ("ten\u2028cats\u3000here\xa0now", "ten cats here now"),
        ("man: bald", "man: bald"),
    ],
)
def test_plain_text_is_lowered_and_written_in_ascii(text: str, expected: str) -> None:
    assert canonicalize(text) == expected


@pytest.mark.parametrize(
    "disguised",
    [
        "ｃａｔ", "𝓬𝓪𝓽", "𝐂𝐀𝐓", "𝕔𝕒𝕥", "ⓒⓐⓣ", "ᶜᵃᵗ", "c\u200ba\u200dt\u200c", "c\u00ada\u2060t\ufeff",
        "\u202ecat\u202c",
        "\u2066cat\u2069", "c\u0301a\u0336t\u20e3", "cat\U000e0063\U000e0061\U000e0074", "саt", "сат", "СΑТ", "ϲαt",
        "cat\ufe0f", "c\U0010ffffat", "ca\ue000t", "\x1bcat", "Ꮯat", "càţ", "ᴄat",
    ],
)  # fmt: skip
def test_disguises_of_a_word_have_its_canonical_form(disguised: str) -> None:
    assert canonicalize(disguised) == "cat"


def test_capital_i_look_alikes_stay_an_i() -> None:
    assert {canonicalize(c + "ce") for c in "IiІіΙιⅠıӀ"} == {"ice"}


def test_case_and_composition_make_no_difference() -> None:
    letters = [chr(code) for code in range(0xA0, 0x2000) if unicodedata.category(chr(code))[0] == "L"]
    for letter in letters:
        canonical = attempt(letter)
        assert attempt(unicodedata.normalize("NFD", letter)) == canonical
        assert attempt(unicodedata.normalize("NFC", letter)) == canonical
        if len(letter.upper()) == 1 and letter.upper().lower() == letter and canonical is None:
            assert attempt(letter.upper()) is None, letter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("🐱", "cat face"),
        ("a 🐱🕶️!", "a cat face sunglasses !"),
        ("👨🏽‍🚒", "man firefighter with medium skin tone"),
        ("👨🏽\u200d🦲", "bald man with medium skin tone"),
        ("🏳️‍🌈", "rainbow flag"),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "flag of england"),
        ("1️⃣ #⃣", "keycap 1 keycap hash"),
        ("🇫🇷🇨🇮", "flag of france flag of cote d'ivoire"),
        ("\U0001fae8", "shaking face"),
        ("❤️❤", "red heart red heart"),
    ],
)
def test_emoji_become_the_caption_of_their_name(text: str, expected: str) -> None:
    assert canonicalize(text) == expected


def test_every_sequence_as_a_prompt_equals_its_name_as_a_caption() -> None:
    names = emoji_names()
    assert len(names) > 4000
    for sequence, name in names.items():
        caption = caption_from_name(name)
        assert canonicalize(sequence) == caption
        assert caption.isascii()
        assert caption.isprintable()
        assert ": " not in caption
        assert canonicalize(caption) == caption


def test_names_with_other_characters_are_rewritten() -> None:
    captions = {name: caption_from_name(name) for name in emoji_names().values() if not name.isascii()}
    assert len(captions) >= 38
    assert captions["one o’clock"] == "one o'clock"
    assert captions["flag: São Tomé & Príncipe"] == "flag of sao tome & principe"
    assert captions["Japanese “here” button"] == 'japanese "here" button'


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("man: medium skin tone", "man with medium skin tone"),
        ("woman: dark skin tone, red hair", "woman with red hair and dark skin tone"),
        ("person: light skin tone, bald", "bald person with light skin tone"),
        ("woman walking: dark skin tone, facing right", "woman walking facing right with dark skin tone"),
        ("kiss: man, man", "kiss, man, man"),
        ("couple with heart: woman, man, dark skin tone, light skin tone",
         "couple with heart, woman, man with dark skin tone and light skin tone"),
        ("flag: Isle of Man", "flag of isle of man"),
        ("keycap: *", "keycap star"),
        ("grinning face", "grinning face"),
    ],
)  # fmt: skip
def test_attributes_of_a_name_become_a_phrase(name: str, caption: str) -> None:
    assert caption_from_name(name) == caption


@pytest.mark.parametrize(
    ("text", "named", "position"),
    [
        ("a 猫", "CJK UNIFIED IDEOGRAPH-732B", 3),
        ("שלום", "HEBREW LETTER SHIN", 1),
        ("red قطة", "ARABIC LETTER QAF", 5),
        ("привет", "CYRILLIC SMALL LETTER PE", 1),
        ("❤️ 고양이", "HANGUL SYLLABLE GO", 4),
        ("é\u0915", "DEVANAGARI LETTER KA", 2),
        ("ไ", "THAI CHARACTER SARA AI MAIMALAI", 1),
    ],
)
def test_other_scripts_are_refused_by_name_and_position(text: str, named: str, position: int) -> None:
    with pytest.raises(PromptError, match=f"{named}.* at position {position}.*English"):
        canonicalize(text)


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(PromptError, match=r"lone surrogate U\+D800 at position 4"):
        canonicalize("cat\ud800")


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00", "\u200b\u200d", "\ufe0f", "\u0301"])
def test_a_text_with_nothing_to_read_is_refused(text: str) -> None:
    with pytest.raises(PromptError, match="empty"):
        canonicalize(text)


def test_a_long_text_is_refused_with_both_lengths() -> None:
    with pytest.raises(PromptError, match="10,000 characters; at most 400"):
        canonicalize("x" * 10_000)
    with pytest.raises(PromptError, match="401 characters; at most 400"):
        canonicalize("x" * 401)
    with pytest.raises(PromptError, match="symbols spelled out; at most 400"):
        canonicalize("👨🏽‍🚒" * 40)
    assert len(canonicalize("x" * MAX_CHARACTERS)) == MAX_CHARACTERS
    assert canonicalize("x y", max_characters=3) == "x y"


def test_white_space_and_invisible_characters_do_not_count_as_length() -> None:
    assert canonicalize(" " * 500 + "cat" + "\u200b" * 500) == "cat"


@pytest.mark.parametrize("unit", ["x", "é", "\u200b", "\u0301", "👨🏽‍🚒", " ", "猫", "\ud800", "\u202e", "ﷺ"])
def test_a_million_characters_are_refused_at_once(unit: str) -> None:
    text = unit * 1_000_000
    started = time.thread_time()
    with pytest.raises(PromptError):
        canonicalize(text)
    assert time.thread_time() - started < 0.1


def test_the_longest_text_that_is_read_takes_milliseconds() -> None:
    for unit in ("é", "👨🏽‍🚒", "ﷺ", "🏴\U000e0067", "\u0301"):
        started = time.thread_time()
        attempt((unit * 4 * MAX_CHARACTERS)[: 4 * MAX_CHARACTERS])
        assert time.thread_time() - started < 0.5


RANGES = [
    (0x00, 0x7F), (0x00, 0x20), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x2000, 0x206F),
    (0x20D0, 0x2100), (0x2100, 0x2BFF), (0x3000, 0x30FF), (0xD800, 0xDFFF), (0xE000, 0xF8FF), (0xFE00, 0xFFFF),
    (0x1D400, 0x1D7FF), (0x1F1E6, 0x1F1FF), (0x1F300, 0x1FAFF), (0xE0000, 0xE01EF), (0, 0x10FFFF),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_random_unicode_gives_an_ascii_fixed_point_or_a_prompt_error(seed: int) -> None:
    source = random.Random(seed)
    accepted = 0
    for _ in range(1500):
        ranges = source.choices(RANGES, k=2)
        text = "".join(chr(source.randint(*source.choice(ranges))) for _ in range(source.randint(0, 24)))
        canonical = attempt(text)
        if canonical is None:
            continue
        accepted += 1
        assert canonicalize(canonical) == canonical
        assert canonical.isascii()
        assert canonical.isprintable()
        assert canonical == canonical.strip().lower()
        assert "  " not in canonical
        assert len(canonical) <= MAX_CHARACTERS
    assert accepted > 100


def test_every_character_alone_is_read_or_refused() -> None:
    read = [code for code in (*range(0x20000), *range(0xE0000, 0xE0200)) if attempt(chr(code)) is not None]
    assert 2_000 < len(read) < 12_000
    assert all(attempt(c) is None for c in "אבا一あ가กकπшж")


def test_the_policy_form_folds_leet_and_separators() -> None:
    assert policy_form("C a-T5") == policy_form("cats") == "cats"
    assert policy_form("k.1.t.t.3.n") == policy_form("ＫＩＴＴＥＮ") == "kitten"
    assert policy_form("$m@ll d0g") == "smalldog"


def test_ascii_text_needs_no_tables() -> None:
    code = (
        "from underpaint.core import text, emoji; text.canonicalize('A cat'); import sys; "
        "assert emoji.emoji_names.cache_info().currsize == 0; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_tables_on_disk_are_in_their_written_form() -> None:
    folder = Path(emoji.__file__).parent / "data"
    for name, dump in (("emoji_names", emoji.dump_names), ("lookalikes", lookalikes.dump_lookalikes)):
        content = (folder / f"{name}.json").read_text(encoding="utf-8")
        assert dump(json.loads(content)) == content


def test_look_alikes_are_taken_from_alphabets_that_look_latin() -> None:
    found = lookalikes.compact_lookalikes(
        {"а": ["a"], "І": ["l"], "ɱ": ["rn̦"], "é": ["e"], "ס": ["o"], "ا": ["l"], "a": ["а"], "口": ["ロ"], "Ɓ": ["'B"]}
    )
    assert found == {"а": "a", "І": "I", "ɱ": "m", "Ɓ": "B"}


@pytest.mark.network
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_emoji_names_are_those_of_the_pinned_cldr_packages(tmp_path: Path) -> None:
    import tarfile

    subprocess.run(["npm", "pack", "--silent", *CLDR], cwd=tmp_path, check=True, capture_output=True)
    files = []
    for archive in sorted(tmp_path.glob("*.tgz")):
        kind = "annotationsDerived" if "derived" in archive.name else "annotations"
        with tarfile.open(archive) as tar:
            member = tar.extractfile(f"package/{kind}/en/annotations.json")
            assert member is not None
            files.append(json.load(member))
    assert emoji.compact_names(*files) == emoji_names()
