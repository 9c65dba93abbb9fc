"""The text table: one static vector for each WordPiece, distilled once from all-MiniLM-L6-v2.

Each piece passes through MiniLM alone between its two special tokens; the mean of its last hidden states is its row.
Rows are centered and projected to their principal components. A second vector weighs each row by ``a / (a + p)``, with
``p`` from Zipf's law over the rank of the word, so that "the" says little.

Source: the idea of model2vec (MinishLab/model2vec); frequency weight: Arora et al., "A simple but tough-to-beat
baseline for sentence embeddings", ICLR 2017.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from underpaint.adapters.minilm import MiniLM, check_files
from underpaint.core.artifact import Manifest, seal, staging, storage_errors
from underpaint.core.config import digest_of
from underpaint.core.emoji import emoji_names
from underpaint.core.errors import TrainingError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.text import caption_from_name
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.runtime.device import threads
from underpaint.runtime.weights import write_weights
from underpaint.stages.train.text_table_config import TextTableConfig

KIND = "text-table"
CLS, SEP = 101, 102
ORDERS = {"cls-first": (CLS, SEP), "sep-first": (SEP, CLS)}
NOTICE = (
    "Distilled from sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), changed: one vector a WordPiece, projected "
    "to fewer dimensions. The vocabulary is that of BERT (google-research/bert, Apache-2.0), renumbered."
)


@dataclass(frozen=True)
class Projection:
    """Rows in fewer dimensions.

    Args:
        rows: ``[V, width]`` float64.
        explained: Share of the variance that the kept components hold.
    """

    rows: Tensor
    explained: float


def run(config: TextTableConfig, inputs: Mapping[str, Path], out: Path, report: Report = silent) -> Manifest:
    """Distil the text table and its tokenizer into a ``text-table`` artifact.

    The check's captions are CLDR's names without skin tones, which every installation has; so the table depends on
    no data set.

    Args:
        config: The settings.
        inputs: ``minilm``: a folder with MiniLM's published files (``adapters.minilm.fetch`` makes one).
        out: The new artifact: ``model.safetensors`` (``table [V, width]`` fp16, ``weight [V]`` fp32),
            ``tokenizer.json`` (its ids are the rows) and ``config.json``.
        report: Receives progress.

    Raises:
        DataError: MiniLM's files are missing or not the pinned ones.
        TrainingError: The table agrees less with MiniLM than ``config.floor``.
    """
    hashes = check_files(inputs["minilm"])
    teacher = MiniLM.from_folder(inputs["minilm"])
    source = json.loads((inputs["minilm"] / "tokenizer.json").read_text(encoding="utf-8"))
    pieces = used_pieces(source["model"]["vocab"], config.max_rows)
    tokenizer = renumbered(source, pieces)
    weight = zipf_weights([piece for piece, _ in pieces], config.smoothing)
    with threads(1):
        captions = check_captions(config.max_captions)
        similarities = pair_similarities(teacher_vectors(teacher, source, captions))
        orders = tuple(ORDERS) if config.order == "best" else (config.order,)
        tables, agreements = {}, {}
        for order in orders:
            rows = distill(teacher, [i for _, i in pieces], order, config.batch, report)
            tables[order] = project(rows, config.width)
            vectors = mean_vectors(tables[order].rows.half().float(), weight, tokenizer, captions)
            agreements[order] = rank_correlation(pair_similarities(vectors), similarities)
    chosen = max(orders, key=lambda order: agreements[order])
    if agreements[chosen] < config.floor:
        raise TrainingError(
            f"the text table agrees with MiniLM with rank correlation {agreements[chosen]:.3f} only; "
            f"at least {config.floor} is asked for: use all rows and a greater width"
        )
    figures = {
        "rank_correlation": {order: round(value, 6) for order, value in agreements.items()},
        "explained_variance": round(tables[chosen].explained, 6),
        "captions": len(captions),
    }
    card = {
        "width": config.width,
        "vocab_size": len(pieces),
        "pad_id": tokenizer.pad_id,
        "order": chosen,
        "smoothing": config.smoothing,
        "source": "sentence-transformers/all-MiniLM-L6-v2",
        "source_sha256": hashes,
        "notice": NOTICE,
        **figures,
    }
    with staging(out) as folder:
        write(folder, tables[chosen].rows, weight, tokenizer, card)
        return seal(
            folder,
            kind=KIND,
            stage="train",
            config=config,
            parents={"minilm": digest_of(hashes)},
            figures=figures,
            packages=("torch", "numpy", "safetensors", "tokenizers"),
        )


def write(folder: Path, rows: Tensor, weight: Tensor, tokenizer: TextTokenizer, card: Mapping[str, Any]) -> None:
    """Write the artifact's files.

    Args:
        folder: Where to.
        rows: ``[V, width]``; the row of ``[PAD]`` is written as zeros.
        weight: ``[V]``.
        tokenizer: Its ids are the rows.
        card: The values of ``config.json``.
    """
    table = rows.half()
    table[tokenizer.pad_id] = 0
    with storage_errors(folder):
        write_weights(folder / "model.safetensors", {"table": table, "weight": weight})
        tokenizer.save(folder)
        (folder / "config.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def used_pieces(vocab: Mapping[str, int], max_rows: int | None = None) -> list[tuple[str, int]]:
    """Return the pieces that text can be cut into, with their ids in MiniLM, in that order.

    Args:
        vocab: Piece to id.
        max_rows: Keep the first ones alone.
    """
    pieces = sorted(((p, i) for p, i in vocab.items() if not p.startswith("[unused")), key=lambda entry: entry[1])
    return pieces[:max_rows]


def renumbered(source: Mapping[str, Any], pieces: Sequence[tuple[str, int]]) -> TextTokenizer:
    """Return MiniLM's tokenizer with dense ids and without special tokens in the text.

    "[CLS]" in a text is then cut like any other characters and can't stand for a special token.

    Args:
        source: The published ``tokenizer.json``, parsed.
        pieces: The pieces to keep; their order gives the ids.
    """
    vocab = {piece: row for row, (piece, _) in enumerate(pieces)}
    values = {
        **source,
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "post_processor": None,
        "model": {**source["model"], "vocab": vocab},
    }
    return TextTokenizer(Tokenizer.from_str(json.dumps(values)))


def zipf_weights(pieces: Sequence[str], smoothing: float) -> Tensor:
    """Return the frequency weight of each piece, ``a / (a + p)`` with ``p`` by Zipf's law.

    Specials and single characters stand before or behind the words in BERT's vocabulary, so the words alone are
    ranked (with "a", the one frequent word of one letter, first), and the rest takes the median.

    Args:
        pieces: The vocabulary; its words are in order of frequency.
        smoothing: ``a``.

    Returns:
        ``[V]`` fp32, in (0, 1).
    """
    is_special = [piece.startswith("[") and piece.endswith("]") and len(piece) > 2 for piece in pieces]
    is_word = [len(p.removeprefix("##")) > 1 and not s for p, s in zip(pieces, is_special, strict=True)]
    words = [row for row, piece in enumerate(pieces) if piece == "a"] + [
        row for row, word in enumerate(is_word) if word
    ]
    ranks = np.arange(1, len(words) + 1, dtype=np.float64)
    frequency = (1 / ranks) / (1 / ranks).sum()
    weights = smoothing / (smoothing + frequency)
    full = np.full(len(pieces), np.median(weights) if len(words) else 1.0)
    full[words] = weights
    return torch.from_numpy(full).float()


def distill(teacher: MiniLM, ids: Sequence[int], order: str, batch: int, report: Report = silent) -> Tensor:
    """Return MiniLM's mean vector of each piece alone between its specials, ``[V, D]``.

    Args:
        teacher: MiniLM.
        ids: MiniLM's ids of the V pieces.
        order: A key of ``ORDERS``.
        batch: Pieces a pass.
        report: Receives progress.
    """
    first, last = ORDERS[order]
    rows = []
    for start in range(0, len(ids), batch):
        report(Progress(task=f"distill text table, {order}", done=start, total=len(ids), unit="pieces"))
        middle = torch.tensor(ids[start : start + batch])
        inputs = torch.stack([torch.full_like(middle, first), middle, torch.full_like(middle, last)], dim=1)  # [B, 3]
        rows.append(teacher.mean(inputs, torch.ones_like(inputs, dtype=torch.bool)))
    report(Progress(task=f"distill text table, {order}", done=len(ids), total=len(ids), unit="pieces"))
    return torch.cat(rows)  # [V, D]


def project(rows: Tensor, width: int) -> Projection:
    """Centre rows and project them to their first principal components, exactly and with fixed signs.

    The largest entry of each component is made positive, so that a rebuild gives the same table.

    Args:
        rows: ``[V, D]``.
        width: Components kept.
    """
    centered = rows.double() - rows.double().mean(0)
    _, singular, components = torch.linalg.svd(centered, full_matrices=False)  # [D], [D, D]
    largest = components.gather(1, components.abs().argmax(1, keepdim=True))  # [D, 1]
    components = components * largest.sign()
    variance = singular.square()
    kept = centered @ components[:width].T  # [V, width]
    return Projection(rows=kept, explained=float(variance[:width].sum() / variance.sum()))


def check_captions(limit: int) -> list[str]:
    """Return captions for the check, evenly from CLDR's names without skin tones.

    Args:
        limit: At most so many.
    """
    captions = sorted({caption_from_name(name) for name in emoji_names().values() if "skin tone" not in name})
    stride = max(1, -(-len(captions) // limit))
    return captions[::stride]


def teacher_vectors(teacher: MiniLM, source: Mapping[str, Any], captions: Sequence[str]) -> Tensor:
    """Return MiniLM's own sentence vectors of captions ``[N, D]``."""
    tokenizer = Tokenizer.from_str(json.dumps({**source, "truncation": None, "padding": None}))
    return teacher.sentences([encoded.ids for encoded in tokenizer.encode_batch(list(captions))])


def mean_vectors(table: Tensor, weight: Tensor, tokenizer: TextTokenizer, captions: Sequence[str]) -> Tensor:
    """Return the weighted mean of table rows of each caption ``[N, width]``."""
    ids, mask = (torch.from_numpy(a) for a in tokenizer.encode_batch(captions, length=64))  # [N, T] each
    share = (weight[ids] * mask).unsqueeze(-1)  # [N, T, 1]
    return (table[ids] * share).sum(1) / share.sum(1).clamp(min=1e-12)


def pair_similarities(vectors: Tensor) -> Tensor:
    """Return the cosine similarity of every pair of vectors once ``[N (N - 1) / 2]``.

    Args:
        vectors: ``[N, D]``.
    """
    unit = torch.nn.functional.normalize(vectors.double(), dim=1)
    rows, columns = torch.triu_indices(len(unit), len(unit), offset=1)
    return (unit @ unit.T)[rows, columns]


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Return Spearman's rank correlation; ties share their mean rank.

    Args:
        first: ``[N]``.
        second: ``[N]``.
    """
    return float(torch.corrcoef(torch.stack([_ranks(first), _ranks(second)]))[0, 1])


def _ranks(values: Tensor) -> Tensor:
    _, inverse, counts = torch.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    return (last - (counts.double() - 1) / 2)[inverse]
