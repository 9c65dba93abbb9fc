"""Kinds of batches for the gallery: each is found under its own name, and handed in once under an idempotency key."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass

from underpaint.core.errors import FieldError, IdempotencyConflict
from underpaint.stages.serve.batches.input_file import FOR_GALLERY, LIST, SHEET
from underpaint.stages.serve.batches.records import BatchRecord, Records

WINDOW_S = 7 * 86400
"""How long there is time to draw one."""
DIGEST = "digest"
"""Where a batch keeps what requests with the same idempotency key must share."""
DIGITS = 24


@dataclass(frozen=True)
class Kind:
    """A kind of batches for the gallery.

    Args:
        endpoint: Where they are handed in.
        prefix: What their ids begin with.
    """

    endpoint: str
    prefix: str

    @property
    def noun(self) -> str:
        """What one of them is called."""
        return FOR_GALLERY[self.endpoint]

    def id_of(self, owner: str, idem_key: str | None) -> str:
        """Return an id: a new one, or the same for the same idempotency key of the same owner.

        Args:
            owner: Whose it is.
            idem_key: The key; None for none.
        """
        if idem_key is None:
            return f"{self.prefix}_{secrets.token_hex(DIGITS // 2)}"
        return f"{self.prefix}_{hashlib.sha256(f'{self.noun} {owner} {idem_key}'.encode()).hexdigest()[:DIGITS]}"

    def one(self, records: Records, name: str, owner: str | None) -> BatchRecord:
        """Return a batch of this kind.

        Args:
            records: Where it is kept.
            name: Its id.
            owner: Whose it must be; None for anybody's.

        Raises:
            FieldError: There is none, or it is another owner's.
        """
        missing = FieldError(
            f"there is no {self.noun} {name!r:.80}", param=f"{self.noun}_id", code=f"{self.noun}_not_found"
        )
        try:
            found = records.batch(name, owner)
        except FieldError:
            raise missing from None
        if found.endpoint != self.endpoint:
            raise missing
        return found

    def keep(
        self,
        records: Records,
        name: str,
        metadata: dict[str, str],
        *,
        owner: str,
        base: str,
        digest: str,
        file: str = "",
    ) -> tuple[BatchRecord, bool]:
        """Keep a batch of this kind; return it, or what was kept under its id meanwhile, and whether it is new.

        Args:
            records: Where it is kept.
            name: From ``id_of``.
            metadata: What is known of it.
            owner: Whose it is.
            base: The server's address, as its owner calls it.
            digest: What requests with the same idempotency key must share.
            file: The id of the file of its lines; empty if it has none.

        Raises:
            StorageError: It cannot be kept.
        """
        now = int(time.time())
        return records.add_batch(
            id=name,
            owner=owner,
            input_file_id=file,
            endpoint=self.endpoint,
            metadata={**metadata, DIGEST: digest},
            base=base,
            created_at=now,
            expires_at=now + WINDOW_S,
        )

    def known(self, records: Records, name: str, digest: str) -> BatchRecord | None:
        """Return what was handed in under an id already; None if there is none.

        Args:
            records: Where it is kept.
            name: From ``id_of``.
            digest: Of what is handed in now.

        Raises:
            IdempotencyConflict: Something else was.
        """
        try:
            found = self.one(records, name, None)
        except FieldError:
            return None
        return self.the_same(found, digest)

    def the_same(self, found: BatchRecord, digest: str) -> BatchRecord:
        """Return what is known under an id.

        Args:
            found: What is known.
            digest: Of what is handed in now.

        Raises:
            IdempotencyConflict: That is something else.
        """
        if (found.metadata or {}).get(DIGEST) != digest:
            raise IdempotencyConflict(
                f"the idempotency key was used for another {self.noun} ({found.id}); send the same {self.noun}, or "
                "another key"
            )
        return found

    def page(
        self, records: Records, owner: str | None, after: str | None, limit: int
    ) -> tuple[list[BatchRecord], bool]:
        """Return some, the latest first, and whether there are more.

        Args:
            records: Where they are kept.
            owner: Whose they are; None for everybody's.
            after: The id of the last one that was seen; None for the first page.
            limit: Most on a page.

        Raises:
            FieldError: There is nothing under ``after``.
        """
        try:
            before = None if after is None else self.one(records, after, owner).seq
        except FieldError as error:
            raise FieldError(str(error), param="after") from None
        found = records.batches(owner, before, limit + 1, self.endpoint)
        return found[:limit], len(found) > limit


LISTS = Kind(endpoint=LIST, prefix="batch")
SHEETS = Kind(endpoint=SHEET, prefix="sheet")
