"""From a checked list to a batch: its lines are kept first, so that the list goes on whatever happens to the server."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from underpaint.core.errors import FieldError, IdempotencyConflict, JobNotFound
from underpaint.stages.serve.batches.answer_files import LINES_AT_ONCE
from underpaint.stages.serve.batches.input_file import LIST
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.records import BatchRecord, LineRecord
from underpaint.stages.serve.jobs.desk import images_of
from underpaint.stages.serve.lists.checking import CheckedList

WINDOW_S = 7 * 86400
DIGITS = 24


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


def id_of(owner: str, idem_key: str | None) -> str:
    """Return the id of a list: a new one, or the same for the same idempotency key of the same owner."""
    if idem_key is None:
        return f"batch_{secrets.token_hex(DIGITS // 2)}"
    return f"batch_{hashlib.sha256(f'list {owner} {idem_key}'.encode()).hexdigest()[:DIGITS]}"


def known(keeper: BatchKeeper, list_id: str, digest: str) -> BatchRecord | None:
    """Return the list that was handed in under an id already; None if there is none.

    Raises:
        IdempotencyConflict: It is another list.
    """
    try:
        found = keeper.records.batch(list_id, None)
    except FieldError:
        return None
    return the_same(found, digest)


def the_same(found: BatchRecord, digest: str) -> BatchRecord:
    """Return a list that is known.

    Raises:
        IdempotencyConflict: It is another list.
    """
    if (found.metadata or {}).get("digest") != digest:
        raise IdempotencyConflict(
            f"the idempotency key was used for another list ({found.id}); send the same list, or another key"
        )
    return found


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
        list_id: From ``id_of``.
        digest: What lists with the same idempotency key must share.

    Raises:
        StorageError: It cannot be kept.
    """
    text = "".join(f"{json.dumps(line.model_dump(mode='json', exclude_unset=True))}\n" for line in found.lines)
    file = keeper.records.add_file(owner, "batch", f"{name or 'list'}.jsonl", io.BytesIO(text.encode()))
    now = int(time.time())
    batch = keeper.records.add_batch(
        id=list_id,
        owner=owner,
        input_file_id=file.id,
        endpoint=LIST,
        metadata={
            "name": name,
            "digest": digest,
            "num_rows": str(found.num_rows),
            "num_pictures": str(found.num_pictures),
            "cost_s": f"{found.cost_s:.3f}",
        },
        base=base,
        created_at=now,
        expires_at=now + WINDOW_S,
    )
    return batch, batch.input_file_id == file.id


def facts_of(batch: BatchRecord) -> Facts:
    """Return what is known of a list besides its rows."""
    said = batch.metadata or {}
    return Facts(
        name=said.get("name", ""),
        num_rows=int(said.get("num_rows", 1)),
        num_pictures=int(said.get("num_pictures", 0)),
        cost_s=float(said.get("cost_s", 0.0)),
    )


def list_of(keeper: BatchKeeper, list_id: str, owner: str | None) -> BatchRecord:
    """Return a list.

    Raises:
        FieldError: There is none, or it is another owner's.
    """
    missing = FieldError(f"there is no list {list_id!r:.80}", param="list_id", code="list_not_found")
    try:
        found = keeper.records.batch(list_id, owner)
    except FieldError:
        raise missing from None
    if found.endpoint != LIST:
        raise missing
    return found


def lines_of(keeper: BatchKeeper, batch: BatchRecord) -> Iterator[LineRecord]:
    """Yield the rows of a list that became jobs, in their order."""
    after = 0
    while lot := keeper.records.lines(batch.id, after=after, limit=LINES_AT_ONCE):
        yield from lot
        after = lot[-1].line


def digests_of(keeper: BatchKeeper, batch: BatchRecord) -> list[str]:
    """Return the SHA-256 of the pixels of all pictures of a list that are finished, as long as its jobs are kept."""
    found: list[str] = []
    for line in lines_of(keeper, batch):
        try:
            job = keeper.desk.queue.get(line.job)
        except JobNotFound:
            continue
        found += [image["pixel_sha256"] for image in images_of(job)]
    return found
