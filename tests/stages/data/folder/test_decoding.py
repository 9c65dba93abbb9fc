"""Every kind of picture becomes the same square, and what is no picture is refused by its head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import DataError, InputTooLarge, UnreadableImage
from underpaint.stages.data.folder.decoding import decode

Encode = Callable[..., bytes]
Patchwork = Callable[..., Image.Image]


def test_a_picture_of_the_right_size_keeps_its_pixels(encode: Encode, patchwork: Patchwork) -> None:
    image = patchwork(1, (32, 32))
    assert np.array_equal(decode(encode(image), size=32).pixels[..., :3], np.asarray(image))


@pytest.mark.parametrize(("size", "seen"), [((64, 32), (32, 16)), ((16, 64), (8, 32)), ((8, 8), (32, 32))])
def test_the_whole_picture_stands_in_the_middle(
    encode: Encode, patchwork: Patchwork, size: tuple[int, int], seen: tuple[int, int]
) -> None:
    alpha = decode(encode(patchwork(2, size)), size=32).pixels[..., 3]
    rows, columns = np.nonzero(alpha.any(1))[0], np.nonzero(alpha.any(0))[0]
    assert (len(columns), len(rows)) == seen
    assert columns[0] == (32 - seen[0]) // 2 and rows[0] == (32 - seen[1]) // 2


def test_colors_do_not_bleed_out_of_what_is_transparent(encode: Encode) -> None:
    image = np.zeros((64, 64, 4), np.uint8)
    image[..., 1] = 255
    image[:, :31] = (255, 0, 0, 255)
    pixels = decode(encode(Image.fromarray(image)), size=16).pixels
    assert (pixels[pixels[..., 3] > 8][:, 1] < 16).all()
    assert (pixels[pixels[..., 3] == 0] == 0).all()


def test_a_background_lies_under_everything(encode: Encode) -> None:
    image = Image.new("RGBA", (32, 16), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 16, 16))
    pixels = decode(encode(image), size=32, background="#0000ff").pixels
    assert (pixels[..., 3] == 255).all()
    assert tuple(pixels[0, 0]) == tuple(pixels[16, 31]) == (0, 0, 255, 255)
    assert tuple(pixels[16, 4]) == (255, 0, 0, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_stands_upright(encode: Encode, orientation: int) -> None:
    upright = Image.new("RGB", (64, 64), "white")
    upright.paste("red", (0, 0, 32, 32))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # how to lay it down so that EXIF puts it up again
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(encode(stored, "JPEG", quality=95, exif=exif), size=32)
    assert ("rotated" in decoded.notes) == (orientation > 1)
    corners = decoded.pixels[[4, 4, 27, 27], [4, 27, 4, 27], 1] < 128
    assert corners.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("mode", "kind", "note"),
    [("CMYK", "JPEG", "cmyk"), ("L", "PNG", None), ("P", "GIF", None), ("RGB", "WEBP", None), ("RGB", "BMP", None)],
)
def test_other_modes_are_converted(encode: Encode, mode: str, kind: str, note: str | None) -> None:
    image = Image.new("L", (32, 32), 51)
    image.paste(204, (0, 0, 16, 32))
    decoded = decode(encode(image.convert("RGB").convert(mode), kind), size=32)
    assert np.abs(decoded.pixels[8, [4, 28], :3].astype(int).mean(1) - [204, 51]).max() < 8
    assert decoded.notes == ((note,) if note else ())


def test_sixteen_bits_keep_their_brightness(encode: Encode) -> None:
    values = np.full((32, 32), 40 * 257, np.uint16)
    values[:, :16] = 200 * 257
    decoded = decode(encode(Image.fromarray(values)), size=32)
    assert decoded.pixels[8, [4, 28], 0].tolist() == [200, 40]
    assert decoded.notes == ("16-bit",)


@pytest.mark.parametrize(
    ("width", "height", "told"),
    [
        (20_000, 20_000, "far more than 40,000,000 pixels; shrink it"),
        (20_000, 2, "it has 20000x2 pixels; at most 16,384 a side and 40,000,000 in all are read: shrink it"),
        (9_000, 9_000, "it has 9000x9000 pixels; at most 16,384 a side and 40,000,000 in all are read: shrink it"),
        (100_000, 100_000, "far more than 40,000,000 pixels; shrink it"),
    ],
)
def test_a_bomb_is_refused_by_its_head(
    huge_png: Callable[[int, int], bytes], width: int, height: int, told: str
) -> None:
    with pytest.raises(InputTooLarge, match=told):
        decode(huge_png(width, height), size=32)


def animation(encode: Encode, patchwork: Patchwork) -> bytes:
    return encode(patchwork(1), "GIF", save_all=True, append_images=[patchwork(2), patchwork(3)])


def truncated(kind: str) -> Callable[[Encode, Patchwork], bytes]:
    def make(encode: Encode, patchwork: Patchwork) -> bytes:
        content = encode(patchwork(1, (96, 96)), kind)
        return content[: len(content) // 2]

    return make


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda encode, patchwork: b"", "0 bytes"),
        (lambda encode, patchwork: b"<svg/>", "it is neither a PNG nor"),
        (truncated("PNG"), "it cannot be decoded"),
        (truncated("JPEG"), "it cannot be decoded"),
        (truncated("WEBP"), "it cannot be decoded"),
        (animation, "animation of 3 frames"),
        (lambda encode, patchwork: encode(Image.new("RGBA", (9, 9))), "one color"),
        (lambda encode, patchwork: encode(Image.new("RGB", (90, 9), "red")), "one color"),
        (lambda encode, patchwork: encode(Image.new("RGB", (9, 9), "red"), "TIFF"), "it is neither a PNG nor"),
    ],
)
def test_what_is_no_picture_is_refused(
    encode: Encode, patchwork: Patchwork, make: Callable[..., bytes], message: str
) -> None:
    with pytest.raises(UnreadableImage, match=message):
        decode(make(encode, patchwork), size=32)


def test_the_same_bad_bytes_get_the_same_words_without_an_address(encode: Encode, patchwork: Patchwork) -> None:
    for content in (b"<svg/>", b"BM", truncated("PNG")(encode, patchwork)):
        texts = []
        for _ in range(2):
            with pytest.raises(UnreadableImage) as caught:
                decode(content, size=32)
            texts.append(str(caught.value))
        assert texts[0] == texts[1]
        assert "0x" not in texts[0]


def test_a_speck_on_a_large_transparent_ground_is_refused(encode: Encode) -> None:
    image = Image.new("RGBA", (300, 300))
    image.putpixel((9, 9), (255, 0, 0, 255))
    with pytest.raises(UnreadableImage, match="nothing is to be seen"):
        decode(encode(image), size=32)


def test_noise_is_no_crash() -> None:
    random = np.random.default_rng(5)
    starts = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\x10\0\0\0WEBP", b"BM", b"")
    for start in starts:
        for _ in range(20):
            noise: Any = random.integers(0, 256, 400, dtype=np.uint8).tobytes()
            with pytest.raises(DataError):
                decode(start + noise, size=32)
