"""The text table: one static vector for each WordPiece, distilled once from all-MiniLM-L6-v2.

Each piece passes through MiniLM alone between its two special tokens; the mean of its last hidden states is its row.
Rows are centered and projected to their principal components.

Source: the idea of model2vec (MinishLab/model2vec).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from underpaint.adapters.minilm import MiniLM, check_files
from underpaint.adapters.tokenizers import whole_ids
from underpaint.core.artifact import Manifest, seal, staging, storage_errors
from underpaint.core.config import digest_of
from underpaint.core.errors import TrainingError
from underpaint.core.progress import Progress, Report, silent
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.runtime.device import threads
from underpaint.runtime.weights import write_weights
from underpaint.stages.train.text_table_agreement import (
    check_captions,
    mean_vectors,
    pair_similarities,
    rank_correlation,
)
from underpaint.stages.train.text_table_config import TextTableConfig
from underpaint.stages.train.text_table_pieces import renumbered, used_pieces, zipf_weights

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


@dataclass(frozen=True)
class Candidate:
    """A table made with one order of the special tokens.

    Args:
        table: Its rows.
        agreement: Rank correlation of its similarities of captions with MiniLM's own, -1 to 1.
    """

    table: Projection
    agreement: float


def run(config: TextTableConfig, inputs: Mapping[str, Path], out: Path, report: Report = silent) -> Manifest:
    """Distill the text table and its tokenizer into a ``text-table`` artifact.

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
        made = candidates(config, teacher, source, pieces, weight, tokenizer, captions, report)
    chosen = choose(made, config.floor)
    figures = {
        "rank_correlation": {order: round(one.agreement, 6) for order, one in made.items()},
        "explained_variance": round(made[chosen].table.explained, 6),
        "captions": len(captions),
    }
    card = {**described(config, tokenizer, chosen), "source_sha256": hashes, "notice": NOTICE, **figures}
    with staging(out) as folder:
        write(folder, made[chosen].table.rows, weight, tokenizer, card)
        return seal(
            folder,
            kind=KIND,
            stage="train",
            config=config,
            parents={"minilm": digest_of(hashes)},
            figures=figures,
            packages=("torch", "numpy", "safetensors", "tokenizers"),
        )


def candidates(
    config: TextTableConfig,
    teacher: MiniLM,
    source: Mapping[str, Any],
    pieces: Sequence[tuple[str, int]],
    weight: Tensor,
    tokenizer: TextTokenizer,
    captions: Sequence[str],
    report: Report = silent,
) -> dict[str, Candidate]:
    """Make a table for every order of the special tokens that is asked for.

    Args:
        config: The settings.
        teacher: MiniLM.
        source: Its published ``tokenizer.json``, parsed.
        pieces: The ``V`` pieces with their ids in MiniLM.
        weight: ``[V]`` their frequency weights.
        tokenizer: Its ids are the rows.
        captions: What tables and MiniLM are compared by.
        report: Receives progress.

    Returns:
        Key of ``ORDERS`` to table.
    """
    similarities = pair_similarities(teacher_vectors(teacher, source, captions))
    found = {}
    for order in tuple(ORDERS) if config.order == "best" else (config.order,):
        rows = distill(teacher, [i for _, i in pieces], order, config.batch, report)
        table = project(rows, config.width)
        vectors = mean_vectors(table.rows.half().float(), weight, tokenizer, captions)
        found[order] = Candidate(table, rank_correlation(pair_similarities(vectors), similarities))
    return found


def choose(made: Mapping[str, Candidate], floor: float) -> str:
    """Return the order whose table agrees best with MiniLM.

    Args:
        made: Order to table.
        floor: Least rank correlation that will do, -1 to 1.

    Raises:
        TrainingError: None agrees so well.
    """
    chosen = max(made, key=lambda order: made[order].agreement)
    if made[chosen].agreement < floor:
        raise TrainingError(
            f"the text table agrees with MiniLM with rank correlation {made[chosen].agreement:.3f} only; at least "
            f"{floor} is asked for: use all rows and a greater width"
        )
    return chosen


def described(config: TextTableConfig, tokenizer: TextTokenizer, order: str) -> dict[str, object]:
    """Return what ``config.json`` says of how a table was made, up to its figures."""
    return {
        "width": config.width,
        "vocab_size": tokenizer.vocab_size,
        "pad_id": tokenizer.pad_id,
        "order": order,
        "smoothing": config.smoothing,
        "source": "sentence-transformers/all-MiniLM-L6-v2",
    }


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
    """Center rows and project them to their first principal components, exactly and with fixed signs.

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


def teacher_vectors(teacher: MiniLM, source: Mapping[str, Any], captions: Sequence[str]) -> Tensor:
    """Return MiniLM's own sentence vectors of captions ``[N, D]``."""
    return teacher.sentences(whole_ids(json.dumps(source), captions))
