"""How a model reads words: what it leaves out at the end, what it hardly knows, and what cannot be drawn."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from underpaint.core.config import parse_json
from underpaint.core.emoji import emoji_names
from underpaint.core.errors import PromptError, UnderpaintError
from underpaint.core.text import canonicalize
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.model_folder import CONFIG, TOKENIZER, Model
from underpaint.stages.serve.asking.request import MAX_PROMPT

WORD = re.compile(r"[a-z]+")
SHORTEST = 3
"""Letters of the shortest piece that has a meaning of its own."""
ENDINGS = ("s", "es", "y", "ly", "ie", "ing", "ed", "er")
"""What English puts behind a word that is known without it."""
CONTRACTED = re.compile(r"'(?:s|ve|re|ll|d|m|t)(?![a-z])")
"""What English puts behind a word with an apostrophe."""
FOREIGN = frozenset(
    (
        *("ein", "eine", "einen", "einem", "einer", "und", "mit", "der", "auf", "ohne", "rotes", "kleiner"),
        *("une", "avec", "dans", "una", "uno", "rojo", "roja", "sobre"),
        *("gli", "della", "delle", "nella", "rosso", "rossa", "het", "een", "voor", "uma", "vermelho"),
        *("och", "og", "ett", "jest", "bir"),
    )
)
"""Small and frequent words of other languages. Any of them may be a name in English, so one alone says nothing."""
ALL_UNKNOWN = 3
"""Words from which on a prompt of which none is known looks like another language."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a prompt is read.

    Args:
        unread: The end of it that is not read; empty if all is.
        unknown: Words that the model puts together from pieces without meaning, so that it hardly knows them.
        is_foreign: Whether it looks like another language than English.
        trouble: Why it cannot be drawn as it stands; None if it can.
    """

    unread: str = ""
    unknown: tuple[str, ...] = ()
    is_foreign: bool = False
    trouble: str | None = None

    def __bool__(self) -> bool:
        """Tell whether there is anything to say."""
        return bool(self.unread or self.unknown or self.is_foreign or self.trouble)

    def beside(self, other: Reading) -> Reading:
        """Return what there is to say of a prompt where another, which is a part of it, is spoken of already."""
        unknown = tuple(word for word in self.unknown if word not in other.unknown)
        return replace(
            self,
            unread="" if other.unread else self.unread,
            unknown=unknown,
            is_foreign=self.is_foreign and not other.is_foreign,
            trouble=None if other.trouble else self.trouble,
        )


class Reader:
    """Tells how a model reads prompts, without loading it.

    Args:
        tokenizer: Of the model.
        max_tokens: Longest text that it reads.
    """

    def __init__(self, tokenizer: TextTokenizer, max_tokens: int) -> None:
        self._tokenizer, self._max_tokens = tokenizer, max_tokens
        self._knows = functools.lru_cache(maxsize=20_000)(self._is_known)

    def read(self, prompt: str) -> Reading:
        """Return how a prompt is read.

        Args:
            prompt: As it was written.
        """
        try:
            caption = canonicalize(prompt, max_characters=MAX_PROMPT)
        except PromptError as error:
            return Reading(trouble=str(error))
        words = caption.split()
        read = self._num_read(words)
        found = [word for part in words[:read] for word in WORD.findall(CONTRACTED.sub("", part))]
        unknown = tuple(word for word in dict.fromkeys(found) if not self._knows(word))
        return Reading(unread=" ".join(words[read:]), unknown=unknown, is_foreign=_is_foreign(found, unknown))

    def _num_read(self, words: list[str]) -> int:
        """Return how many words are read, from the first on."""
        left = self._max_tokens
        for number, word in enumerate(words):
            left -= len(self._tokenizer.encode(word, self._max_tokens + 1).ids)
            if left < 0:
                return number
        return len(words)

    def _is_known(self, word: str) -> bool:
        pieces = [piece.removeprefix("##") for piece in self._pieces(word)]
        if word in named() or pieces == [word]:
            return True
        stems = [word.removesuffix(ending) for ending in ENDINGS if word.endswith(ending)]
        if any(len(stem) > SHORTEST and (stem in named() or self._is_whole(stem)) for stem in stems):
            return True
        return all(len(piece) >= SHORTEST and self._is_whole(piece) for piece in pieces)

    def _is_whole(self, word: str) -> bool:
        return self._pieces(word) == [word]

    def _pieces(self, word: str) -> list[str]:
        return self._tokenizer.tokens(self._tokenizer.encode(word, len(word)).ids)


@functools.cache
def named() -> frozenset[str]:
    """Return the words of emoji's names, which models of stickers have learned."""
    return frozenset(word for name in emoji_names().values() for word in WORD.findall(name.lower()))


def _is_foreign(words: list[str], unknown: tuple[str, ...]) -> bool:
    foreign = FOREIGN.intersection(words)
    return len(foreign) > 1 or bool(foreign and unknown) or (len(set(words)) == len(unknown) >= ALL_UNKNOWN)


def reader_of(model: Model) -> Reader | None:
    """Return what tells how a model reads; None for a model with a tokenizer of its own kind.

    Args:
        model: The model; only its tokenizer is opened.

    Raises:
        OSError: Its files cannot be read now.
    """
    if isinstance(model, ExportedModel) and model.edge.loop is not None:
        return None
    try:
        file, longest = _tokenizer_of(model)
        return Reader(TextTokenizer.from_json(file.read_text(encoding="utf-8"), source=str(file)), longest)
    except (UnderpaintError, ValueError, KeyError, TypeError):
        return None


def _tokenizer_of(model: Model) -> tuple[Path, int]:
    """Return the file of a model's tokenizer, and how many tokens the model reads."""
    file = model.part("text_tokenizer", TOKENIZER)[0]
    if isinstance(model, ExportedModel):
        return file, model.edge.max_tokens
    said = parse_json(model.part("text_encoder", CONFIG)[0].read_text(encoding="utf-8"))
    return file, int(said["max_tokens"])


class Readers:
    """The readers of models, each opened when it is first asked for; one that cannot be opened is tried again."""

    def __init__(self) -> None:
        self._readers: dict[str, Reader | None] = {}

    def of(self, model: Model) -> Reader | None:
        """Return what tells how a model reads; None where nobody can tell, or not now.

        Args:
            model: The model.
        """
        if model.digest not in self._readers:
            try:
                self._readers[model.digest] = reader_of(model)
            except OSError:
                return None
        return self._readers[model.digest]

    def read(self, model: Model, prompts: list[str]) -> Iterator[Reading]:
        """Yield how a model reads prompts; nothing is said of those of a model that nobody can tell of.

        Args:
            model: The model.
            prompts: As they were written.
        """
        reader = self.of(model)
        for prompt in prompts:
            yield Reading() if reader is None else reader.read(prompt)
