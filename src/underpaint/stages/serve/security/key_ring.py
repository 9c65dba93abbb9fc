"""The keys as a running server sees them: read again when their file changes, so that revoking one takes a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from underpaint.core.errors import StorageError
from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.keys import KeyLimits, KeyRecord, id_of, opens

LOOK_EVERY_S = 1.0
"""How often a server looks whether the file has changed; a revoked key opens nothing after so long."""
Notice = Callable[[str], None]


def unnoticed(_problem: str) -> None:
    """Tell nobody."""


class KeyRing:
    """The keys of a file.

    Args:
        file: The file.
        clock: Monotonic seconds.
        notice: Told when a changed file cannot be read; the keys that were read before stay in force.

    Raises:
        StorageError: The file cannot be read, is damaged, or may be read by others.
    """

    def __init__(
        self, file: KeyFile, *, clock: Callable[[], float] = time.monotonic, notice: Notice = unnoticed
    ) -> None:
        self._file, self._clock, self._notice = file, clock, notice
        self._seen = self._state()
        self._records = self._read()
        self._looked_at = clock()

    @property
    def is_empty(self) -> bool:
        """Whether no key opens anything."""
        return not any(record.is_active for record in self._records.values())

    def holder(self, text: str | None) -> KeyRecord | None:
        """Return whose key a text is, or None if it opens nothing.

        Args:
            text: What a caller sent.
        """
        self._look()
        key_id = None if text is None else id_of(text)
        if text is None or key_id is None:
            return None
        record = self._records.get(key_id)
        return record if opens(record, text) else None

    def limits_of(self, key_id: str) -> KeyLimits | None:
        """Return how much a key may ask for; None if there is no such key."""
        record = self._records.get(key_id)
        return None if record is None else record.limits

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._records = self._read()
        except StorageError as error:
            self._notice(str(error))

    def _read(self) -> dict[str, KeyRecord]:
        return {record.id: record for record in self._file.read()}

    def _state(self) -> tuple[int, int, int] | None:
        """Return what differs between two files that replaced each other; None if there is none."""
        try:
            status = self._file.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
