"""A file that is read once, so that the bytes that were checked are the bytes that are used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
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
    with reading_errors(path, remedy):
        data = path.read_bytes()
    check_hash(data, path, sha256=sha256, remedy=remedy)
    return data


@contextmanager
def reading_errors(path: Path, remedy: str) -> Iterator[None]:
    """Say of a file that cannot be read what to do.

    Args:
        path: The file that is read inside.
        remedy: As in ``read_checked``.

    Raises:
        ArtifactError: The file is missing or unreadable.
    """
    try:
        yield
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; {remedy}") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from None


def check_hash(data: bytes | memoryview, path: Path, *, sha256: str | None, remedy: str) -> None:
    """Compare the hash of bytes that were read.

    Args:
        data: All bytes of the file.
        path: The file, for messages.
        sha256: The expected hash as 64 hexadecimal characters; not checked if None.
        remedy: As in ``read_checked``.

    Raises:
        ArtifactError: The hash is another.
    """
    if sha256 is None:
        return
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ArtifactError(
            f"{path} has the SHA-256 {found[:12]}… where {sha256[:12]}… is due: cut off or changed; {remedy}"
        )
