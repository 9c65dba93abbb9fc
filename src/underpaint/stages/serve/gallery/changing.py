"""What owners do with their pictures: say something of them, put them into the bin, take them out, erase them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Literal

from underpaint.stages.serve.gallery.entering import announce, words_of
from underpaint.stages.serve.gallery.picture import picture_of
from underpaint.stages.serve.queue.database import ROWS_AT_ONCE, Row, Session

Action = Literal["delete", "restore", "erase", "favorite", "unfavorite"]
Change = Callable[[Session, Row], bool]
"""Changes a picture, and tells whether there was anything to change."""


def say(session: Session, row: Row, said: dict[str, Any]) -> Row:
    """Note what an owner says of a picture.

    Args:
        session: A transaction that writes.
        row: The picture.
        said: New values of ``favorite``, ``rating`` and ``note``.
    """
    if said:
        values = {**said, "words": words_of(picture_of(row).prompt, said.get("note", row["note"]))}
        if "favorite" in said:
            values["favorite"] = int(said["favorite"])
        row = _update(session, row, values)
        announce(session, row["owner"], "gallery.changed", [row["pixel_sha256"]])
    return row


def act(session: Session, rows: Sequence[Row], action: Action) -> list[Row]:
    """Do one thing with several pictures; what is done already stays as it is.

    Args:
        session: A transaction that writes.
        rows: The pictures.
        action: What is done.

    Returns:
        The rows that changed.
    """
    change, event = ACTIONS[action]
    changed = [row for row in rows if change(session, row)]
    by_owner: dict[str, list[str]] = defaultdict(list)
    for row in changed:
        by_owner[row["owner"]].append(row["pixel_sha256"])
    for owner, digests in sorted(by_owner.items()):
        announce(session, owner, event, digests)
    return changed


def bin_of(session: Session, owner: str | None, before: float | None = None) -> list[Row]:
    """Return a lot of the pictures in the bin, those that went there first.

    Args:
        session: A transaction.
        owner: Whose; None for everybody's.
        before: Only those that went there before, in seconds since 1970; None for all.
    """
    conditions = ["deleted_at IS NOT NULL"]
    conditions += [] if owner is None else ["owner = :owner"]
    conditions += [] if before is None else ["deleted_at < :before"]
    return session.execute(
        f"SELECT * FROM picture WHERE {' AND '.join(conditions)} ORDER BY deleted_at, seq LIMIT {ROWS_AT_ONCE}",
        owner=owner or "",
        before=before or 0.0,
    )


def oldest_of_bin(session: Session, owner: str, num_bytes: int) -> list[Row]:
    """Return those that went to an owner's bin first, no more than make so much room, at most a lot.

    Args:
        session: A transaction.
        owner: Whose bin.
        num_bytes: What is needed; if the whole bin takes less, none is returned.
    """
    whole = "SELECT coalesce(sum(bytes), 0) AS bytes FROM picture WHERE owner = :owner AND deleted_at IS NOT NULL"
    if session.execute(whole, owner=owner)[0]["bytes"] < num_bytes:
        return []
    rows = bin_of(session, owner)
    before = accumulate((row["bytes"] for row in rows), initial=0)
    return [row for row, room in zip(rows, before, strict=False) if room < num_bytes]


def still_kept(session: Session, digests: Sequence[str]) -> set[str]:
    """Return those of some pixels that are in anybody's gallery, or bin."""
    kept: set[str] = set()
    for start in range(0, len(digests), ROWS_AT_ONCE):
        values = {f"digest_{i}": digest for i, digest in enumerate(digests[start : start + ROWS_AT_ONCE])}
        names = ", ".join(f":{name}" for name in values)
        rows = session.execute(f"SELECT pixel_sha256 FROM picture WHERE pixel_sha256 IN ({names})", **values)
        kept |= {row["pixel_sha256"] for row in rows}
    return kept


def _update(session: Session, row: Row, values: dict[str, Any]) -> Row:
    changes = ", ".join(f"{name} = :{name}" for name in values)
    (updated,) = session.execute(
        f"UPDATE picture SET {changes} WHERE seq = :the_seq RETURNING *", the_seq=row["seq"], **values
    )
    return updated


def _delete(session: Session, row: Row) -> bool:
    return row["deleted_at"] is None and bool(_update(session, row, {"deleted_at": session.now()}))


def _restore(session: Session, row: Row) -> bool:
    return row["deleted_at"] is not None and bool(_update(session, row, {"deleted_at": None}))


def _erase(session: Session, row: Row) -> bool:
    return bool(session.execute("DELETE FROM picture WHERE seq = :seq RETURNING seq", seq=row["seq"]))


def _prefer(session: Session, row: Row) -> bool:
    return not row["favorite"] and bool(_update(session, row, {"favorite": 1}))


def _prefer_no_more(session: Session, row: Row) -> bool:
    return bool(row["favorite"]) and bool(_update(session, row, {"favorite": 0}))


ACTIONS: dict[Action, tuple[Change, str]] = {
    "delete": (_delete, "gallery.deleted"),
    "restore": (_restore, "gallery.restored"),
    "erase": (_erase, "gallery.erased"),
    "favorite": (_prefer, "gallery.changed"),
    "unfavorite": (_prefer_no_more, "gallery.changed"),
}
"""Action to what does it, and the name of the change that is told."""
