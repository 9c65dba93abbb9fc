"""From a plan to a sheet that is kept, so that it is drawn whatever happens to the server or to who asked for it."""

from __future__ import annotations

import hashlib

from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.kinds import SHEETS
from underpaint.stages.serve.batches.records import BatchRecord
from underpaint.stages.serve.sheets.plan import PLAN, SheetPlan


def seed_of(sheet_id: str) -> int:
    """Return the seed of a sheet for which none is asked: the same for the same sheet.

    Args:
        sheet_id: Its id.
    """
    return int.from_bytes(hashlib.sha256(sheet_id.encode()).digest()[:4], "big")


def hand_in(
    plan: SheetPlan, keeper: BatchKeeper, owner: str, base: str, *, sheet_id: str, digest: str
) -> tuple[BatchRecord, bool]:
    """Keep a sheet; return it, or what was kept under its id meanwhile, and whether it is new.

    Args:
        plan: The sheet.
        keeper: Looks after it.
        owner: Whose it is.
        base: The server's address, as its owner calls it.
        sheet_id: From ``SHEETS.id_of``.
        digest: What sheets with the same idempotency key must share.

    Raises:
        StorageError: It cannot be kept.
    """
    kept = {PLAN: plan.model_dump_json()}
    return SHEETS.keep(keeper.records, sheet_id, kept, owner=owner, base=base, digest=digest)
