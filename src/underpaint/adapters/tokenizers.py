"""Token ids as a published model wants them, special tokens included, by the ``tokenizers`` library."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.adapters.require import require


def whole_ids(file: str, texts: Sequence[str]) -> list[list[int]]:
    """Return the ids of texts with the special tokens that the file adds, neither cut nor padded.

    Args:
        file: The text of a published ``tokenizer.json``.
        texts: N texts.

    Raises:
        MissingDependency: The library is not installed.
    """
    tokenizer = require("tokenizers", extra="torch").Tokenizer.from_str(file)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [encoded.ids for encoded in tokenizer.encode_batch(list(texts))]
