from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.pipelines.stickers.encoding import Texts, encoded
from underpaint.runtime import xmp


@pytest.fixture(scope="module")
def noisy() -> Image.Image:
    """A picture that cannot be packed well."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96, 4), dtype=np.uint8))


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
