from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from underpaint.core.errors import InputError
from underpaint.pipelines import marks
from underpaint.pipelines.finishing import finish
from underpaint.pipelines.picture_file import is_unchanged
from underpaint.pipelines.settings import Settings

SETTINGS = Settings(caption="cat", prompt="cat", seed=7, size="64x64", model="m", model_sha256="0" * 64, version="0")


@pytest.fixture(autouse=True)
def keys(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERPAINT_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def disc(size: int = 64) -> Image.Image:
    image = Image.new("RGBA", (size, size))
    ImageDraw.Draw(image).ellipse((size // 8, size // 8, size * 7 // 8, size * 7 // 8), fill=(200, 120, 60, 255))
    return image


def marked(owner: marks.Owner, size: int = 64) -> Image.Image:
    name = marks.mark_for(owner)
    assert name is not None
    return Image.fromarray(marks.mark(np.asarray(disc(size)), name))


def test_the_public_mark_is_found_and_named():
    found = marks.search(marked("public"))
    assert found is not None and found.found and found.name == marks.PUBLIC and found.p < 1e-9


def test_ones_own_mark_is_found_where_the_key_is_and_nowhere_else(keys):
    image = marked("own")
    name = marks.mark_for("own")
    found = marks.search(image)
    assert found is not None and found.found and (found.name, found.tries) == (name, 4)
    (keys / marks.FILE).unlink()
    found = marks.search(image)
    assert found is not None and not found.found and found.tries == 2
    with pytest.raises(InputError, match="a key that is not here"):
        marks.mark(np.asarray(disc()), str(name))


def test_the_name_of_a_mark_does_not_tell_its_key(keys):
    name = str(marks.mark_for("own"))
    assert (keys / marks.FILE).read_bytes().hex()[:8] not in name and len(name.partition("/")[2]) == 8


@pytest.mark.parametrize("side", [128, 256])
def test_an_enlarged_picture_is_found_in_the_size_it_was_drawn_in(side):
    found = marks.search(marked("public").resize((side, side), Image.Resampling.BICUBIC))
    assert found is not None and found.found and found.size == "64x64"


def test_an_unmarked_picture_is_not_found():
    found = marks.search(disc())
    assert found is not None and not found.found and found.p > 1e-4


def test_a_picture_too_small_for_a_mark_stays_as_it_is():
    small = np.asarray(disc(8))
    assert marks.mark(small, marks.PUBLIC) is small
    assert marks.search(Image.new("RGB", (2500, 10))) is None


@pytest.mark.parametrize("background", ["transparent", "#ffffff"])
def test_the_digest_is_of_the_marked_pixels(background):
    settings = SETTINGS.model_copy(update={"background": background})
    plain = finish(np.asarray(disc()), settings, "onnx")
    image = finish(np.asarray(disc()), settings.model_copy(update={"watermark": marks.PUBLIC}), "onnx")
    assert image.tobytes() != plain.tobytes() and image.mode == plain.mode
    assert is_unchanged(image) and image.info["underpaint"].pixel_sha256 != plain.info["underpaint"].pixel_sha256
    found = marks.search(image)
    assert found is not None and found.found
