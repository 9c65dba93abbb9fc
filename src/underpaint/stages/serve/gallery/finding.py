"""Finding pictures again: by the words of their prompts, by what their owner said of them, by what drew them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from underpaint.core.config import Config
from underpaint.core.errors import FieldError
from underpaint.stages.serve.gallery.picture import GalleryPicture, folded, picture_of
from underpaint.stages.serve.queue.database import Row, Session

MAX_WORDS = 20
MAX_PAGE = 200


class Query(Config):
    """Which pictures are wanted; all that is given must hold.

    Args:
        search: Words, or beginnings, ends and middles of them, that all stand in the prompt or the note.
        favorite: Whether its owner likes it best.
        style: The style that was asked for.
        model: What drew it: a served name, or a release.
        job: The job that drew it.
        deleted: Whether it is in the bin.
    """

    search: str = Field(default="", max_length=500, pattern=r"^[^\x00]*$")
    favorite: bool | None = None
    style: str | None = Field(default=None, max_length=100, pattern=r"^[^\x00]*$")
    model: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")
    job: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")
    deleted: bool = False


def found(session: Session, query: Query, owner: str | None, before: int | None, limit: int) -> list[GalleryPicture]:
    """Return pictures, the newest first.

    Args:
        session: A transaction.
        query: Which.
        owner: Whose; None for everybody's.
        before: Only those older than the one of this ``seq``.
        limit: Most pictures.
    """
    where, values = _where(query, owner)
    if before is not None:
        where, values = f"{where} AND seq < :before", values | {"before": before}
    sql = f"SELECT * FROM picture WHERE {where} ORDER BY seq DESC LIMIT :limit"
    return list(map(picture_of, session.execute(sql, limit=limit, **values)))


def total(session: Session, query: Query, owner: str | None) -> int:
    """Return how many pictures there are."""
    where, values = _where(query, owner)
    return session.execute(f"SELECT count(*) AS pictures FROM picture WHERE {where}", **values)[0]["pictures"]


def one(session: Session, digest: str, owner: str | None, mine: str) -> Row:
    """Return the row of a picture; of several owners' the caller's own, else the newest.

    Args:
        session: A transaction.
        digest: SHA-256 of its pixels.
        owner: Whose it must be; None for anybody's.
        mine: The caller.

    Raises:
        FieldError: There is none.
    """
    rows = session.execute(
        "SELECT * FROM picture WHERE pixel_sha256 = :digest AND (owner = :mine OR :all = 1) "
        "ORDER BY CASE WHEN owner = :mine THEN 0 ELSE 1 END, seq DESC LIMIT 1",
        digest=digest.replace("\0", ""),
        mine=mine,
        all=int(owner is None),
    )
    if not rows:
        raise FieldError(
            f"there is no picture {digest!r:.80} in the gallery; list it to see which there are",
            param="pixel_sha256",
            code="image_not_found",
        )
    return rows[0]


def may_see(session: Session, digest: str, owner: str) -> bool:
    """Tell whether an owner is shown a kept picture: it is in no gallery, in the owner's, or a job of theirs drew it.

    Args:
        session: A transaction.
        digest: SHA-256 of its pixels.
        owner: Who asks.
    """
    rows = session.execute("SELECT owner FROM picture WHERE pixel_sha256 = :digest", digest=digest)
    owners = {row["owner"] for row in rows}
    return not owners or owner in owners or _drew(session, digest, owner)


def _drew(session: Session, digest: str, owner: str) -> bool:
    """Tell whether a job of an owner that is still kept drew a picture."""
    rows = session.execute(
        "SELECT seq FROM job_event WHERE job IN (SELECT id FROM job WHERE owner = :owner) "
        "AND name = 'job.image' AND body LIKE :shown LIMIT 1",
        owner=owner,
        shown=f"%{_escaped(digest)}%",
    )
    return bool(rows)


def known(session: Session, digests: Sequence[str], owner: str | None) -> set[str]:
    """Return those of some digests, not too many, that are in the gallery."""
    return {row["pixel_sha256"] for row in _named_rows(session, digests, owner, "")}


def named(session: Session, digests: Sequence[str], owner: str | None, mine: str) -> list[GalleryPicture]:
    """Return pictures, not too many, in the order of their digests; those that are not there are left out.

    Args:
        session: A transaction.
        digests: SHA-256 of the pixels of each.
        owner: Whose they must be; None for anybody's.
        mine: The caller, whose own comes before another's of the same pixels.
    """
    rows = {row["pixel_sha256"]: row for row in _named_rows(session, digests, owner, mine)}
    return [picture_of(rows[digest]) for digest in digests if digest in rows]


def _named_rows(session: Session, digests: Sequence[str], owner: str | None, mine: str) -> list[Row]:
    values = {f"digest_{i}": digest for i, digest in enumerate(digests)}
    names = ", ".join(f":{name}" for name in values)
    return session.execute(
        f"SELECT * FROM picture WHERE pixel_sha256 IN ({names}) AND (owner = :owner OR :all = 1) "
        "ORDER BY CASE WHEN owner = :mine THEN 1 ELSE 0 END, seq",
        owner=owner or "",
        all=int(owner is None),
        mine=mine,
        **values,
    )


def _where(query: Query, owner: str | None) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {}
    conditions = [f"deleted_at IS {'NOT ' if query.deleted else ''}NULL"]
    if owner is not None:
        conditions, values["owner"] = [*conditions, "owner = :owner"], owner
    if query.favorite is not None:
        conditions.append(f"favorite = {int(query.favorite)}")
    for name in ("style", "job"):
        if getattr(query, name) is not None:
            conditions, values[name] = [*conditions, f"{name} = :{name}"], getattr(query, name)
    if query.model is not None:
        conditions, values["model"] = [*conditions, "(model = :model OR release_id = :model)"], query.model
    for i, word in enumerate(folded(query.search).split()[:MAX_WORDS]):
        conditions, values[f"word_{i}"] = [*conditions, f"words LIKE :word_{i} ESCAPE '!'"], f"%{_escaped(word)}%"
    return " AND ".join(conditions), values


def _escaped(word: str) -> str:
    return "".join(f"!{sign}" if sign in "!%_" else sign for sign in word)
