"""WebDataset shards: tar files in which the members of a sample stand beside each other, read without unpacking."""

from __future__ import annotations

import itertools
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from underpaint.core.errors import DataError, DuplicateFile, InputTooLarge, MissingFile, UnsafePath
from underpaint.stages.data.folder.paths import check_name
from underpaint.stages.data.folder.rows import MAX_PICTURE_BYTES, MAX_TEXT_BYTES, Content, Row, Source, split_of
from underpaint.stages.data.folder.tables import caption_lines, decode, parse_object

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
TEXTS = (".txt", ".json")
BLOCK = 512


class Span(NamedTuple):
    """Bytes of an archive: its number, where they begin, how many."""

    archive: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive: what it belongs to, its ending, and its bytes."""

    key: str
    ending: str
    span: Span


def check_member(info: tarfile.TarInfo) -> None:
    """Refuse a member that is not what it should be.

    Raises:
        UnsafePath: Its name leads out, or it is a link or a device.
        InputTooLarge: It is larger than what is read.
    """
    check_name(info.name)
    if not info.isreg() or info.issparse():
        raise UnsafePath(f"{info.name!r:.120} is a link, a device or sparse; only plain files may lie in a shard")
    text = PurePosixPath(info.name).suffix.lower() in TEXTS
    limit = MAX_TEXT_BYTES if text else MAX_PICTURE_BYTES
    if info.size > limit:
        raise InputTooLarge(f"{info.name!r:.120} has {info.size:,} bytes, at most {limit:,} are read; shrink it")


def member_of(info: tarfile.TarInfo, archive: int) -> Member:
    """Take the name of a member apart: the key ends at the first dot of the base name."""
    path = PurePosixPath(info.name)
    stem, dot, ending = path.name.partition(".")
    return Member(str(path.parent / stem), f"{dot}{ending}".lower(), Span(archive, info.offset_data, info.size))


def members_of(path: Path, archive: int) -> Iterator[Member | tuple[str, DataError]]:
    """Yield the members of a tar file in order.

    Raises:
        DataError: It is no tar file, or damaged.
    """
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            while (info := tar.next()) is not None:
                vars(tar)["members"].clear()
                if info.isdir():
                    continue
                try:
                    check_member(info)
                    yield member_of(info, archive)
                except DataError as error:
                    yield f"{path.name}, member {info.name!r:.120}", error
            refuse_rest(file, tar.offset)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise DataError(f"{path} is no whole, uncompressed tar file ({error}); pack it again") from None


def refuse_rest(file: BinaryIO, offset: int) -> None:
    """Refuse an archive in which something else than its end stands after the last member that was read."""
    file.seek(offset)
    if file.read(BLOCK).strip(b"\0"):
        raise tarfile.ReadError(f"a damaged head at byte {offset:,}")


def read_span(paths: Sequence[Path], span: Span) -> bytes:
    """Read bytes of an archive."""
    with paths[span.archive].open("rb") as file:
        file.seek(span.start)
        return file.read(span.length)


def values_of(paths: Sequence[Path], members: Sequence[Member]) -> dict[str, Any]:
    """Read the columns of a sample: an object in ``.json``, a caption in ``.txt``.

    Raises:
        BadEncoding: One is not UTF-8.
        DataError: The JSON is broken.
    """
    values: dict[str, Any] = {}
    for member in members:
        if member.ending not in TEXTS:
            continue
        text = decode(read_span(paths, member.span), f"{member.key}{member.ending}", 0)
        parsed = parse_object(text) if member.ending == ".json" else {"text": caption_lines(text)}
        if isinstance(parsed, DataError):
            raise parsed
        values = {**parsed, **values} if member.ending == ".json" else {**values, **parsed}
    return values


def row_of(paths: Sequence[Path], archive: int, key: str, members: Sequence[Member]) -> Row:
    """Make the row of a sample.

    Raises:
        MissingFile: It has no picture.
        DuplicateFile: It has several.
        DataError: Its texts cannot be read.
    """
    path = paths[archive]
    pictures = [member for member in members if member.ending in PICTURES]
    if not pictures:
        endings = ", ".join(member.ending for member in members)
        raise MissingFile(f"it has no picture ({' '.join(PICTURES)}), only {endings}; members of a key stand together")
    if len(pictures) > 1 or len({member.ending for member in members}) < len(members):
        raise DuplicateFile("it has several pictures or one member twice; give each sample its own key")
    split = split_of(path.name.split("-")[0])
    where = f"{path.name}, {key}"
    return Row(where=where, key=key, place=pictures[0].span, values=values_of(paths, members), split=split)


def rows_of(paths: Sequence[Path], archive: int) -> Iterator[Row | tuple[str, DataError]]:
    """Yield the samples of an archive."""
    found = members_of(paths[archive], archive)
    for key, together in itertools.groupby(found, key=lambda item: item.key if isinstance(item, Member) else None):
        if key is None:
            yield from (item for item in together if not isinstance(item, Member))
            continue
        try:
            yield row_of(paths, archive, key, [item for item in together if isinstance(item, Member)])
        except DataError as error:
            yield f"{paths[archive].name}, {key}", error


def open_archives(paths: Sequence[Path]) -> Source:
    """Open WebDataset shards.

    Args:
        paths: The tar files, in order; ``train-000000.tar`` belongs to the split ``train``.
    """

    def rows() -> Iterator[Row | tuple[str, DataError]]:
        for archive in range(len(paths)):
            yield from rows_of(paths, archive)

    def contents(places: Iterable[tuple[int, int, int]]) -> Iterator[Content]:
        return (read_span(paths, Span(*place)) for place in places)

    return Source(kind="WebDataset", rows=rows, contents=contents)
