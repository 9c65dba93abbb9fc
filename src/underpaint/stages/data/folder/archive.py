"""WebDataset shards: tar files in which the members of a sample stand beside each other, read without unpacking."""

from __future__ import annotations

import itertools
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from underpaint.core.errors import DataError, DuplicateFile, InputTooLarge, MissingFile, UnsafePath
from underpaint.stages.data.folder.named_files import split_by_folder
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """An archive.

    Args:
        path: The tar file.
        name: Its path below the root, as messages name it.
        split: The split that it belongs to; empty if unknown.
    """

    path: Path
    name: str
    split: str

    def key(self, key: str) -> str:
        """Return what names a sample within the input: shards of different folders may count alike."""
        return str(PurePosixPath(self.name).parent / key)


def shard_at(root: Path, path: Path) -> Shard:
    """Return the shard at a path at or below the root."""
    split = split_of(path.name.split("-")[0]) or split_by_folder(root, path)
    return Shard(path=path, name=path.relative_to(root).as_posix(), split=split)


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


def members_of(shard: Shard, archive: int) -> Iterator[Member | tuple[str, DataError]]:
    """Yield the members of a tar file in order.

    Raises:
        DataError: It is no tar file, or damaged.
    """
    try:
        with shard.path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            while (info := tar.next()) is not None:
                vars(tar)["members"].clear()
                if info.isdir():
                    continue
                try:
                    check_member(info)
                    yield member_of(info, archive)
                except DataError as error:
                    yield f"{shard.name}, member {info.name!r:.120}", error
            refuse_rest(file, tar.offset)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise DataError(f"{shard.path} is no whole, uncompressed tar file ({error}); pack it again") from None


def refuse_rest(file: BinaryIO, offset: int) -> None:
    """Refuse an archive in which something else than its end stands after the last member that was read."""
    file.seek(offset)
    if file.read(BLOCK).strip(b"\0"):
        raise tarfile.ReadError(f"a damaged head at byte {offset:,}")


def read_span(shards: Sequence[Shard], span: Span) -> bytes:
    """Read bytes of an archive."""
    with shards[span.archive].path.open("rb") as file:
        file.seek(span.start)
        return file.read(span.length)


def values_of(shards: Sequence[Shard], members: Sequence[Member]) -> dict[str, Any]:
    """Read the columns of a sample: an object in ``.json``, a caption in ``.txt``.

    Raises:
        BadEncoding: One is not UTF-8.
        DataError: The JSON is broken.
    """
    values: dict[str, Any] = {}
    for member in members:
        if member.ending not in TEXTS:
            continue
        text = decode(read_span(shards, member.span), f"{member.key}{member.ending}", 0)
        parsed = parse_object(text) if member.ending == ".json" else {"text": caption_lines(text)}
        if isinstance(parsed, DataError):
            raise parsed
        values = {**parsed, **values} if member.ending == ".json" else {**values, **parsed}
    return values


def row_of(shards: Sequence[Shard], archive: int, key: str, members: Sequence[Member]) -> Row:
    """Make the row of a sample.

    Raises:
        MissingFile: It has no picture.
        DuplicateFile: It has several.
        DataError: Its texts cannot be read.
    """
    shard = shards[archive]
    pictures = [member for member in members if member.ending in PICTURES]
    if not pictures:
        endings = ", ".join(member.ending for member in members)
        raise MissingFile(f"it has no picture ({' '.join(PICTURES)}), only {endings}; members of a key stand together")
    if len(pictures) > 1 or len({member.ending for member in members}) < len(members):
        raise DuplicateFile("it has several pictures or one member twice; give each sample its own key")
    where, values = f"{shard.name}, {key}", values_of(shards, members)
    return Row(where=where, key=shard.key(key), place=pictures[0].span, values=values, split=shard.split)


def rows_of(shards: Sequence[Shard], archive: int) -> Iterator[Row | tuple[str, DataError]]:
    """Yield the samples of an archive."""
    found = members_of(shards[archive], archive)
    for key, together in itertools.groupby(found, key=lambda item: item.key if isinstance(item, Member) else None):
        if key is None:
            yield from (item for item in together if not isinstance(item, Member))
            continue
        try:
            yield row_of(shards, archive, key, [item for item in together if isinstance(item, Member)])
        except DataError as error:
            yield f"{shards[archive].name}, {key}", error


def open_archives(root: Path, paths: Sequence[Path]) -> Source:
    """Open WebDataset shards.

    Args:
        root: The folder that they lie in.
        paths: The tar files at or below it, in order; ``train-000000.tar`` belongs to the split ``train``, and so does
            every file in a folder ``train`` below the root whose own name is that of no split.
    """
    shards = [shard_at(root, path) for path in paths]

    def rows() -> Iterator[Row | tuple[str, DataError]]:
        for archive in range(len(shards)):
            yield from rows_of(shards, archive)

    def contents(places: Iterable[tuple[int, int, int]]) -> Iterator[Content]:
        return (read_span(shards, Span(*place)) for place in places)

    return Source(kind="WebDataset", rows=rows, contents=contents)
