from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError, UnreadableImage
from underpaint.pipelines.marks import PUBLIC, search
from underpaint.pipelines.picture_file import is_unchanged, read_picture, save
from underpaint.pipelines.upscaling.network import UpscalingNetwork
from underpaint.pipelines.upscaling.picture import upscale
from underpaint.pipelines.verification import verify


@pytest.fixture
def foreign() -> Image.Image:
    image = Image.new("RGBA", (48, 24))
    image.paste((30, 90, 200, 255), (8, 6, 40, 18))
    return image


def test_what_drew_a_picture_is_still_said_and_what_enlarged_it_too(
    drawn: Image.Image, tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    large = upscale(drawn, 128, network=tiny_network)
    path = save(large, tmp_path / "large.png")
    old, new = drawn.info["underpaint"], read_picture(path).info["underpaint"]
    assert large.size == (128, 128) and is_unchanged(read_picture(path))
    besides = {"size", "version", "pixel_sha256", "upscale"}
    assert new.model_dump(exclude=besides) == old.model_dump(exclude=besides)
    assert new.upscale.model_dump() == {
        "picture_sha256": old.pixel_sha256, "size": "32x32",
        "upscaler": tiny_network.name, "upscaler_sha256": tiny_network.digest,
    }  # fmt: skip
    assert (new.size, new.made_from) == ("128x128", old.pixel_sha256)


def test_an_upscaled_file_is_as_drawn_and_says_that_a_model_took_part(
    drawn: Image.Image, tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    told = verify(save(upscale(drawn, 128, network=tiny_network), tmp_path / "large.png"))
    assert (told.verdict, told.contradictions) == ("as drawn", ())
    assert told.origin is not None and "compositeWithTrainedAlgorithmicMedia" in (told.origin.source_type or "")


def test_the_mark_is_put_into_the_large_pixels_anew(drawn: Image.Image, tiny_network: UpscalingNetwork) -> None:
    marked, bare = (upscale(drawn, 128, watermark=mark, network=tiny_network) for mark in (None, "none"))
    assert (marked.info["underpaint"].watermark, bare.info["underpaint"].watermark) == (PUBLIC, None)
    scores = [search(image) for image in (marked, bare)]
    assert scores[0] is not None and scores[0].found and scores[1] is not None and not scores[1].found


def test_the_same_picture_is_enlarged_to_the_same_bits(drawn: Image.Image, tiny_network: UpscalingNetwork) -> None:
    first, second = (upscale(drawn, 100, network=tiny_network) for _ in range(2))
    assert first.tobytes() == second.tobytes() and first.size == (100, 100)


def test_of_a_foreign_picture_only_the_enlargement_is_said_and_nothing_is_marked(
    foreign: Image.Image, tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    large = upscale(foreign, 256, network=tiny_network)
    settings = large.info["underpaint"]
    assert large.size == (256, 128) and large.mode == "RGBA"
    assert (settings.caption, settings.watermark, settings.model) == ("", None, tiny_network.name)
    assert settings.model_sha256 == settings.upscale.upscaler_sha256 == tiny_network.digest
    path = save(large, tmp_path / "large.png")
    assert verify(path).verdict == "as drawn" and read_picture(path).info["underpaint"] == settings


def test_a_picture_that_was_painted_over_is_a_foreign_one(drawn: Image.Image, tiny_network: UpscalingNetwork) -> None:
    painted = drawn.copy()
    painted.putpixel((3, 3), (1, 2, 3, 255))
    assert painted.info["underpaint"].caption
    assert upscale(painted, 64, network=tiny_network).info["underpaint"].caption == ""


def test_a_picture_on_a_color_stays_on_it(tiny_network: UpscalingNetwork, tiny_model: Path) -> None:
    from underpaint.pipelines.generator import load

    flat = load(tiny_model).generate("a cat", seed=1, background="#ffcc00")[0]
    large = upscale(flat, 96, network=tiny_network)
    assert (flat.mode, large.mode) == ("RGB", "RGB") and large.info["underpaint"].background == "#ffcc00"
    off = np.abs(np.asarray(large.resize((32, 32), Image.Resampling.BOX), float) - np.asarray(flat, float))
    assert off.mean() < 12


def test_what_is_as_large_already_or_no_picture_is_refused(
    foreign: Image.Image, tiny_network: UpscalingNetwork
) -> None:
    with pytest.raises(InputError, match="as large as 48 already"):
        upscale(foreign, 48, network=tiny_network)
    with pytest.raises(UnreadableImage, match="PNG"):
        upscale(b"no picture", network=tiny_network)
