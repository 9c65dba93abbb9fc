"""The gallery as its users see it: each method is one transaction, and the files follow it when they are old.

Pictures stay until their owner deletes them, which puts them into a bin for some time. What an owner's pictures take of
the disk, the bin included, is bounded: who has no room left is told so before anything is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from underpaint.core.errors import FieldError, GalleryFull
from underpaint.stages.serve.gallery import changing, entering, finding
from underpaint.stages.serve.gallery.changing import Action
from underpaint.stages.serve.gallery.finding import Query
from underpaint.stages.serve.gallery.picture import BLOCK, Entry, GalleryPicture, picture_of
from underpaint.stages.serve.queue.database import Database, Row, Session
from underpaint.stages.serve.queue.job import Job

MB = 10**6
USUAL_BYTES = 2 * BLOCK
"""What a picture that is not drawn yet is taken for."""
LOT = 200
"""Pictures that are read at once."""


def batched(digests: Iterable[str]) -> Iterator[list[str]]:
    """Yield digests in lots, so that no statement has too many values."""
    left = iter(digests)
    while lot := list(islice(left, LOT)):
        yield lot


class Gallery:
    """The pictures of all owners. Safe for threads.

    Args:
        database: Where they are listed; the tables are those of the queue.
        max_bytes: Most bytes that the pictures of one owner may take; 0 for no gallery at all.
        keep_deleted_s: How long the bin keeps them.
    """

    def __init__(self, database: Database, *, max_bytes: int, keep_deleted_s: float) -> None:
        self._database = database
        self.max_bytes, self.keep_deleted_s = max_bytes, keep_deleted_s

    @property
    def is_on(self) -> bool:
        """Whether there is a gallery."""
        return self.max_bytes > 0

    def used_bytes(self, owner: str) -> int:
        """Return what an owner's pictures take of the disk, the bin included."""
        sql = "SELECT coalesce(sum(bytes), 0) AS bytes FROM picture WHERE owner = :owner"
        return int(self._database.read(lambda session: session.execute(sql, owner=owner))[0]["bytes"])

    def check_room(self, owner: str, num_bytes: int) -> None:
        """Refuse what an owner has no room for; of the bin, what went there first goes first, and no more than must.

        Args:
            owner: Whose pictures are coming.
            num_bytes: What they will probably take.

        Raises:
            GalleryFull: They would not fit without the bin either, which is left as it is.
        """
        while self.is_on and (lack := self.used_bytes(owner) + num_bytes - self.max_bytes) > 0:
            if not self._make_room(owner, lack):
                raise GalleryFull(
                    f"your gallery takes {self.used_bytes(owner) / MB:.1f} of {self.max_bytes / MB:,.0f} MB, and this "
                    f"would need {num_bytes / MB:.1f} MB more; delete pictures for good, or let the server's settings "
                    "allow more (gallery_mb)"
                )

    def _make_room(self, owner: str, num_bytes: int) -> bool:
        """Erase of the bin what makes so much room, or a lot of it; nothing at all if the whole bin is too little."""

        def work(session: Session) -> list[Row]:
            oldest = changing.oldest_of_bin(session, owner, num_bytes)
            return changing.act(session, oldest, "erase")

        return bool(self._database.write(work))

    def entering(self, entries: Sequence[Entry]) -> Callable[[Session, Job], None]:
        """Return what puts a job's pictures into its owner's gallery, in the transaction that finishes the job."""

        def enter(session: Session, job: Job) -> None:
            if self.is_on and job.in_gallery:
                entering.enter(session, job.owner, entries, job.id)

        return enter

    def check_on(self) -> None:
        """Refuse what only a gallery keeps where there is none.

        Raises:
            GalleryFull: There is none.
        """
        if not self.is_on:
            raise GalleryFull("this server has no gallery; let its settings allow one (gallery_mb, now 0)")

    def bring(self, owner: str, entry: Entry) -> GalleryPicture:
        """Put a picture into the gallery that no job here drew.

        Raises:
            GalleryFull: There is no gallery.
        """
        self.check_on()

        def work(session: Session) -> GalleryPicture:
            entering.enter(session, owner, [entry], None)
            return picture_of(finding.one(session, entry.pixel_sha256, owner, owner))

        return self._database.write(work)

    def page(self, query: Query, owner: str | None, before: int | None, limit: int) -> tuple[list[GalleryPicture], int]:
        """Return pictures, the newest first, and how many there are in all.

        Args:
            query: Which.
            owner: Whose; None for everybody's.
            before: Only those older than the one of this ``seq``.
            limit: Most pictures.
        """
        return self._database.read(
            lambda session: (
                finding.found(session, query, owner, before, limit),
                finding.total(session, query, owner),
            )
        )

    def one(self, digest: str, owner: str | None, mine: str) -> GalleryPicture:
        """Return a picture; see ``finding.one``."""
        return self._database.read(lambda session: picture_of(finding.one(session, digest, owner, mine)))

    def may_see(self, digest: str, owner: str) -> bool:
        """Tell whether a kept picture is shown to an owner; see ``finding.may_see``."""
        return self._database.read(lambda session: finding.may_see(session, digest, owner))

    def missing(self, digests: Sequence[str], owner: str | None) -> list[str]:
        """Return those of some digests that are not in the gallery."""
        wanted = list(dict.fromkeys(digests))
        known: set[str] = set()
        for lot in batched(wanted):
            known |= self._database.read(lambda session, lot=lot: finding.known(session, lot, owner))
        return [digest for digest in wanted if digest not in known]

    def some(self, digests: Sequence[str], owner: str | None, mine: str) -> Iterator[GalleryPicture]:
        """Yield pictures in the order in which they are named, a few at a time; those that are not there are left out.

        Args:
            digests: SHA-256 of the pixels of each.
            owner: Whose they must be; None for anybody's.
            mine: The caller, whose own comes before another's of the same pixels.
        """
        for lot in batched(dict.fromkeys(digests)):
            yield from self._database.read(lambda session, lot=lot: finding.named(session, lot, owner, mine))

    def say(self, digest: str, owner: str | None, mine: str, said: dict[str, Any]) -> GalleryPicture:
        """Note what is said of a picture and return it; see ``finding.one`` and ``changing.say``."""

        def work(session: Session) -> GalleryPicture:
            return picture_of(changing.say(session, finding.one(session, digest, owner, mine), said))

        return self._database.write(work)

    def act(
        self, digests: Iterable[str], owner: str | None, mine: str, action: Action
    ) -> tuple[list[GalleryPicture], list[str]]:
        """Do one thing with several pictures, all in one transaction.

        Args:
            digests: SHA-256 of the pixels of each.
            owner: Whose they must be; None for anybody's.
            mine: The caller.
            action: What is done.

        Returns:
            The pictures that changed, and the digests that are not in the gallery.
        """
        wanted = list(dict.fromkeys(digests))

        def work(session: Session) -> tuple[list[GalleryPicture], list[str]]:
            rows, missing = [], []
            for digest in wanted:
                try:
                    rows.append(finding.one(session, digest, owner, mine))
                except FieldError:
                    missing.append(digest)
            return list(map(picture_of, changing.act(session, rows, action))), missing

        return self._database.write(work)

    def empty_bin(self, owner: str | None, before: float | None = None) -> int:
        """Erase what is in the bin.

        Args:
            owner: Whose; None for everybody's.
            before: Only what went there before, in seconds since 1970; None for all.

        Returns:
            How many pictures were erased.
        """
        erased = 0
        while rows := self._database.write(
            lambda session: changing.act(session, changing.bin_of(session, owner, before), "erase")
        ):
            erased += len(rows)
        return erased

    def kept(self, digests: Sequence[str]) -> set[str]:
        """Return those of some pixels that are in anybody's gallery, or bin: their files must stay.

        The file of any others stays too while it is new: a job outside the gallery may have promised it.
        """
        return self._database.read(lambda session: changing.still_kept(session, digests))
