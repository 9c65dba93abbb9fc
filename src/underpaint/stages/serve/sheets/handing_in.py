"""From a plan to a sheet that is kept, so that it is drawn whatever happens to the server or to who asked for it."""

from __future__ import annotations

import hashlib
import secrets
import time

from underpaint.core.errors import FieldError, IdempotencyConflict
from underpaint.stages.serve.batches.input_file import SHEET
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.records import BatchRecord
from underpaint.stages.serve.sheets.plan import PLAN, SheetPlan

WINDOW_S = 7 * 86400
DIGITS = 24


def id_of(owner: str, idem_key: str | None) -> str:
    """Return the id of a sheet: a new one, or the same for the same idempotency key of the same owner."""
    if idem_key is None:
        return f"sheet_{secrets.token_hex(DIGITS // 2)}"
    return f"sheet_{hashlib.sha256(f'sheet {owner} {idem_key}'.encode()).hexdigest()[:DIGITS]}"


def seed_of(sheet_id: str) -> int:
    """Return the seed of a sheet for which none is asked: the same for the same sheet."""
    return int.from_bytes(hashlib.sha256(sheet_id.encode()).digest()[:4], "big")


def sheet_of(keeper: BatchKeeper, sheet_id: str, owner: str | None) -> BatchRecord:
    """Return a sheet.

    Raises:
        FieldError: There is none, or it is another owner's.
    """
    missing = FieldError(f"there is no sheet {sheet_id!r:.80}", param="sheet_id", code="sheet_not_found")
    try:
        found = keeper.records.batch(sheet_id, owner)
    except FieldError:
        raise missing from None
    if found.endpoint != SHEET:
        raise missing
    return found


def known(keeper: BatchKeeper, sheet_id: str, plan: SheetPlan) -> BatchRecord | None:
    """Return the sheet that was handed in under an id already; None if there is none.

    Raises:
        IdempotencyConflict: It is another sheet.
    """
    try:
        found = sheet_of(keeper, sheet_id, None)
    except FieldError:
        return None
    return the_same(found, plan)


def the_same(found: BatchRecord, plan: SheetPlan) -> BatchRecord:
    """Return a sheet that is known.

    Raises:
        IdempotencyConflict: It is another sheet.
    """
    if SheetPlan.of(found) != plan:
        raise IdempotencyConflict(
            f"the idempotency key was used for another sheet ({found.id}); ask for the same one, or send another key"
        )
    return found


def hand_in(plan: SheetPlan, keeper: BatchKeeper, owner: str, base: str, sheet_id: str) -> BatchRecord:
    """Keep a sheet and return it, or what was kept under its id meanwhile.

    Args:
        plan: The sheet.
        keeper: Looks after it.
        owner: Whose it is.
        base: The server's address, as its owner calls it.
        sheet_id: From ``id_of``.

    Raises:
        StorageError: It cannot be kept.
    """
    now = int(time.time())
    return keeper.records.add_batch(
        id=sheet_id,
        owner=owner,
        input_file_id="",
        endpoint=SHEET,
        metadata={PLAN: plan.model_dump_json()},
        base=base,
        created_at=now,
        expires_at=now + WINDOW_S,
    )
