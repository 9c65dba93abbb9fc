"""WordPiece: a word becomes pieces of a vocabulary, the longest match first, or the unknown token as a whole.

A piece within a word stands in the vocabulary with a prefix, ``##``. A word of which any part matches no piece is
unknown, and so is one that is too long.

Source: arXiv 1609.08144; longest match first as in google-research/bert, arXiv 1810.04805.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated, Literal

from pydantic import Field, StrictInt, field_validator

from underpaint.core.config import Config

PAD, UNKNOWN = "[PAD]", "[UNK]"


class WordPieceModel(Config):
    """A vocabulary, and how words are cut by it.

    Args:
        type: The only kind of model known here.
        unk_token: The piece for words that cannot be cut.
        continuing_subword_prefix: What pieces within a word begin with.
        max_input_chars_per_word: Words of more characters are unknown.
        vocab: Piece to id; the ids are 0 to V - 1, and the pieces stand in their order.
    """

    type: Literal["WordPiece"]
    unk_token: Literal["[UNK]"]
    continuing_subword_prefix: str
    max_input_chars_per_word: Annotated[StrictInt, Field(ge=0)]
    vocab: dict[str, StrictInt]

    @field_validator("vocab")
    @classmethod
    def _in_order(cls, vocab: dict[str, int]) -> dict[str, int]:
        if not {PAD, UNKNOWN} <= vocab.keys():
            raise ValueError(f"{PAD} or {UNKNOWN} is missing")
        dense = list(range(len(vocab)))
        if list(vocab.values()) == dense:
            return vocab
        ordered = dict(sorted(vocab.items(), key=itemgetter(1)))
        if list(ordered.values()) != dense:
            raise ValueError(f"the ids of {len(vocab)} pieces must be 0 to {len(vocab) - 1}, each of them once")
        return ordered


def cut(word: str, model: WordPieceModel) -> list[int]:
    """Return the ids of the pieces of a word.

    Args:
        word: Characters between two splits; not empty.
        model: The vocabulary.
    """
    vocab, unknown = model.vocab, [model.vocab[model.unk_token]]
    if len(word) > model.max_input_chars_per_word:
        return unknown
    ids: list[int] = []
    start, prefix = 0, ""
    while start < len(word):
        for end in range(len(word), start, -1):
            found = vocab.get(prefix + word[start:end])
            if found is not None:
                break
        else:
            return unknown
        ids.append(found)
        start, prefix = end, model.continuing_subword_prefix
    return ids
