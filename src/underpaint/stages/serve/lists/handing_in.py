"""From a checked list to a batch: its lines are kept first, so that the list goes on whatever happens to the server."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from underpaint.core.errors import JobNotFound
from underpaint.stages.serve.batches.answer_files import LINES_AT_ONCE
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.kinds import LISTS
from underpaint.stages.serve.batches.records import BatchRecord, LineRecord
from underpaint.stages.serve.jobs.desk import images_of
from underpaint.stages.serve.lists.checking import CheckedList


@dataclass(frozen=True)
class Facts:
    """What is known of a list besides its rows.

    Args:
        name: What its owner calls it.
        num_rows: Its rows.
        num_pictures: Pictures that it means.
        cost_s: Device-seconds that they will probably take.
    """

    name: str
    num_rows: int
    num_pictures: int
    cost_s: float


def hand_in(
    found: CheckedList, name: str, keeper: BatchKeeper, owner: str, base: str, *, list_id: str, digest: str
) -> tuple[BatchRecord, bool]:
    """Keep a list and begin to draw it; return it, or what was kept under its id meanwhile, and whether it is new.

    Args:
        found: The list, without mistakes.
        name: What its owner calls it.
        keeper: Looks after it.
        owner: Whose it is.
        base: The server's address, as its owner calls it.
        list_id: From ``LISTS.id_of``.
        digest: What lists with the same idempotency key must share.

    Raises:
        StorageError: It cannot be kept.
    """
    text = "".join(f"{json.dumps(line.model_dump(mode='json', exclude_unset=True))}\n" for line in found.lines)
    file = keeper.records.add_file(owner, "batch", f"{name or 'list'}.jsonl", io.BytesIO(text.encode()))
    facts = {
        "name": name,
        "num_rows": str(found.num_rows),
        "num_pictures": str(found.num_pictures),
        "cost_s": f"{found.cost_s:.3f}",
    }
    return LISTS.keep(keeper.records, list_id, facts, owner=owner, base=base, digest=digest, file=file.id)


def facts_of(batch: BatchRecord) -> Facts:
    """Return what is known of a list besides its rows."""
    said = batch.metadata or {}
    return Facts(
        name=said.get("name", ""),
        num_rows=int(said.get("num_rows", 1)),
        num_pictures=int(said.get("num_pictures", 0)),
        cost_s=float(said.get("cost_s", 0.0)),
    )


def lines_of(keeper: BatchKeeper, batch: BatchRecord) -> Iterator[LineRecord]:
    """Yield the rows of a list that became jobs, in their order."""
    after = 0
    while lot := keeper.records.lines(batch.id, after=after, limit=LINES_AT_ONCE):
        yield from lot
        after = lot[-1].line


def digests_of(keeper: BatchKeeper, batch: BatchRecord) -> list[str]:
    """Return the SHA-256 of the pixels of all pictures of a list that are finished."""
    return [image["pixel_sha256"] for line in lines_of(keeper, batch) for image in _images(keeper, line)]


def _images(keeper: BatchKeeper, line: LineRecord) -> list[dict[str, Any]]:
    """Return the pictures of a row: as they were noted, or those of its job."""
    if line.images is not None:
        return line.images
    try:
        return images_of(keeper.desk.queue.get(line.job))
    except JobNotFound:
        return []
