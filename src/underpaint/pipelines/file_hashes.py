"""Hashes of large files, remembered as long as size and time of change stay what they were.

The weights of a foreign model have several gigabytes and no manifest; its identity needs their hashes at every call.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from underpaint.core.artifact import FileEntry, hash_file
from underpaint.core.cache import cache_folder
from underpaint.core.config import digest_of

FOLDER = "hashes"
SMALL = 2**20
"""Files up to this size, in bytes, are hashed anew each time."""


def entry_of(path: Path, cache: Path | None = None) -> FileEntry:
    """Return size and SHA-256 of a file.

    Args:
        path: The file; links are followed.
        cache: Where hashes are remembered; in the user's cache if None.
    """
    real = path.resolve()
    status = real.stat()
    if status.st_size <= SMALL:
        return FileEntry(bytes=status.st_size, sha256=hash_file(real))
    state = [str(real), status.st_size, status.st_mtime_ns, status.st_ino]
    note = (cache or cache_folder()) / FOLDER / f"{digest_of(str(real))[:32]}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["state"] == state:
            return FileEntry(bytes=status.st_size, sha256=known["sha256"])
    entry = FileEntry(bytes=status.st_size, sha256=hash_file(real))
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"state": state, "sha256": entry.sha256}), encoding="utf-8")
    return entry
