"""Putting pictures into the gallery: one of an owner's for each set of pixels, the newest first."""

from __future__ import annotations

import json
from collections.abc import Sequence

from underpaint.core.config import canonical_json
from underpaint.stages.serve.gallery.picture import Entry, folded
from underpaint.stages.serve.queue.database import Row, Session
from underpaint.stages.serve.queue.telling import tell

KEPT = ("favorite", "rating", "note")
"""What an owner said of a picture stays when it is drawn again."""
COLUMNS = (
    "owner", "pixel_sha256", "bytes", "deleted_at", "style", "model", "release_id", "words", "job", "output_format",
    "width", "height", "created_at", "settings", "cost", *KEPT,
)  # fmt: skip
INSERT = f"INSERT INTO picture ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{name}' for name in COLUMNS)})"


def enter(session: Session, owner: str, entries: Sequence[Entry], job: str | None) -> None:
    """Put pictures into the gallery; one that is there already comes out of the bin and to the front.

    Args:
        session: A transaction that writes.
        owner: Whose they are.
        entries: The pictures.
        job: The job that drew them; None if somebody brought them.
    """
    for entry in {entry.pixel_sha256: entry for entry in entries}.values():
        known = session.execute(
            "DELETE FROM picture WHERE owner = :owner AND pixel_sha256 = :digest RETURNING favorite, rating, note",
            owner=owner,
            digest=entry.pixel_sha256,
        )
        said = known[0] if known else {"favorite": 0, "rating": None, "note": entry.note}
        session.execute(INSERT, **_values(session, owner, entry, job, said))
    if entries:
        announce(session, owner, "gallery.added", [entry.pixel_sha256 for entry in entries])


def _values(session: Session, owner: str, entry: Entry, job: str | None, said: Row) -> Row:
    settings = entry.settings
    return {
        "owner": owner,
        "pixel_sha256": entry.pixel_sha256,
        "bytes": entry.disk_bytes,
        "deleted_at": None,
        "style": None if settings is None else settings.style,
        "model": entry.model,
        "release_id": entry.release,
        "words": words_of("" if settings is None else settings.prompt, said["note"]),
        "job": job,
        "output_format": entry.output_format,
        "width": entry.width,
        "height": entry.height,
        "created_at": session.now(),
        "settings": None if settings is None else settings.to_json(),
        "cost": None if entry.cost is None else canonical_json(entry.cost.model_dump(mode="json")),
        **said,
    }


def words_of(prompt: str, note: str | None) -> str:
    """Return what a picture is found by."""
    return folded(f"{prompt} {note or ''}")


def announce(session: Session, owner: str, name: str, digests: Sequence[str]) -> None:
    """Tell that pictures changed."""
    tell(session, owner, name, json.dumps({"pictures": list(digests)}))
