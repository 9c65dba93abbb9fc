"""A file that is read once, so that the bytes that were checked are the bytes that are used."""

from __future__ import annotations

import hashlib
from pathlib import Path

from underpaint.core.errors import ArtifactError


def read_checked(path: Path, *, sha256: str | None, remedy: str) -> bytes:
    """Read a file whole and compare its hash.

    Args:
        path: The file.
        sha256: The expected hash as 64 hexadecimal characters; not checked if None.
        remedy: What to do if the file cannot be used, for example ``export the model again``.

    Raises:
        ArtifactError: The file is missing, unreadable, or has another hash.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; {remedy}") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from None
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256:
        raise ArtifactError(
            f"{path} has the SHA-256 {found[:12]}… where {sha256[:12]}… is due: cut off or changed; {remedy}"
        )
    return data
