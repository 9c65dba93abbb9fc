from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from underpaint.core.errors import InputError, InputTooLarge, UnreadableImage
from underpaint.runtime import png_text

IHDR = struct.pack(">IIBBBBB", 3, 2, 8, 6, 0, 0, 0)


def chunk(kind: bytes, data: bytes, *, crc: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", checksum)


def png(*chunks: bytes, header: bytes = IHDR, end: bool = True) -> bytes:
    return b"".join([png_text.SIGNATURE, chunk(b"IHDR", header), *chunks, chunk(b"IEND", b"") if end else b""])


def write(folder: Path, data: bytes) -> Path:
    path = folder / "x.png"
    path.write_bytes(data)
    return path


def test_all_three_kinds_of_text_that_pillow_writes_are_read(tmp_path):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("latin", "café")
    texts.add_text("packed", "é" * 500, zip=True)
    texts.add_itxt("utf", '{"a": "☃"}')
    texts.add_itxt("utf-packed", "☃" * 500, zip=True)
    path = tmp_path / "x.png"
    Image.new("RGBA", (5, 4)).save(path, pnginfo=texts)
    read = png_text.read_text(path)
    assert (read.width, read.height) == (5, 4)
    assert read.texts == {"latin": "café", "packed": "é" * 500, "utf": '{"a": "☃"}', "utf-packed": "☃" * 500}


def test_of_two_texts_with_one_name_the_first_counts(tmp_path):
    data = png(chunk(b"tEXt", b"k\0first"), chunk(b"tEXt", b"k\0second"))
    assert png_text.read_text(write(tmp_path, data)).texts == {"k": "first"}


def test_pixels_are_not_decoded(tmp_path):
    assert png_text.read_text(write(tmp_path, png(chunk(b"IDAT", b"nonsense")))).texts == {}


BOMB = zlib.compress(b"\0" * 50_000_000, 9)
HOSTILE = {
    "empty": (b"", "no PNG"),
    "jpeg": (b"\xff\xd8\xff\xe0" + b"\0" * 40, "no PNG"),
    "signature only": (png_text.SIGNATURE, "cut off"),
    "no end": (png(end=False), "cut off"),
    "length beyond the file": (png(end=False) + struct.pack(">I4s", 2**31 - 1, b"iTXt"), "cut off"),
    "wrong checksum": (png(chunk(b"tEXt", b"k\0v", crc=0)), "checksum"),
    "long text": (png(chunk(b"tEXt", b"k\0" + b"v" * png_text.TEXT_CAP)), "longer than"),
    "zTXt bomb": (png(chunk(b"zTXt", b"k\0\0" + BOMB)), "longer than"),
    "iTXt bomb": (png(chunk(b"iTXt", b"k\0\1\0\0\0" + BOMB)), "longer than"),
    "not deflated": (png(chunk(b"zTXt", b"k\0\0nonsense")), "cannot be inflated"),
    "cut deflate": (png(chunk(b"zTXt", b"k\0\0" + zlib.compress(b"v" * 100)[:-6])), "damaged"),
    "no keyword": (png(chunk(b"tEXt", b"keyword")), "no keyword"),
    "short iTXt": (png(chunk(b"iTXt", b"k\0\0")), "incomplete"),
    "iTXt without language": (png(chunk(b"iTXt", b"k\0\0\0en")), "incomplete"),
    "short header": (png(header=b"\0" * 12), "wrong length"),
    "no pixels": (png(header=struct.pack(">IIBBBBB", 0, 2, 8, 6, 0, 0, 0)), "pixels"),
    "many chunks": (png(*[chunk(b"abCd", b"")] * (png_text.CHUNK_CAP + 1)), "chunks"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_one_clear_error(tmp_path, case):
    data, message = HOSTILE[case]
    with pytest.raises(UnreadableImage, match=message):
        png_text.read_text(write(tmp_path, data))


def test_a_picture_with_too_many_pixels_is_refused_as_in_every_format(tmp_path):
    path = write(tmp_path, png(header=struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)))
    with pytest.raises(InputTooLarge, match="pixels; at most 40,000,000 are read: shrink it"):
        png_text.read_text(path)


def test_every_truncation_is_refused(tmp_path):
    whole = png(chunk(b"tEXt", b"k\0v"), chunk(b"IDAT", b"12345"))
    for length in range(len(whole)):
        with pytest.raises(UnreadableImage):
            png_text.read_text(write(tmp_path, whole[:length]))


def test_a_huge_file_is_not_read(tmp_path):
    path = write(tmp_path, png())
    with path.open("r+b") as file:
        file.truncate(png_text.FILE_CAP + 1)
    with pytest.raises(UnreadableImage, match="allowed"):
        png_text.read_text(path)


def test_a_missing_file_or_a_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        png_text.read_text(tmp_path / "none.png")
    with pytest.raises(InputError, match="cannot be read"):
        png_text.read_text(tmp_path)
