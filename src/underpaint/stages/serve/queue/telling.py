"""All changes in one line, so that somebody can look at everything of theirs over one connection.

A change is numbered by its transaction and within it. Whoever has seen a number sees what comes later by asking for
what comes after it: none is told before all that belong before it are settled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from underpaint.core.errors import InputError
from underpaint.stages.serve.queue.database import Row, Session

EVERYBODY = ""
"""The owner of changes that concern all."""
MAX_TOLD = 500
"""Most changes that are told at once."""
PLACE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


@dataclass(frozen=True, order=True)
class Place:
    """A place in the line of changes.

    Args:
        tx: The transaction.
        id: The change; those of one transaction go up.
    """

    tx: int
    id: int

    def __str__(self) -> str:
        return f"{self.tx}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Return the place that a text names.

        Raises:
            InputError: It names none.
        """
        match = PLACE.fullmatch(text)
        if match is None:
            raise InputError(f"a place in the line of events is two numbers, as 12-345 (got {text!r:.60})")
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that changed.

    Args:
        place: Where it stands in the line.
        name: For example ``job.started`` or ``gallery.deleted``.
        body: What there is to say, a JSON object.
        at: When, in seconds since 1970.
        owner: Whose it is; empty for everybody's.
        job: The job, if it is one.
    """

    place: Place
    name: str
    body: dict[str, Any]
    at: float
    owner: str
    job: str | None


class Told(list[Change]):
    """Changes in their order.

    Args:
        changes: The changes.
        until: The place to go on from: what is not told up to there is nothing for whoever asks.
    """

    def __init__(self, changes: Iterable[Change], until: Place) -> None:
        super().__init__(changes)
        self.until = until


def tell(
    session: Session, owner: str, name: str, body: str = "", *, job: str | None = None, seq: int | None = None
) -> None:
    """Put a change at the end of the line.

    Args:
        session: A transaction that writes.
        owner: Whose it is.
        name: The change's name.
        body: What there is to say, as JSON; empty where the event of the job says it.
        job: The job, if it is one.
        seq: The number of its event.
    """
    session.execute(
        "INSERT INTO change (owner, name, job, seq, body, at) VALUES (:owner, :name, :job, :seq, :body, :at)",
        owner=owner,
        name=name,
        job=job,
        seq=seq,
        body=body,
        at=session.now(),
    )
    session.notify()


def last(session: Session) -> Place:
    """Return the place behind which nothing is told yet."""
    rows = session.execute(f"SELECT tx, id FROM change WHERE true {session.settled} ORDER BY tx DESC, id DESC LIMIT 1")
    return Place(rows[0]["tx"], rows[0]["id"]) if rows else forgotten(session)


def forgotten(session: Session) -> Place:
    """Return the place up to which changes are kept no longer."""
    rows = session.execute("SELECT value FROM setting WHERE name = 'changes_forgotten'")
    return Place.parse(rows[0]["value"])


def told(session: Session, after: Place, owner: str | None, with_previews: bool) -> Told | None:
    """Return the changes after a place, at most ``MAX_TOLD``; None if that place is forgotten, or never was.

    Args:
        session: A transaction.
        after: The last place that was seen.
        owner: Whose changes; None for everybody's.
        with_previews: Whether unfinished pictures are told too.
    """
    end = last(session)
    if not forgotten(session) <= after <= end:
        return None
    conditions = ["(tx, id) > (:tx, :id)"]
    if owner is not None:
        conditions.append("owner IN (:owner, '')")
    if not with_previews:
        conditions.append("name <> 'job.preview'")
    rows = session.execute(
        "SELECT c.*, (SELECT e.body FROM job_event e WHERE e.job = c.job AND e.seq = c.seq) AS said FROM change c "
        f"WHERE {' AND '.join(conditions)} {session.settled} ORDER BY tx, id LIMIT {MAX_TOLD}",
        tx=after.tx,
        id=after.id,
        owner=owner or "",
    )
    changes = list(map(_change, rows))
    if changes:
        end = changes[-1].place if len(changes) == MAX_TOLD else max(end, changes[-1].place)
    return Told(changes, end)


def _change(row: Row) -> Change:
    return Change(
        place=Place(row["tx"], row["id"]),
        name=row["name"],
        body=json.loads(row["body"] or row["said"] or "{}"),
        at=row["at"],
        owner=row["owner"],
        job=row["job"],
    )


def forget(session: Session, before: float) -> None:
    """Forget changes that are older, all but the last, from which the line goes on.

    Args:
        session: A transaction that writes.
        before: Seconds since 1970.
    """
    rows = session.execute("SELECT tx, id FROM change WHERE at >= :before ORDER BY tx, id LIMIT 1", before=before)
    kept = min([last(session), *(Place(row["tx"], row["id"]) for row in rows)])
    rows = session.execute(
        "SELECT tx, id FROM change WHERE (tx, id) < (:tx, :id) ORDER BY tx DESC, id DESC LIMIT 1",
        tx=kept.tx,
        id=kept.id,
    )
    for row in rows:
        session.execute("DELETE FROM change WHERE (tx, id) <= (:tx, :id)", **row)
        place = str(Place(row["tx"], row["id"]))
        session.execute("UPDATE setting SET value = :value WHERE name = 'changes_forgotten'", value=place)
