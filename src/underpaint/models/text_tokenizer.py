"""Text to token ids: the WordPiece vocabulary of the text table, without specials, padding or silent cuts.

The tokenizer's file comes with the text table: its ids are the rows of that table. It needs neither torch nor
transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import ArtifactError

FILE = "tokenizer.json"
PAD, UNKNOWN = "[PAD]", "[UNK]"
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
        tokenizer: A tokenizer whose vocabulary holds ``[PAD]`` and ``[UNK]``. Its truncation and padding are
            switched off, since the published file of MiniLM pads every text to 128 tokens.

    Raises:
        ArtifactError: One of the two tokens is missing.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        pad_id, unknown_id = tokenizer.token_to_id(PAD), tokenizer.token_to_id(UNKNOWN)
        if pad_id is None or unknown_id is None:
            raise ArtifactError(f"the tokenizer's vocabulary lacks {PAD} or {UNKNOWN}; rebuild the text table")
        self._tokenizer = tokenizer
        self.pad_id: int = pad_id
        self.unknown_id: int = unknown_id

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Load ``tokenizer.json`` from a folder.

        Args:
            folder: A text-table artifact, or the tokenizer's part of a saved pipeline.

        Raises:
            ArtifactError: The file is missing or damaged.
        """
        path = folder / FILE
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ArtifactError(f"cannot read {path} ({error}); make or download the model again") from None
        try:
            return cls(Tokenizer.from_str(text))
        except ArtifactError:
            raise
        except Exception as error:  # the tokenizers library raises bare Exception
            raise ArtifactError(f"{path} is damaged ({error}); make or download the model again") from None

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json`` into a folder, which is made if need be; the same tokenizer gives the same bytes."""
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FILE).write_text(self._tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")

    @property
    def vocab_size(self) -> int:
        """Number of ids; the text table has as many rows."""
        return self._tokenizer.get_vocab_size()

    def encode(self, text: str, max_tokens: int = MAX_TOKENS) -> Encoding:
        """Return the ids of one text.

        Args:
            text: Canonical text; an empty one has no ids.
            max_tokens: Ids beyond this number are cut off and reported in ``truncated``.
        """
        return self._cut(self._tokenizer.encode(text, add_special_tokens=False).ids, max_tokens)

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
        for row, encoded in enumerate(self._tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            kept = encoded.ids[:length]
            ids[row, : len(kept)] = kept
            mask[row, : len(kept)] = True
        return ids, mask  # [B, T], [B, T]

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """Return the pieces that stand behind ids, for reading."""
        return [self._tokenizer.id_to_token(int(i)) or UNKNOWN for i in ids]

    def _cut(self, ids: list[int], max_tokens: int) -> Encoding:
        kept = ids[:max_tokens]
        return Encoding(ids=kept, truncated=len(ids) > max_tokens, unknown=kept.count(self.unknown_id))
