"""How large things may be that come in from outside, each checked before anything is done with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator

from pydantic import Field

from underpaint.core.config import Config
from underpaint.core.errors import FieldError


class TooLarge(FieldError):
    """Something that came in is too large."""

    def __init__(self, message: str, *, param: str = "body") -> None:
        super().__init__(message, param=param, code="body_too_large")


class Caps(Config):
    """The most that is read.

    Args:
        json_bytes: Of a JSON body.
        multipart_bytes: Of a body with files.
        image_bytes: Of an uploaded picture.
        mask_bytes: Of an uploaded mask.
        pixels: Of a decoded picture, as its header says.
        side: Of a picture's side, in pixels.
        images: Pictures of one request to edit.
        pictures: Pictures that one request may ask for.
        batch_bytes: Of a file of requests.
        batch_lines: Requests of a file.
        line_bytes: Of one of these.
    """

    json_bytes: int = Field(default=2**20, ge=1024)
    multipart_bytes: int = Field(default=64 * 2**20, ge=1024)
    image_bytes: int = Field(default=50 * 10**6, ge=1024)
    mask_bytes: int = Field(default=4 * 10**6, ge=1024)
    pixels: int = Field(default=40_000_000, ge=1)
    side: int = Field(default=20_000, ge=1)
    images: int = Field(default=16, ge=1)
    pictures: int = Field(default=10, ge=1)
    batch_bytes: int = Field(default=200 * 2**20, ge=1024)
    batch_lines: int = Field(default=50_000, ge=1)
    line_bytes: int = Field(default=2**20, ge=1024)

    def body_bytes(self, content_type: str | None) -> int:
        """Return how many bytes a body may have.

        Args:
            content_type: The header of that name; None if it is missing.
        """
        kind = (content_type or "").partition(";")[0].strip().lower()
        return self.multipart_bytes if kind == "multipart/form-data" else self.json_bytes

    def check_pictures(self, number: int) -> None:
        """Refuse a number of pictures that one request may not ask for.

        Raises:
            FieldError: It is below 1 or too large.
        """
        if not 1 <= number <= self.pictures:
            raise FieldError(f"n must be 1 to {self.pictures}, got {number}", param="n")


def declared(content_length: str | None, limit: int) -> None:
    """Refuse a body by the length that it declares; one that declares none is counted as it comes.

    Args:
        content_length: The header of that name; None if it is missing.
        limit: Most bytes.

    Raises:
        TooLarge: It is too long, or the header is no length.
    """
    if content_length is None:
        return
    if not (content_length.isascii() and content_length.isdecimal() and len(content_length) < 20):
        raise FieldError(f"content-length must be a number of bytes, got {content_length!r:.40}", param="body")
    if int(content_length) > limit:
        raise _too_large(limit)


async def counted(body: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Yield the parts of a body as they come, and stop reading as soon as it is too long.

    Args:
        body: Its parts.
        limit: Most bytes.

    Raises:
        TooLarge: It is longer.
    """
    seen = 0
    async for part in body:
        seen += len(part)
        if seen > limit:
            raise _too_large(limit)
        yield part


def lines_of(parts: Iterable[bytes], *, caps: Caps) -> Iterator[bytes]:
    """Yield the lines of a file of requests as its parts come, without their ends; never holds more than one line.

    Args:
        parts: The file's parts, of any length.
        caps: How much it may hold.

    Raises:
        TooLarge: It has too many bytes or lines, or a line is too long.
    """
    rest, seen, number = b"", 0, 0
    for part in parts:
        seen += len(part)
        if seen > caps.batch_bytes:
            raise TooLarge(f"the file has more than the {caps.batch_bytes:,} bytes allowed; split it", param="file")
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            number += 1
            yield _line(line, number, caps)
        if rest:
            _line(rest, number + 1, caps)
    if rest:
        yield _line(rest, number + 1, caps)


def _line(line: bytes, number: int, caps: Caps) -> bytes:
    if number > caps.batch_lines:
        raise TooLarge(f"the file has more than the {caps.batch_lines:,} lines allowed; split it", param="file")
    if len(line) > caps.line_bytes:
        raise TooLarge(f"line {number:,} has more than the {caps.line_bytes:,} bytes allowed", param="file")
    return line.removesuffix(b"\r")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body has more than the {limit:,} bytes allowed; send less")
