from __future__ import annotations

import inspect
import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from underpaint.core.errors import FieldError
from underpaint.stages.serve.security import apart as apart_module
from underpaint.stages.serve.security.apart import apart
from underpaint.stages.serve.security.bare import Bare, orientation_of
from underpaint.stages.serve.security.bare_png import SIGNATURE
from underpaint.stages.serve.security.decoder import TURNS, rgba_of
from underpaint.stages.serve.security.uploads import Caps, bare_of, read_upload, reencoded

CAPS = Caps()
SECRET = b"a-secret-that-nobody-shall-see"


def picture(mode: str = "RGBA", size: tuple[int, int] = (13, 7)) -> Image.Image:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    values[..., 3] |= 128
    return Image.fromarray(values, "RGBA") if mode == "RGBA" else Image.fromarray(values, "RGBA").convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data: bytes, **options: Any) -> Image.Image:
    return read_upload(data, **{"caps": CAPS, "param": "image", "decode": rgba_of, **options})


def exif(orientation: int) -> bytes:
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010E] = SECRET.decode()
    return found.tobytes()


def with_metadata(kind: str) -> bytes:
    """A picture full of it: Exif, a color profile, XMP and, in a PNG, texts."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + SECRET
    options: dict[str, Any] = {"exif": exif(1), "icc_profile": profile}
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Comment", SECRET.decode())
        texts.add_itxt("XML:com.adobe.xmp", SECRET.decode(), zip=True)
        options["pnginfo"] = texts
    else:
        options["xmp"] = SECRET
    if kind == "JPEG":
        options["comment"] = SECRET
    return encoded(picture("RGB"), kind, **options) + SECRET


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L", "LA", "P", "1"])
@pytest.mark.parametrize("options", [{}, {"optimize": True}])
def test_a_png_keeps_its_pixels(mode: str, options: dict[str, Any]) -> None:
    original = picture(mode)
    found = read(encoded(original, "PNG", **options))
    assert found.mode == "RGBA"
    assert found.tobytes() == original.convert("RGBA").tobytes()


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGBA", "RGB"])
def test_a_webp_keeps_its_pixels(mode: str, lossless: bool) -> None:
    data = encoded(picture(mode), "WEBP", lossless=lossless, exact=True)
    with Image.open(io.BytesIO(data)) as decoded:
        assert read(data).tobytes() == decoded.convert("RGBA").tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}])
def test_a_jpeg_keeps_its_pixels(mode: str, options: dict[str, Any]) -> None:
    data = encoded(picture(mode, (40, 30)), "JPEG", **options)
    with Image.open(io.BytesIO(data)) as decoded:
        assert read(data).tobytes() == decoded.convert("RGBA").tobytes()


def test_sixteen_bits_become_eight_and_are_not_cut_off() -> None:
    values = np.array([[0, 255, 256, 32768, 65535]], dtype=np.uint16)
    found = read(encoded(Image.fromarray(values), "PNG"))
    assert np.asarray(found)[0, :, 0].tolist() == [0, 0, 1, 128, 255]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_nothing_of_the_metadata_survives_or_reaches_a_decoder(kind: str) -> None:
    data = with_metadata(kind)
    assert SECRET in data
    bare = bare_of(data, param="image")
    assert SECRET not in bare.data
    with Image.open(io.BytesIO(bare.data)) as decoded:
        decoded.load()
        assert decoded.format == kind
        assert not {"exif", "icc_profile", "xmp", "comment", "Comment"} & set(decoded.info)
    found = read(data)
    assert found.info == {}
    assert SECRET not in reencoded(found)


def test_what_is_encoded_anew_is_pixels_alone() -> None:
    image = picture()
    image.info["Comment"] = "secret"
    data = reencoded(image)
    with Image.open(io.BytesIO(data)) as decoded:
        assert decoded.info == {}
        assert decoded.tobytes() == image.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_turned_as_its_camera_says(kind: str, orientation: int) -> None:
    original = picture("RGB", (16, 8))
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(original, kind, exif=exif(orientation), **options)
    with Image.open(io.BytesIO(data)) as decoded:
        turn = TURNS.get(orientation)
        expected = decoded.convert("RGBA") if turn is None else decoded.convert("RGBA").transpose(turn)
    assert read(data).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "data", [b"", b"II*\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", b"x" * 50]
)
def test_an_orientation_that_cannot_be_read_is_upright(data: bytes) -> None:
    assert orientation_of(data) == 1


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *others: bytes, pixels: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return SIGNATURE + header + b"".join(others) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", lambda *_args, **_options: pytest.fail("it was opened"))
    for width, height in ((10_000, 10_000), (40_001, 1000), (2**31 - 1, 2**31 - 1), (1, 20_001)):
        with pytest.raises(FieldError, match="would have") as error:
            read(png(width, height))
        assert error.value.code == "image_too_large"


def test_a_picture_at_the_limit_is_decoded_and_one_above_it_not() -> None:
    caps = Caps(pixels=100, side=20)
    assert read(encoded(picture(size=(10, 10)), "PNG"), caps=caps).size == (10, 10)
    for size in ((10, 11), (21, 1)):
        for kind in ("PNG", "WEBP"):
            with pytest.raises(FieldError, match="would have"):
                read(encoded(picture(size=size), kind), caps=caps)


def test_text_that_inflates_to_gigabytes_is_not_inflated() -> None:
    bomb = zlib.compress(b"\0" * 20_000_000)
    kinds = (b"zTXt", b"Comment\0\0"), (b"iCCP", b"icc\0\0"), (b"iTXt", b"a\0\1\0\0\0")
    bombs = [chunk(kind, head + bomb) for kind, head in kinds]
    pixels = b"".join(b"\0" + b"\x07" * 6 for _ in range(2))
    found = read(png(2, 2, *bombs, pixels=pixels))
    assert set(found.tobytes()) == {7, 255}


def test_pixels_that_inflate_to_more_than_the_header_says_are_left_alone() -> None:
    assert read(png(2, 2, pixels=b"\0" * 20_000_000)).size == (2, 2)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_refused(kind: str) -> None:
    frames = [picture("RGB"), Image.new("RGB", (13, 7), "red")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, loop=0)
    with pytest.raises(FieldError, match="animated"):
        read(data)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM", "PDF"])
def test_other_formats_are_refused_whatever_they_are_called(kind: str) -> None:
    with pytest.raises(FieldError, match="no PNG, JPEG or WebP"):
        read(encoded(picture("RGB", (16, 16)), kind))


@pytest.mark.parametrize(
    "data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG", b"RIFF\0\0\0\0WAVE", b"%PDF-1"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(FieldError, match="no PNG, JPEG or WebP"):
        read(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_that_is_cut_off_anywhere_is_refused(kind: str) -> None:
    data = encoded(picture("RGB"), kind)
    for length in [*range(12, len(data) - 1, 7), len(data) - 1]:
        with pytest.raises(FieldError):
            read(data[:length])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_damaged_files_are_decoded_or_refused_and_nothing_else(kind: str) -> None:
    data, rng = with_metadata(kind), random.Random(5)
    outcomes = set()
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(rng.choice([1, 3, 10])):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            outcomes.add(read(bytes(broken)).mode)
        except FieldError:
            outcomes.add("refused")
    assert outcomes <= {"RGBA", "refused"}
    assert "refused" in outcomes


def test_a_jpeg_with_thousands_of_scans_is_refused() -> None:
    data = encoded(picture("RGB", (64, 64)), "JPEG", progressive=True)
    start = data.index(b"\xff\xda")
    end = data.index(b"\xff\xda", start + 2)
    scan = data[start:end]
    with pytest.raises(FieldError, match="scans"):
        read(data[:start] + scan * 500 + data[start:])


def test_a_jpeg_of_escaped_bytes_takes_no_time() -> None:
    data = encoded(picture("RGB", (64, 64)), "JPEG")
    head = data[: data.index(b"\xff\xda") + 14]
    for filler in (b"\xff\x00", b"\xff\xff", b"\xff\xd0"):
        with pytest.raises(FieldError):
            read(head + filler * 2_000_000)


def test_chunks_that_are_not_understood_but_needed_are_refused() -> None:
    with pytest.raises(FieldError, match="not understood"):
        read(png(2, 2, chunk(b"ABCD", b"")))


def test_a_wrong_checksum_is_noticed() -> None:
    data = bytearray(encoded(picture(), "PNG"))
    data[data.index(b"IDAT") + 6] ^= 1
    with pytest.raises(FieldError, match="checksum"):
        read(bytes(data))


def test_a_mask_is_a_small_png() -> None:
    assert read(encoded(picture(), "PNG"), is_mask=True).size == (13, 7)
    with pytest.raises(FieldError, match="must be a PNG"):
        read(encoded(picture("RGB"), "JPEG"), is_mask=True)
    with pytest.raises(FieldError, match="bytes") as error:
        read(b"\x89PNG\r\n\x1a\n" + b"\0" * 4_000_001, is_mask=True)
    assert error.value.code == "image_too_large"


@pytest.mark.parametrize(("param", "called"), [("mask", "the mask "), ("image", "the picture ")])
def test_what_cannot_be_used_is_called_what_it_is(param: str, called: str) -> None:
    whole = encoded(picture(), "PNG")
    for data in (b"", b"nonsense", whole[:-20], png(0, 1), b"x" * (CAPS.image_bytes + 1)):
        with pytest.raises(FieldError, match=f"^{called}"):
            read(data, param=param, is_mask=param == "mask")


def test_the_header_of_a_bare_file_is_what_its_decoder_finds() -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        bare: Bare = bare_of(encoded(picture("RGB", (33, 21)), kind), param="image")
        assert (bare.kind, bare.width, bare.height) == (kind, 33, 21)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_process_of_its_own_decodes_the_same(kind: str) -> None:
    data = encoded(picture("RGB", (16, 8)), kind, exif=exif(6))
    assert read(data, decode=apart).tobytes() == read(data).tobytes()


def test_pictures_are_decoded_there_unless_said_otherwise() -> None:
    assert inspect.signature(read_upload).parameters["decode"].default is apart


def test_what_that_process_refuses_is_told_in_its_words() -> None:
    data = png(4, 4, pixels=b"")
    with pytest.raises(FieldError, match="cannot be decoded") as error:
        read(data, decode=apart)
    assert "Traceback" not in str(error.value)


def run_instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Let a module of the test stand in for the decoder, under its limits."""
    head = "from underpaint.stages.serve.security.decoder import limit_itself; limit_itself()\nimport os, sys\n"
    (tmp_path / "stand_in.py").write_text(head + code)
    monkeypatch.setattr(apart_module, "MODULE", "stand_in")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(3 * 2**30)",
        "os.abort()",
        "sys.exit(0)",
        "sys.stdout.buffer.write(b'x' * 100)",
        "import time; time.sleep(60)",
    ],
)
def test_a_decoder_that_breaks_out_of_its_limits_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str
) -> None:
    run_instead(monkeypatch, tmp_path, code)
    if "sleep" in code:
        monkeypatch.setattr(apart_module, "WALL_S", 0.5)
    with pytest.raises(FieldError):
        read(encoded(picture(), "PNG"), decode=apart)


def test_a_decoder_knows_no_secrets_and_writes_no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNDERPAINT_SERVE_API_KEY", "hunter2")
    code = (
        "secret = os.environ.get('UNDERPAINT_SERVE_API_KEY')\n"
        "try: os.write(os.open('written', os.O_WRONLY | os.O_CREAT), b'x'); written = True\n"
        "except OSError: written = False\n"
        "sys.stderr.write(f'{secret} {written}'); sys.exit(1)\n"
    )
    run_instead(monkeypatch, tmp_path, code)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FieldError, match="None False"):
        read(encoded(picture(), "PNG"), decode=apart)
