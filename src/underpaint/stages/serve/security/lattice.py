"""All ways to read a prompt as words of a policy: a lattice whose nodes are the gaps between its tokens.

An edge from gap *i* to gap *j* is a word that tokens *i* to *j*-1 may be. Words that are pulled apart (``n a z i``,
``na-zi``, ``na zi``) are edges over several tokens, words that are run together are split into tokens before. Time and
memory grow with the length of the prompt alone.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from underpaint.stages.serve.security.terms import pieces
from underpaint.stages.serve.security.vocabulary import How, Vocabulary

MAX_PULLED = 5
"""Most pieces, of more than one letter, that one word is looked for in."""
MIN_ROW = 3
"""Fewest single letters in a row that are read as one word."""
LONGEST_ROW = 400


@dataclass(frozen=True)
class Edge:
    """A word that some tokens may be.

    Args:
        end: The gap after the last of them.
        word: Number of the word.
        how: How it is written.
    """

    end: int
    word: int
    how: How


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """A prompt as a policy reads it.

    Args:
        tokens: Its tokens.
        edges: Gap to the words that begin there.
    """

    tokens: Sequence[str]
    edges: Mapping[int, Sequence[Edge]]


@dataclass(frozen=True)
class Token:
    """A piece of a prompt.

    Args:
        text: As it stands there, in letters and digits.
        words: Words that it may be besides what it is plainly.
        glued: Whether something other than a space parts it from the piece before.
    """

    text: str
    words: tuple[tuple[int, How], ...] = ()
    glued: bool = False


def lattice_of(canonical: str, vocabulary: Vocabulary) -> Lattice:
    """Return all ways to read a prompt.

    Args:
        canonical: The prompt, canonical.
        vocabulary: The words of the policy.
    """
    tokens = [token for chunk in canonical.split() for token in _tokens(chunk, vocabulary)]
    if any(len(token.text) == 1 for token in tokens):
        tokens = list(_rows_joined(tokens, vocabulary))
    edges: dict[int, list[Edge]] = defaultdict(list)
    for start, token in enumerate(tokens):
        readings = dict.fromkeys((*vocabulary.plain(token.text), *token.words))
        edges[start] += [Edge(start + 1, number, how) for number, how in readings]
    for start, edge in _pulled_apart(tokens, vocabulary):
        edges[start].append(edge)
    return Lattice(tokens=[token.text for token in tokens], edges=edges)


def _tokens(chunk: str, vocabulary: Vocabulary) -> Iterator[Token]:
    """Yield the tokens of what stands between two spaces."""
    if chunk.isalpha() and chunk in vocabulary.ordinary:
        yield Token(chunk)
        return
    parts = pieces(chunk)
    is_plain = chunk.isalnum() or (len(parts) == 1 and any(vocabulary.plain(parts[0])))
    if not is_plain and (disguised := tuple(vocabulary.disguised(chunk))):
        yield Token(chunk, disguised)
        return
    for number, part in enumerate(parts):
        words = tuple(vocabulary.disguised(part))
        split = [] if words or part in vocabulary.ordinary else vocabulary.together(part)
        if split:
            yield from (Token(part, ((word, "run together"),), glued=True) for word in split)
        else:
            yield Token(part, words, glued=number > 0)


def _rows_joined(tokens: Sequence[Token], vocabulary: Vocabulary) -> Iterator[Token]:
    """Yield tokens with rows of single letters replaced by the words that stand in them, if there are any."""
    for is_single, group in itertools.groupby(tokens, key=lambda token: len(token.text) == 1):
        row = list(group)
        words = []
        if is_single and len(row) >= MIN_ROW:
            words = vocabulary.inside("".join(token.text for token in row[:LONGEST_ROW]))
        if words:
            yield from (Token(" ".join(token.text for token in row), ((word, "pulled apart"),)) for word in words)
        else:
            yield from row


def _pulled_apart(tokens: Sequence[Token], vocabulary: Vocabulary) -> Iterator[tuple[int, Edge]]:
    """Yield words that several tokens are together, unless all of them are ordinary words with spaces between."""
    odd = [token.text not in vocabulary.ordinary for token in tokens]
    glued = [token.glued for token in tokens]
    if not any(odd) and not any(glued):
        return
    for start, token in enumerate(tokens):
        text = token.text
        for end in range(start + 2, min(start + MAX_PULLED, len(tokens)) + 1):
            known, text = len(text), text + tokens[end - 1].text
            if len(text) > vocabulary.longest:
                break
            if any(glued[start + 1 : end]) or any(odd[start:end]):
                number = vocabulary.exactly(text, known)
                if number is not None:
                    yield start, Edge(end, number, "pulled apart")
