"""API keys: 256 random bits behind a public id; what is kept of them is one hash.

A key reads ``up_<id>_<secret>``. The id finds the record and may stand in logs. The hash is one SHA-256 of the whole
key: slow and salted hashes protect passwords, which can be guessed; 256 random bits cannot, and a slow hash would let
whoever sends wrong keys spend the server's time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from underpaint.core.config import Config
from underpaint.core.errors import InputError

Role = Literal["user", "operator"]

ID_DIGITS, SECRET_BYTES = 12, 32
KEY = re.compile(r"up_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
LONGEST_KEY = 3 + ID_DIGITS + 1 + 43
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$"
NOBODY = hashlib.sha256(b"").hexdigest()
"""Compared with where no key has the id, so that a wrong id takes as long as a wrong secret."""

Per = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class KeyLimits(Config):
    """How much one key may ask for; what is null is left to the server.

    Args:
        requests_per_minute: Requests of any kind.
        pictures_per_minute: Pictures.
        pictures_per_day: Pictures between two midnights in UTC.
    """

    requests_per_minute: Per | None = None
    pictures_per_minute: Per | None = None
    pictures_per_day: Annotated[int, Field(ge=0, le=10**12)] | None = None


class KeyRecord(Config):
    """What is kept of a key.

    Args:
        id: Its public part.
        name: Whose it is, for people.
        role: ``user`` draws and sees its own jobs, ``operator`` all.
        sha256: Hash of the whole key.
        limits: How much it may ask for.
        created_at: Seconds since 1970.
        revoked_at: Since when it opens nothing; null while it does.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    name: Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
    role: Role
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    limits: KeyLimits = KeyLimits()
    created_at: float
    revoked_at: float | None = None

    @property
    def is_active(self) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None

    def revoked(self, now: float) -> Self:
        """Return it as it is once it opens nothing; a key revoked before keeps its time."""
        return self if not self.is_active else self.model_copy(update={"revoked_at": now})


def new_key(name: str, *, role: Role, limits: KeyLimits, now: float) -> tuple[KeyRecord, str]:
    """Return a record and the key itself, which is nowhere else.

    Args:
        name: Whose it is: 1 to 63 letters, digits and ``. _ @ -``.
        role: What it may do.
        limits: How much it may ask for.
        now: Seconds since 1970.

    Raises:
        InputError: The name cannot be used.
    """
    key_id = secrets.token_hex(ID_DIGITS // 2)
    text = f"up_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    if not re.fullmatch(NAME_PATTERN, name):
        raise InputError(
            f"a key is called by 1 to 63 letters, digits and . _ @ -, got {name!r:.80}; choose another name"
        )
    return KeyRecord(id=key_id, name=name, role=role, sha256=hash_of(text), limits=limits, created_at=now), text


def hash_of(text: str) -> str:
    """Return what is kept of a key, as 64 hexadecimal characters."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def id_of(text: str) -> str | None:
    """Return a key's public part, or None if the text has not the form of a key."""
    match = KEY.fullmatch(text) if len(text) <= LONGEST_KEY else None
    return match[1] if match else None


def opens(record: KeyRecord | None, text: str) -> bool:
    """Tell whether a text is the key of a record, in a time that does not depend on how much of it is right.

    Args:
        record: The record with the text's id; None if there is none.
        text: What a caller sent.
    """
    same = hmac.compare_digest(NOBODY if record is None else record.sha256, hash_of(text))
    return same and record is not None and record.is_active


def bearer(header: str | None) -> str | None:
    """Return the key in an ``Authorization`` header, or None if it holds none.

    Args:
        header: The header's value, ``Bearer <key>``; None if it is missing.
    """
    scheme, _, text = (header or "").strip().partition(" ")
    return text.strip() or None if scheme.lower() == "bearer" else None
