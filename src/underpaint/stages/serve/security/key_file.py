"""The file of keys: for its owner alone, changed by one process at a time, replaced whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from underpaint.core.artifact import fsync, storage_errors
from underpaint.core.config import Config, parse_json, problems_of
from underpaint.core.errors import InputError, StorageError
from underpaint.core.keys_folder import keys_folder
from underpaint.stages.serve.security.keys import KeyLimits, KeyRecord, Role, new_key

SCHEMA = "underpaint.keys/1"
FILE_CAP = 64 * 2**20
"""Longest file of keys, in bytes."""


class KeyTable(Config):
    """What the file holds.

    Args:
        schema_id: Name and version of this format; ``schema`` in the file.
        keys: All keys, the revoked ones too, so that an id never means another key.
    """

    schema_id: Literal["underpaint.keys/1"] = Field(default=SCHEMA, alias="schema")
    keys: tuple[KeyRecord, ...] = ()

    @model_validator(mode="after")
    def _ids_are_single(self) -> Self:
        if len({record.id for record in self.keys}) != len(self.keys):
            raise ValueError("an id stands twice")
        return self


def default_key_file() -> Path:
    """Return where a server's keys lie unless told otherwise: ``serve.json`` in the user's folder of keys."""
    return keys_folder() / "serve.json"


class KeyFile:
    """A file of keys.

    Args:
        path: The file; it is made with the first key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[KeyRecord, ...]:
        """Return all keys, the revoked ones too; none if there is no file.

        Raises:
            StorageError: Others may read or change the file, or it is damaged.
        """
        try:
            with self.path.open("rb") as file:
                _for_the_owner_alone(os.fstat(file.fileno()).st_mode, self.path)
                data = file.read(FILE_CAP + 1)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read ({error.strerror}); check the path") from None
        return _parsed(data, self.path)

    def create(self, name: str, *, role: Role, limits: KeyLimits, now: float) -> tuple[KeyRecord, str]:
        """Add a key and return its record and the key itself, which nobody can return again.

        Args:
            name: Whose it is; no other key that opens anything may have it.
            role: What it may do.
            limits: How much it may ask for.
            now: Seconds since 1970.

        Raises:
            InputError: The name cannot be used, or is taken.
            StorageError: The file cannot be read or written.
        """
        record, text = new_key(name, role=role, limits=limits, now=now)
        with self._alone():
            records = self.read()
            if any(other.name == name and other.is_active for other in records):
                how = shlex.join(["underpaint", "keys", "revoke", name, "--keys", str(self.path)])
                raise InputError(
                    f"a key called {name!r} is in {self.path} already; choose another name, or revoke it first: {how}"
                )
            self._write((*records, record))
        return record, text

    def revoke(self, name: str, *, now: float) -> KeyRecord:
        """Let a key open nothing any more.

        Args:
            name: Its name, or its id.
            now: Seconds since 1970.

        Raises:
            InputError: No key that opens anything is called so.
            StorageError: The file cannot be read or written.
        """
        with self._alone():
            records = self.read()
            found = next((one for one in records if name in (one.name, one.id) and one.is_active), None)
            if found is None:
                active = ", ".join(sorted(one.name for one in records if one.is_active)) or "none"
                raise InputError(f"no key is called {name!r:.80}; there are: {active:.400}")
            revoked = found.revoked(now)
            self._write(tuple(revoked if one is found else one for one in records))
        return revoked

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing the file; the lock ends with the process that holds it."""
        with storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, records: tuple[KeyRecord, ...]) -> None:
        """Replace the file: a reader sees the old one or the new one, and a crash leaves one of them."""
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.partial")
        text = KeyTable(schema=SCHEMA, keys=records).model_dump_json(indent=1, by_alias=True)
        with storage_errors(self.path):
            try:
                with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(f"{text}\n".encode())
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self.path)
                fsync(self.path.parent)
            finally:
                temporary.unlink(missing_ok=True)


def _for_the_owner_alone(mode: int, path: Path) -> None:
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise StorageError(
            f"{path} may be read or changed by others (mode {stat.S_IMODE(mode):o}); run: chmod 600 {path}"
        )


def _parsed(data: bytes, path: Path) -> tuple[KeyRecord, ...]:
    if len(data) > FILE_CAP:
        raise StorageError(f"{path} is longer than the {FILE_CAP:,} bytes allowed; make a new file of keys")
    try:
        return KeyTable.model_validate(parse_json(data.decode("utf-8"))).keys
    except ValueError as error:
        problem = problems_of(error) if isinstance(error, ValidationError) else error
        raise StorageError(f"{path} is no file of keys, or damaged ({problem}); restore a copy, or remove it") from None
