"""The word vectors that an evaluator's caption encoder stands on: a part of the text table, and a tokenizer for it.

The table's columns are principal components, so the first ones are its best summary; of its rows those are kept that
the training captions need, every single character, and the most frequent pieces.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import InputError
from underpaint.models.text_tokenizer import FILE, TextTokenizer
from underpaint.pipelines.model_folder import find_folder
from underpaint.runtime.weights import read_weights
from underpaint.stages.train.text_table_pieces import renumbered


@dataclass(frozen=True)
class Words:
    """A text table with its tokenizer.

    Args:
        tokenizer: Its ids are the rows.
        table: ``[V, width]`` float16.
        weight: ``[V]`` float32, how much each row says.
        origin: Digest of the text table that they come from.
    """

    tokenizer: TextTokenizer
    table: Tensor
    weight: Tensor
    origin: str


def read_words(source: str) -> tuple[str, Words]:
    """Read the whole table of a text-table artifact, or of a saved model.

    Args:
        source: A folder, or the name of a shipped model.

    Returns:
        The text of ``tokenizer.json``, and the table.

    Raises:
        InputError: There is no such folder or model, or it holds no text table.
    """
    folder = find_folder(source)
    manifest = read_manifest(folder)
    if manifest.kind not in ("text-table", "pipeline"):
        raise InputError(f"{folder} is a {manifest.kind!r} artifact; word vectors come from a text-table or pipeline")
    is_table = manifest.kind == "text-table"
    weights = folder / ("" if is_table else "text_encoder") / "model.safetensors"
    cutter = folder / ("" if is_table else "text_tokenizer")
    tensors = read_weights(weights)
    origin = manifest.digest if is_table else manifest.parents["text-table"]
    words = Words(TextTokenizer.from_folder(cutter), tensors["table"], tensors["weight"], origin)
    return (cutter / FILE).read_text(encoding="utf-8"), words


def kept_pieces(vocab: dict[str, int], used: set[int], rows: int) -> list[tuple[str, int]]:
    """Return the pieces to keep with their ids, in the order of the ids.

    Args:
        vocab: Piece to id; words are in order of frequency.
        used: Ids that must be kept.
        rows: The first so many are kept as well, as are specials and single characters.
    """
    kept = [
        (piece, row)
        for piece, row in vocab.items()
        if row < rows or row in used or piece.startswith("[") or len(piece.removeprefix("##")) == 1
    ]
    return sorted(kept, key=lambda entry: entry[1])


def choose_words(source: str, captions: Iterable[str], *, rows: int, width: int) -> Words:
    """Return the part of a text table that an evaluator of these captions needs.

    Args:
        source: A folder, or the name of a shipped model.
        captions: The training captions.
        rows: See ``kept_pieces``.
        width: Components kept.

    Raises:
        InputError: The table is narrower.
    """
    text, whole = read_words(source)
    if whole.table.shape[1] < width:
        raise InputError(f"the text table {source} is {whole.table.shape[1]} wide; text_width = {width} is too much")
    used = {row for caption in captions for row in whole.tokenizer.encode(caption).ids}
    file = json.loads(text)
    pieces = kept_pieces(file["model"]["vocab"], used, rows)
    index = [row for _, row in pieces]
    return Words(
        renumbered(file, pieces),
        whole.table[index, :width].contiguous(),
        whole.weight[index].contiguous(),
        whole.origin,
    )
