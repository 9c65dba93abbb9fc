from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from underpaint.core.errors import InputError, InputTooLarge, UnderpaintError, UnreadableImage
from underpaint.pipelines import marks
from underpaint.pipelines.editing_record import EditRecord
from underpaint.pipelines.finishing import finish
from underpaint.pipelines.picture_file import encode, encode_png
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.verification import verify
from underpaint.runtime import xmp

SETTINGS = Settings(
    caption="cat",
    prompt="cat",
    seed=7,
    size="64x64",
    model="m",
    model_sha256="0" * 64,
    version="0",
    watermark=marks.PUBLIC,
)


@pytest.fixture(autouse=True)
def keys(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERPAINT_KEYS", str(tmp_path / "keys"))


def drawn(settings: Settings = SETTINGS) -> Image.Image:
    image = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(image).ellipse((8, 8, 56, 56), fill=(200, 120, 60, 255))
    return finish(np.asarray(image), settings, "onnx")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(encode(drawn()))
    return path


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def insert(data: bytes, extra: bytes) -> bytes:
    """Put a chunk behind the header."""
    return data[:33] + extra + data[33:]


def test_a_picture_as_it_was_written_holds(path):
    found = verify(path)
    assert (found.verdict, found.contradictions, found.pixels_unchanged) == ("as drawn", (), True)
    assert found.settings is not None and found.settings.seed == 7
    assert found.watermark is not None and found.watermark.found and found.watermark.p < 1e-9
    assert any("not signed" in text for text in found.unsaid)


def test_a_changed_pixel_is_told(path):
    image = drawn()
    image.putpixel((30, 30), (0, 0, 0, 255))
    path.write_bytes(encode(image))
    assert verify(path).verdict == "changed" and verify(path).pixels_unchanged is False


def test_the_same_bytes_in_another_shape_are_told(path):
    image = drawn()
    other = Image.frombytes("RGBA", (128, 32), image.tobytes())
    other.info["underpaint"] = image.info["underpaint"]
    path.write_bytes(encode(other))
    assert verify(path).verdict == "changed"


FORGED = {
    "another text first": (lambda data: insert(data, chunk(b"tEXt", b"Software\0other")), "more than once"),
    "an animation": (lambda data: insert(data, chunk(b"acTL", struct.pack(">II", 1, 0))), "acTL"),
    "another gamma": (lambda data: insert(data, chunk(b"gAMA", struct.pack(">I", 1))), "gAMA"),
    "a tail": (lambda data: data + b"tail", "4 bytes follow"),
}


@pytest.mark.parametrize("case", FORGED)
def test_what_changes_the_look_but_not_the_pixels_is_told(path, case):
    forge, message = FORGED[case]
    path.write_bytes(forge(path.read_bytes()))
    found = verify(path)
    assert found.verdict == "changed" and found.pixels_unchanged and message in " ".join(found.contradictions)


def test_settings_that_deny_the_mark_are_told(path):
    image = drawn()
    image.info["underpaint"] = image.info["underpaint"].model_copy(update={"watermark": None})
    path.write_bytes(encode(image))
    assert "carry the mark" in " ".join(verify(path).contradictions)


def test_settings_without_the_packet_are_told(path):
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("parameters", drawn().info["underpaint"].to_json())
    drawn().save(path, pnginfo=texts)
    assert "XMP" in " ".join(verify(path).contradictions)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png"])
def test_a_copy_without_settings_is_known_by_its_mark(tmp_path, suffix):
    image = drawn()
    copy = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    copy.save(tmp_path / f"copy.{suffix}")
    found = verify(tmp_path / f"copy.{suffix}")
    assert found.verdict == "changed" and found.settings is None and "mark" in found.contradictions[0]


def test_a_picture_of_somebody_else_is_unknown(tmp_path):
    Image.new("RGB", (64, 64), "red").save(tmp_path / "x.png")
    found = verify(tmp_path / "x.png")
    assert (found.verdict, found.contradictions) == ("unknown", ()) and found.unsaid


def test_an_unmarked_picture_of_ours_holds_too(path):
    path.write_bytes(encode(drawn(SETTINGS.model_copy(update={"watermark": None}))))
    assert verify(path).verdict == "as drawn"


def test_every_truncation_and_noise_is_refused(path):
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadableImage):
            verify(path)


def test_a_missing_file_is_an_input_error_and_a_huge_header_is_refused(tmp_path, path):
    with pytest.raises(InputError, match="does not exist"):
        verify(tmp_path / "none.png")
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    path.write_bytes(data)
    with pytest.raises(UnderpaintError, match="at most 40,000,000"):
        verify(path)


@pytest.mark.parametrize("content", [b"", b"notes of a meeting", b"II*\0\x08\0\0\0"])
def test_what_is_no_picture_is_told_in_our_words(tmp_path, content):
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(UnreadableImage) as refused:
        verify(tmp_path / "notes.txt")
    told = "is neither a PNG nor a JPEG nor a WebP file; if it is a picture, save it as PNG"
    assert str(refused.value) == f"{tmp_path / 'notes.txt'} {told}"


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_pictures_of_any_format_with_too_many_pixels_are_told_alike(tmp_path, suffix):
    large = tmp_path / f"large.{suffix}"
    Image.new("RGB", (8_001, 5_000)).save(large)
    with pytest.raises(InputTooLarge, match=f"{suffix} has 8001x5000 pixels; at most 40,000,000 are read: shrink it$"):
        verify(large)


def test_an_edit_says_so_in_its_packet_and_must(path):
    edited = SETTINGS.model_copy(update={"edit": EditRecord(picture_sha256="1" * 64, strength=0.5)})
    path.write_bytes(encode(drawn(edited)))
    found = verify(path)
    assert (found.verdict, found.contradictions) == ("as drawn", ())
    assert found.origin is not None and found.origin.source_type == xmp.EDITED_TYPE
    image = drawn(edited)
    data = encode_png(image, version="0", release="m", parameters=image.info["underpaint"].to_json())
    path.write_bytes(data)
    assert "does not say that a trained model" in verify(path).contradictions[0]
