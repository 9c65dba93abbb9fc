from __future__ import annotations

from collections import Counter

import pytest
import torch

from underpaint.core.samples import STATED, Sample
from underpaint.core.text import canonicalize
from underpaint.stages.train.captions import (
    KEPT,
    NOUNS,
    STYLE_WORDS,
    keywords,
    plainer,
    reordered,
    reworded,
    vary,
    with_article,
)


def sample(caption: str, style: str = "flat") -> Sample:
    fields = dict.fromkeys(STATED, "x") | {"caption": caption, "style": style, "weight": 1.0}
    return Sample.model_validate(fields)


def many(caption: str, style: str = "flat", count: int = 6000, **options: float) -> Counter[str]:
    generator = torch.Generator().manual_seed(0)
    return Counter(vary(sample(caption, style), generator, **options) for _ in range(count))


def share(counts: Counter[str], *texts: str) -> float:
    return sum(counts[text] for text in texts) / counts.total()


def test_most_captions_stay_bare_some_get_an_article_and_some_a_noun():
    counts = many("red apple", word_dropout=0.0)
    assert share(counts, "red apple") == pytest.approx(0.75 * 0.8, abs=0.03)
    assert share(counts, "a red apple") == pytest.approx(0.25 * 0.8, abs=0.03)
    nouns = [text for text in counts if " of " in text]
    assert share(counts, *nouns) == pytest.approx(0.2, abs=0.03)


def test_each_of_several_captions_comes_up_as_often_as_the_others():
    several = sample("red apple").model_copy(update={"alternatives": ("fruit on a plate", "fresh snack")})
    generator = torch.Generator().manual_seed(0)
    counts = Counter(vary(several, generator, word_dropout=0.0) for _ in range(6000))
    for caption in several.captions:
        texts = [text for text in counts if caption in text]
        assert share(counts, *texts) == pytest.approx(1 / 3, abs=0.03)


def test_a_single_caption_draws_what_it_drew_before_there_could_be_several():
    generator = torch.Generator().manual_seed(0)
    assert [vary(sample("medium red apple on a plate"), generator, rewording=0.3) for _ in range(6)] == [
        "flat drawing of a medium red apple on a plate",
        "medium red apple plate",
        "a medium red apple on a plate",
        "flat picture of medium red apple on a plate",
        "flat icon of a medium red apple on a plate",
        "flat sticker of red apple on a plate",
    ]


@pytest.mark.parametrize("style", STYLE_WORDS)
def test_every_noun_and_every_word_for_the_style_comes_up_as_often_as_the_others(style):
    counts = many("apple", style, count=20_000)
    heads = Counter({text.split(" of ")[0]: 0 for text in counts if " of " in text})
    for text, number in counts.items():
        if " of " in text:
            heads[text.split(" of ")[0]] += number
    words = Counter[str]()
    for head, number in heads.items():
        noun = next(noun for noun in NOUNS if head.endswith(noun))
        words[head.removesuffix(noun).strip()] += number
    total = words.total()
    assert set(words) == {"", *STYLE_WORDS[style]}
    assert words[""] / total == pytest.approx(0.4, abs=0.03)
    for word in STYLE_WORDS[style]:
        assert words[word] / total == pytest.approx(0.6 / len(STYLE_WORDS[style]), abs=0.03)


def test_one_word_of_three_or_more_is_sometimes_dropped_and_never_of_two():
    counts = many("smiling cat face", word_dropout=0.3)
    for dropped in ("cat face", "smiling face", "smiling cat"):
        assert share(counts, dropped) == pytest.approx(0.1 * 0.75 * 0.8, abs=0.02)
    assert all("red apple" in text for text in many("red apple", word_dropout=1.0))


def test_the_style_of_another_picture_is_never_named():
    texts = " ".join(many("apple", "flat"))
    assert "flat sticker of" in texts
    others = [word for style, words in STYLE_WORDS.items() if style != "flat" for word in words]
    assert not any(word in texts for word in others)


def test_a_style_without_words_is_called_by_its_name():
    assert any(text.startswith("pastel ") for text in many("apple", "pastel"))


def test_what_comes_out_is_canonical():
    for text in many("o button (blood type)", "line-art", count=500):
        assert canonicalize(text) == text


@pytest.mark.parametrize(("name", "expected"), [("cat", "a cat"), ("apple", "an apple"), ("eye", "an eye")])
def test_articles(name, expected):
    assert with_article(name) == expected


CAPTIONS = (
    "woman scientist with dark skin tone",
    "man with curly hair and medium-light skin tone",
    "men wrestling with medium-dark skin tone and dark skin tone",
    "person in manual wheelchair facing right with medium skin tone",
    "white medium square",
    "face with tears of joy",
    "couple with heart, woman, man",
    "no pedestrians",
    "smiling cat with heart-eyes",
)


@pytest.mark.parametrize(
    ("caption", "forms"),
    [
        (CAPTIONS[0], ["dark-skinned woman scientist", "dark skin tone woman scientist"]),
        (
            CAPTIONS[1],
            [
                "medium-light-skinned man with curly hair",
                "medium-light skin tone man with curly hair",
                "curly hair man with medium-light skin tone",
            ],
        ),
        (CAPTIONS[2], []),
        ("man with red hair", ["red hair man"]),
        (CAPTIONS[5], []),
        (CAPTIONS[6], []),
        ("face with open eyes and hand over mouth", []),
    ],
)
def test_a_tone_or_what_one_has_comes_first_and_stays_with_its_noun(caption, forms):
    assert reordered(caption) == forms


def test_keywords_are_what_is_left_without_stop_words():
    assert keywords("face with tears of joy") == ["face tears joy"]
    assert keywords("red apple") == [] and keywords("on") == []


def test_an_adjective_goes_only_where_a_noun_follows():
    assert plainer("white medium square") == ["white square"]
    assert plainer("woman with medium skin tone") == [] and plainer("stuffed with big") == []
    assert plainer("smiling face with big eyes") == ["face with big eyes", "smiling face with eyes"]


@pytest.mark.parametrize("caption", CAPTIONS)
def test_no_wording_loses_or_adds_a_word_for_tone_gender_color_direction_or_negation(caption):
    def kept(text: str) -> list[str]:
        bare = text.replace("-skinned", " skin tone").split()
        return sorted(word for word in bare if word in KEPT and word != "medium")

    for kind in (0.0, 0.4, 0.9):
        for form in (0.0, 0.4, 0.9):
            text = reworded(caption, kind, form)
            assert kept(text) == kept(caption) and canonicalize(text) == text
            assert set(text.replace("-skinned", " skin tone").split()) <= set(caption.split())


def test_rewording_is_as_frequent_as_asked_and_uses_every_kind():
    counts = many("smiling cat with big eyes", word_dropout=0.0, rewording=0.6)
    bare = {text: n for text, n in counts.items() if not text.startswith(("a ", "an ")) and " of " not in text}
    total = sum(bare.values())
    assert bare["smiling cat with big eyes"] / total == pytest.approx(0.4, abs=0.03)
    for text, part in (
        ("big eyes smiling cat", 0.2),
        ("smiling cat big eyes", 0.2),
        ("cat with big eyes", 0.1),
        ("smiling cat with eyes", 0.1),
    ):
        assert bare[text] / total == pytest.approx(part, abs=0.03)
    assert len(bare) == 5


def test_a_caption_without_another_wording_stays():
    assert reworded("apple", 0.5, 0.5) == "apple"


def test_a_dropped_word_is_never_one_that_must_be_kept():
    for text in many("woman scientist with dark skin tone", word_dropout=1.0, count=500):
        assert "woman" in text and "dark skin tone" in text


def test_a_picture_without_a_style_gets_no_word_for_one():
    counts = many("red apple", style="", count=500, word_dropout=0.0)
    assert all(text.removesuffix("red apple") in {"", "a ", *(f"{noun} of {a}" for noun in NOUNS for a in ("", "a "))}
               for text in counts)  # fmt: skip
