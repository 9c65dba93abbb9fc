"""Paths that rows name: inside the folder, also behind links, and never an address on the network."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath, PurePosixPath

from underpaint.core.errors import BadEncoding, DataError, InputTooLarge, MissingFile, UnsafePath
from underpaint.stages.data.folder.rows import MAX_PICTURE_BYTES

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|data:")


def check_name(name: str) -> PurePosixPath:
    """Refuse a path that could lead out of its folder.

    Args:
        name: The path as the row or the archive gives it.

    Raises:
        UnsafePath: It is absolute, climbs with ``..``, or is an address.
    """
    path = PurePosixPath(name)
    if URL.match(name):
        raise UnsafePath(f"{name!r:.120} is an address; nothing is downloaded: save the picture and name its file")
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise UnsafePath(f"the path {name!r:.120} leads out of the folder; name a file inside it")
    return path


def readable_name(path: PurePath) -> str:
    """Return a path as text that can be written: bytes that are no UTF-8 become escapes."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def check_encoding(path: PurePath) -> None:
    """Refuse a file whose name is not UTF-8.

    Raises:
        BadEncoding: It is not.
    """
    if readable_name(path) != path.as_posix():
        raise BadEncoding("its name is not UTF-8; rename the file")


def find_file(root: Path, base: Path, name: str) -> Path:
    """Return the file that a row names.

    Args:
        root: The folder that no path may leave, resolved.
        base: The folder that the path is relative to.
        name: The path.

    Raises:
        UnsafePath: It leads out of ``root``, directly or by a link.
        MissingFile: There is no such file.
    """
    path = base / check_name(name)
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise MissingFile(f"the file {name!r:.120} is not in {base}; correct its name, or drop the row") from None
    if not target.is_relative_to(root):
        raise UnsafePath(f"the path {name!r:.120} leads out of the folder by a link, to {target}; copy the file inside")
    if not target.is_file():
        raise MissingFile(f"{name!r:.120} is no file; name a picture")
    return path


def read_file(root: Path, path: Path) -> bytes:
    """Read a picture file; links are followed again, since they may have changed.

    Raises:
        UnsafePath: It leads out of ``root``.
        MissingFile: It cannot be read.
        InputTooLarge: It has more than 256 MiB.
    """
    try:
        target = path.resolve(strict=True)
        if not target.is_relative_to(root):
            raise UnsafePath(f"{path} leads out of the folder by a link; copy the file inside")
        with target.open("rb") as file:
            return read_at_most(file.read(min(os.fstat(file.fileno()).st_size, MAX_PICTURE_BYTES) + 1))
    except OSError as error:
        raise MissingFile(f"{path} cannot be read ({error.strerror}); check it, or drop the row") from None


def read_at_most(content: bytes) -> bytes:
    """Return the content of a picture file.

    Raises:
        InputTooLarge: It has more than ``MAX_PICTURE_BYTES``.
    """
    if len(content) > MAX_PICTURE_BYTES:
        raise InputTooLarge(f"the file has more than {MAX_PICTURE_BYTES:,} bytes; shrink the picture")
    return content


def content_of(root: Path, path: Path) -> bytes | DataError:
    """Return the content of a picture file, or why it cannot be had."""
    try:
        return read_file(root, path)
    except DataError as error:
        return error
