"""Text to token ids: the WordPiece vocabulary of the text table, without specials, padding or silent cuts.

The tokenizer's file comes with the text table: its ids are the rows of that table. It needs neither torch nor a library
of tokenizers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import ArtifactError
from underpaint.models.bert_words import BertWords
from underpaint.models.tokenizer_file import TokenizerFile
from underpaint.models.wordpiece import PAD, UNKNOWN, cut

FILE = "tokenizer.json"
MAX_TOKENS = 24


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """The ids of one text.

    Args:
        ids: Rows of the text table, in order; at most ``max_tokens``.
        truncated: Whether tokens were cut off at the end.
        unknown: How many of the ids are the unknown token.
    """

    ids: list[int]
    truncated: bool
    unknown: int


class TextTokenizer:
    """Cuts canonical text (``core.text.canonicalize``) into ids of the text table.

    Args:
        file: What its file says; ``TextTokenizer.from_json`` and ``TextTokenizer.from_folder`` read one.
    """

    def __init__(self, file: TokenizerFile) -> None:
        self._file = file
        self._words = BertWords(file.normalizer)
        self._pieces = list(file.model.vocab)
        self.pad_id: int = file.model.vocab[PAD]
        self.unknown_id: int = file.model.vocab[UNKNOWN]

    @classmethod
    def from_json(cls, text: str, *, source: str = FILE) -> Self:
        """Read the text of a ``tokenizer.json``.

        Args:
            text: JSON in the format of the ``tokenizers`` library.
            source: Where it came from; named in the error.

        Raises:
            ArtifactError: It is damaged, lacks ``[PAD]`` or ``[UNK]``, or asks for anything but BERT's WordPiece.
        """
        return cls(TokenizerFile.from_json(text, source=source))

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Load ``tokenizer.json`` from a folder.

        Args:
            folder: A text-table artifact, or the tokenizer's part of a saved pipeline.

        Raises:
            ArtifactError: The file is missing or damaged, or asks for anything but BERT's WordPiece.
        """
        path = folder / FILE
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ArtifactError(f"cannot read {path} ({error}); make or download the model again") from None
        return cls.from_json(text, source=str(path))

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json`` into a folder, which is made if need be; the same tokenizer gives the same bytes."""
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FILE).write_text(self._file.to_json(), encoding="utf-8")

    @property
    def vocab_size(self) -> int:
        """Number of ids; the text table has as many rows."""
        return len(self._pieces)

    def encode(self, text: str, max_tokens: int = MAX_TOKENS) -> Encoding:
        """Return the ids of one text.

        Args:
            text: Canonical text; an empty one has no ids.
            max_tokens: Ids beyond this number are cut off and reported in ``truncated``.
        """
        ids = self._ids(text)
        kept = ids[:max_tokens]
        return Encoding(ids=kept, truncated=len(ids) > max_tokens, unknown=kept.count(self.unknown_id))

    def encode_batch(
        self, texts: Sequence[str], length: int = MAX_TOKENS
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return padded ids and the mask of real tokens.

        Args:
            texts: Canonical texts, B of them.
            length: T; shorter texts are padded with ``pad_id``, longer ones are cut (see ``encode`` to learn of it).

        Returns:
            Ids ``[B, T]`` and mask ``[B, T]``, True where a token stands.
        """
        ids = np.full((len(texts), length), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(texts), length), dtype=np.bool_)
        for row, text in enumerate(texts):
            kept = self._ids(text)[:length]
            ids[row, : len(kept)] = kept
            mask[row, : len(kept)] = True
        return ids, mask  # [B, T], [B, T]

    def unknown_words(self, text: str) -> list[str]:
        """Return the words of a canonical text that become the unknown token as a whole, each once, in order."""
        return [word for word in dict.fromkeys(self._words(text)) if self._pieces_of(word) == [self.unknown_id]]

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """Return the pieces that stand behind ids, for reading."""
        return [self._pieces[i] if 0 <= i < len(self._pieces) else UNKNOWN for i in ids]

    def _ids(self, text: str) -> list[int]:
        return [id_ for word in self._words(text) for id_ in self._pieces_of(word)]

    def _pieces_of(self, word: str) -> list[int]:
        return cut(word, self._file.model)
