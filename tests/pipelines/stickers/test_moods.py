from __future__ import annotations

import pytest

from underpaint.core.errors import InputError
from underpaint.core.text import canonicalize
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.stickers.moods import MOODS, USUAL, first_words, kind_of, noun_of, words_of


@pytest.mark.parametrize(
    ("subject", "kind", "first", "happy"),
    [
        ("a cat", "cat", "cat face", "grinning cat"),
        ("A black cat", "cat", "black cat face", "grinning black cat"),
        ("a smiling face", "face", "smiling face", "grinning face"),
        ("smiley", "face", "smiling face", "grinning face"),
        ("the dog face", "other", "dog face", "grinning dog face"),
        ("a dog", "other", "dog face", "grinning dog"),
        ("woman astronaut", "person", "woman astronaut", "smiling woman astronaut"),
        ("a red apple", "other", "red apple", "grinning red apple"),
    ],
)
def test_a_subject_is_said_as_emoji_are_named(subject, kind, first, happy):
    assert (kind_of(subject), first_words(subject), words_of(subject, "happy")) == (kind, first, happy)


def test_an_article_is_left_out_and_nothing_else():
    assert (noun_of(" The  theater"), noun_of("antelope"), noun_of("an ant")) == ("theater", "antelope", "ant")


def test_every_mood_has_words_for_everybody_that_the_model_reads():
    from underpaint.models.text_tokenizer import TextTokenizer

    tokenizer = TextTokenizer.from_folder(open_model().folder / "text_tokenizer")
    for mood, words in MOODS.items():
        assert words.keys() == {"face", "cat", "person"}
        for text in words.values():
            caption = canonicalize(text.format("cat"))
            assert not tokenizer.unknown_words(caption), f"{mood}: {caption}"
    assert {*USUAL} <= {*MOODS}


def test_an_unknown_mood_lists_the_others():
    with pytest.raises(InputError, match=r"'Hapy'; did you mean 'happy'\? choose some of happy, laughing"):
        words_of("a cat", "Hapy")
    with pytest.raises(InputError, match="'joyful'; choose some of happy, laughing"):
        words_of("a cat", "joyful")
