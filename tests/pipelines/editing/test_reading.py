from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from underpaint.core.errors import InputError, InputTooLarge, UnderpaintError, UnreadableImage
from underpaint.pipelines.editing import reading
from underpaint.pipelines.editing.reading import read_original
from underpaint.pipelines.picture_file import encode, pixel_digest


def halves(size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, (255, 0, 0))
    image.paste((0, 0, 255), (size[0] // 2, 0, *size))
    return image


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})])
def test_every_kind_is_read_from_a_path_from_bytes_and_as_an_image(tmp_path, kind, options):
    data = file_of(halves(), kind, **options)
    (tmp_path / "x").write_bytes(data)
    image = Image.open(io.BytesIO(data))
    for source in (tmp_path / "x", str(tmp_path / "x"), data, image):
        found = read_original(source, 16)
        assert found.size == (40, 20) and found.pixels.shape == (16, 16, 4)
        assert found.sha256 == pixel_digest(image)
        assert found.pixels[8, 2, 0] > 240 and found.pixels[8, 13, 2] > 240 and not found.pixels[0].any()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "F"])
def test_every_mode_becomes_rgba(mode):
    image = Image.new("L", (8, 8), 255).convert(mode) if mode != "I;16" else Image.new(mode, (8, 8), 65535)
    assert (read_original(image, 8).pixels == 255).all()


def test_transparency_in_a_palette_or_of_one_color_is_seen():
    image = Image.new("P", (8, 8), 0)
    image.info["transparency"] = 0
    assert not read_original(file_of(image, transparency=0), 8).pixels[..., 3].any()
    data = file_of(Image.new("RGB", (8, 8), (1, 2, 3)), transparency=(1, 2, 3))
    assert not read_original(data, 8).pixels[..., 3].any()


@pytest.mark.parametrize(("orientation", "red"), [(1, (2, 8)), (3, (13, 8)), (6, (8, 2)), (8, (8, 13))])
def test_a_picture_stands_as_exif_says(orientation, red):
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read_original(file_of(halves(), "JPEG", exif=exif, quality=95), 16)
    assert found.size == ((40, 20) if orientation < 5 else (20, 40))
    x, y = red
    assert found.pixels[y, x, 0] > 200 and found.pixels[15 - y, 15 - x, 2] > 200


def test_a_picture_of_ours_brings_its_settings_from_the_file_and_as_an_image(generator):
    (image,) = generator.generate("a cat", seed=7, style="flat")
    for source in (image, encode(image)):
        found = read_original(source, 32)
        assert found.settings == image.info["underpaint"]
        assert found.sha256 == image.info["underpaint"].pixel_sha256
    assert read_original(halves(), 32).settings is None


def test_settings_that_are_none_do_not_matter(drawing):
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("parameters", "steps: 20, sampler: Euler")
    assert read_original(file_of(drawing, pnginfo=texts), 32).settings is None


def test_what_is_too_large_is_refused_by_its_head(huge_png, monkeypatch):
    with pytest.raises(InputTooLarge, match="has 8000x5001 pixels; at most 40,000,000 are read"):
        read_original(huge_png(8000, 5001), 32)
    with pytest.raises(InputTooLarge, match="far more than 40,000,000"):
        read_original(huge_png(60_000, 60_000), 32)
    monkeypatch.setattr(reading, "MAX_BYTES", 50)
    with pytest.raises(InputTooLarge, match="more than the 50 bytes"):
        read_original(file_of(halves()), 32)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_refused(kind):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    data = file_of(frames[0], kind, save_all=True, append_images=frames[1:], duration=10)
    with pytest.raises(UnreadableImage, match="is an animation of 2 frames; save one frame"):
        read_original(data, 32)


def test_of_a_camera_s_file_with_a_preview_the_picture_is_read():
    data = file_of(halves(), "MPO", save_all=True, append_images=[halves((8, 8))], quality=95)
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert read_original(data, 16).size == (40, 20)


def test_whatever_is_wrong_with_a_file_is_said_in_our_words():
    files = [file_of(halves((9, 7)), kind) for kind in ("PNG", "JPEG", "WEBP")]
    generator = np.random.default_rng(0)
    refused = 0
    for index in range(300):
        data = bytearray(files[index % 3])
        for place in generator.integers(0, len(data), 4):
            data[place] = generator.integers(256)
        try:
            read_original(bytes(data), 16)
        except UnderpaintError:
            refused += 1
    assert refused > 100


def test_damaged_and_foreign_files_are_refused(tmp_path):
    whole = file_of(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)))
    with pytest.raises(UnreadableImage, match="cannot be decoded"):
        read_original(whole[: len(whole) // 2], 32)
    for data in (b"hello", file_of(halves(), "GIF")):
        with pytest.raises(
            UnreadableImage, match="is neither a PNG nor a JPEG nor a WebP file; if it is a picture, save it as PNG"
        ):
            read_original(data, 32)
    with pytest.raises(UnreadableImage, match="has 0 bytes"):
        read_original(b"", 32)


def test_a_missing_file_is_named_with_the_nearest(tmp_path, drawing):
    drawing.save(tmp_path / "cat.png")
    with pytest.raises(InputError, match=r"cta.png does not exist; did you mean .*cat.png\?"):
        read_original(tmp_path / "cta.png", 32)
    with pytest.raises(InputError, match="cannot be read"):
        read_original(tmp_path, 32)


def test_a_jpeg_whose_head_is_longer_than_its_pixels_is_read_upright():
    turned = Image.Exif()
    turned[274] = 6
    data = file_of(halves(), "JPEG", icc_profile=bytes(700_000), comment=b"x" * 60_000, exif=turned)
    assert len(data) > 750_000
    assert read_original(data, 64).size == (20, 40)
