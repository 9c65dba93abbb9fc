from __future__ import annotations

import itertools
import random

import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from underpaint.models.wordpiece import WordPieceModel, cut

PIECES = ("[PAD]", "[UNK]", "a", "b", "ab", "##b", "##ba", "##abab", "bab", "##c", "sun", "##glasses", "c")


def model(pieces: tuple[str, ...] = PIECES, **changes: object) -> WordPieceModel:
    values = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {piece: i for i, piece in enumerate(pieces)},
    }
    return WordPieceModel.model_validate({**values, **changes})


def pieces(word: str, **changes: object) -> list[str]:
    return [PIECES[i] for i in cut(word, model(**changes))]  # pyright: ignore[reportArgumentType]


def test_the_longest_piece_goes_first() -> None:
    assert pieces("sunglasses") == ["sun", "##glasses"]
    assert pieces("ab") == ["ab"]
    assert pieces("abb") == ["ab", "##b"]
    assert pieces("babb") == ["bab", "##b"]


def test_a_word_with_a_part_that_matches_nothing_is_unknown_as_a_whole() -> None:
    assert pieces("sunx") == pieces("xsun") == ["[UNK]"]
    assert pieces("ba") == ["[UNK]"], "no piece of one letter within a word: greed is not corrected"


def test_a_word_of_more_characters_than_allowed_is_unknown() -> None:
    assert pieces("abb", max_input_chars_per_word=3) == ["ab", "##b"]
    assert pieces("abb", max_input_chars_per_word=2) == ["[UNK]"]
    assert pieces("sun", max_input_chars_per_word=0) == ["[UNK]"], "even a word that is one piece"


@pytest.mark.parametrize("prefix", ["##", "", "~"])
def test_all_short_words_are_cut_as_by_the_library(prefix: str) -> None:
    vocab = {piece.replace("##", prefix) if len(piece) > 2 else piece: 0 for piece in PIECES}
    vocab = {piece: i for i, piece in enumerate(vocab)}
    ours = model(vocab=vocab, continuing_subword_prefix=prefix, max_input_chars_per_word=5)
    library = Tokenizer(
        WordPiece(vocab, unk_token="[UNK]", continuing_subword_prefix=prefix, max_input_chars_per_word=5)  # type: ignore[call-arg]
    )
    for length in range(1, 7):
        for letters in itertools.product("abc", repeat=length):
            word = "".join(letters)
            assert cut(word, ours) == library.encode(word).ids, word


def test_pieces_stand_in_the_order_of_their_ids() -> None:
    shuffled = list({piece: i for i, piece in enumerate(PIECES)}.items())
    random.Random(0).shuffle(shuffled)
    assert list(model(vocab=dict(shuffled)).vocab.items()) == list(model().vocab.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "Unigram"}, "WordPiece"),
        ({"unk_token": "<unk>"}, r"\[UNK\]"),
        ({"max_input_chars_per_word": -1}, "greater than or equal to 0"),
        ({"fuse_unk": True}, "Extra inputs"),
        ({"vocab": {"[PAD]": 0, "a": 1}}, r"\[PAD\] or \[UNK\] is missing"),
        ({"vocab": {"[PAD]": 0, "[UNK]": 1, "a": 3}}, "0 to 2"),
        ({"vocab": {"[PAD]": 0, "[UNK]": 1, "a": 1}}, "0 to 2"),
        ({"vocab": {"[PAD]": 0, "[UNK]": -1}}, "0 to 1"),
        ({"vocab": {"[PAD]": 0, "[UNK]": 1.0}}, "valid integer"),
        ({"vocab": {"[PAD]": False, "[UNK]": True}}, "valid integer"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model(**changes)  # pyright: ignore[reportArgumentType]
