from __future__ import annotations

from collections import Counter

import pytest
import torch

from underpaint.core.samples import Sample
from underpaint.core.text import canonicalize
from underpaint.stages.train.captions import NOUNS, STYLE_WORDS, vary, with_article


def sample(caption: str, style: str = "flat") -> Sample:
    fields = dict.fromkeys(Sample.model_fields, "x") | {"caption": caption, "style": style, "weight": 1.0}
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
