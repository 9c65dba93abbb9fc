from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.pipelines.stickers import encoding
from underpaint.pipelines.stickers.encoding import Texts, encoded
from underpaint.runtime import xmp


@pytest.fixture(scope="module")
def noisy() -> Image.Image:
    """A picture that cannot be packed well."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96, 4), dtype=np.uint8))


@pytest.fixture(scope="module")
def tiles() -> Image.Image:
    """A pattern, which care packs far better than haste, and quality badly."""
    tile = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    return Image.fromarray(np.tile(tile, (4, 4, 1)))


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_without_a_limit_nothing_is_lost(noisy, kind):
    file = encoded(noisy, kind, None)
    seen = np.asarray(noisy)[..., 3] > 0
    assert file.quality == "without loss"
    assert np.array_equal(np.asarray(opened(file.data).convert("RGBA"))[seen], np.asarray(noisy)[seen])


@pytest.mark.parametrize(("kind", "limit"), [("png", 9_000), ("webp", 14_000), ("jpeg", 8_000)])
def test_a_limit_is_obeyed_and_what_is_above_it_is_better(noisy, kind, limit):
    image = noisy.convert("RGB") if kind == "jpeg" else noisy
    short, long = (encoded(image, kind, most) for most in (limit, 3 * limit // 2))
    assert len(short.data) <= limit < len(long.data) <= 3 * limit // 2
    assert opened(short.data).size == (96, 96)


@pytest.mark.parametrize(("kind", "limit"), [("webp", 7_000), ("jpeg", 11_000)])
def test_the_quality_found_is_the_highest_that_fits(noisy, kind, limit):
    image = noisy.convert("RGB")
    file = encoded(image, kind, limit)
    quality = int(file.quality.removeprefix("quality "))
    buffer = io.BytesIO()
    more = {"method": 4} if kind == "webp" else {"optimize": True, "subsampling": 0}
    image.save(buffer, kind.upper(), quality=quality + 1, **more)
    assert len(file.data) <= limit < len(buffer.getvalue())


def without_loss(image: Image.Image, monkeypatch: pytest.MonkeyPatch, limit: int) -> tuple[int, str]:
    """Return how many WebP files without loss are packed with care on the way to a limit, and what is taken."""
    saved, lengths = encoding._saved, list[int]()

    def counted(image: Image.Image, kind: str, **options: Any) -> bytes:
        data = saved(image, kind, **options)
        lengths.extend([len(data)] if options.get("lossless") and options["method"] == 4 else [])
        return data

    with monkeypatch.context() as patch:
        patch.setattr(encoding, "_saved", counted)
        file = encoded(image, "webp", limit)
    assert len(file.data) <= limit
    return len(lengths), file.quality


def in_haste(image: Image.Image) -> int:
    """Return the length of a WebP without loss that was packed in a hurry."""
    return len(encoding._saved(image, "WEBP", lossless=True, quality=0, method=0))


def test_where_a_hasty_webp_is_far_too_long_the_highest_quality_is_tried_first(monkeypatch):
    noise = np.random.default_rng(0).integers(0, 12, (192, 192, 3))
    image = Image.fromarray((noise + np.arange(192)[:, None, None]).astype(np.uint8))
    sure = int(encoding.HASTE * in_haste(image))
    assert without_loss(image, monkeypatch, sure - 1) == (0, "quality 95")
    assert without_loss(image, monkeypatch, sure + 1) == (1, "quality 95")
    too_short = len(encoded(image, "webp", sure - 1).data) - 1
    assert without_loss(image, monkeypatch, too_short) == (1, "quality 94")


def test_a_webp_without_loss_that_fits_is_not_given_up_for_a_lower_quality(tiles, monkeypatch):
    limit = 100_000
    assert encoding.HASTE * in_haste(tiles) > limit
    assert without_loss(tiles, monkeypatch, limit) == (1, "without loss")


def test_what_a_refused_webp_needs_may_be_without_loss(tiles):
    needs = len(encoded(tiles, "webp", None).data)
    with pytest.raises(InputError, match=f"needs {needs:,} bytes at least, and {needs - 1:,} are allowed"):
        encoded(tiles, "webp", needs - 1)


@pytest.mark.parametrize("grain", [1, 2, 3, 4, 8])
def test_what_fits_without_loss_is_not_given_up_for_a_hasty_try(grain):
    """The shortest limit of a place is .38 bytes a pixel; simpler pictures are far below it, hasty or not."""
    rows, columns = np.mgrid[:192, :192] / 191
    smooth = np.stack([rows, columns, rows * columns, np.ones_like(rows)], axis=-1) * 200
    smooth[..., :3] += np.random.default_rng(0).integers(0, grain + 1, (192, 192, 3))
    image = Image.fromarray(smooth.astype(np.uint8))
    length = len(encoded(image, "webp", None).data)
    assert length > 0.38 * image.width * image.height
    assert encoded(image, "webp", length).quality == "without loss"


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_what_cannot_fit_is_refused_with_what_it_needs(noisy, kind):
    with pytest.raises(InputError, match=r"needs [\d,]+ bytes at least, and 500 are allowed"):
        encoded(noisy.convert("RGB"), kind, 500)


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_every_format_says_that_a_model_made_it(noisy, kind):
    packet = xmp.write_packet("stickers-64 0123", xmp.EDITED_TYPE)
    data = encoded(noisy.convert("RGB"), kind, None, texts=Texts(xmp=packet, plain=(("Software", "underpaint"),))).data
    found = opened(data).info
    text = found.get("xmp") or found[xmp.KEYWORD]
    assert xmp.read_packet(text if isinstance(text, str) else text.decode()).source_type == xmp.EDITED_TYPE
    assert kind != "png" or found["Software"] == "underpaint"


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_the_resolution_for_printing_is_written(noisy, kind):
    data = encoded(noisy.convert("RGB"), kind, None, dpi=300).data
    assert [round(side) for side in opened(data).info["dpi"]] == [300, 300]
