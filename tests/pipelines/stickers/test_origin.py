from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

import underpaint
from underpaint.pipelines.marks import PUBLIC, search
from underpaint.pipelines.picture_file import PARAMETERS, pixel_digest
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.stickers.composing import composed
from underpaint.pipelines.stickers.encoding import encoded
from underpaint.pipelines.stickers.look import Background, Contour, Look, background_words, contour_words
from underpaint.pipelines.stickers.making import Labels, make_stickers
from underpaint.pipelines.stickers.origin import marked
from underpaint.pipelines.stickers.picture import Picture, read_picture
from underpaint.pipelines.stickers.place import Item
from underpaint.pipelines.stickers.places import PLACES
from underpaint.pipelines.verification import verify
from underpaint.runtime import xmp

LOOK = Look(contour=Contour(color="white", width=8.0), specks=True)


@pytest.fixture(scope="module")
def drawn() -> Picture:
    """A drawing of the shipped model, marked."""
    generator = underpaint.load()
    image = generator.generate("a red heart", seed=7)[0]
    settings = image.info["underpaint"].model_copy(update={"watermark": PUBLIC, "pixel_sha256": None})
    return read_picture(next(generator.draw([settings])))


def made(picture: Picture, places: Sequence[str], **more) -> dict[str, bytes]:
    return {file.name: file.data for file in make_stickers([picture], places, LOOK, **more) if file.item != "pack"}


def test_a_png_carries_the_settings_and_what_became_of_the_picture(drawn, tmp_path):
    for name, data in made(drawn, ["slack", "twitch"]).items():
        (tmp_path / "a.png").write_bytes(data)
        found = verify(tmp_path / "a.png")
        assert found.verdict == "as drawn" and found.pixels_unchanged, name
        assert found.settings is not None and found.settings.sticker is not None and drawn.settings is not None
        record = found.settings.sticker
        assert (record.picture_sha256, record.size) == (drawn.settings.pixel_sha256, "64x64")
        assert (record.place, record.contour, record.background) == (name.split("/")[0], "#ffffff:8", "none")
        assert (found.settings.caption, found.settings.seed) == ("a red heart", 7)


def test_other_formats_carry_a_packet_and_the_mark(drawn, tmp_path):
    for name, data in made(drawn, ["whatsapp", "instagram"]).items():
        path = tmp_path / name.replace("/", "-")
        path.write_bytes(data)
        found = verify(path)
        assert not found.contradictions and found.origin is not None, name
        assert found.origin.source_type == xmp.EDITED_TYPE
        assert found.watermark is not None and found.watermark.found


def test_fewer_colors_are_still_as_the_settings_say(drawn, tmp_path):
    item = PLACES["slack"].items[0]
    sticker = marked(composed(drawn.pixels, item, LOOK), drawn, "slack", item, LOOK)
    file = encoded(sticker.image, "png", 12_000, texts=sticker.texts)
    assert file.quality.endswith("colors") and len(file.data) <= 12_000
    shown = Image.open(io.BytesIO(file.data))
    assert Settings.from_json(shown.info[PARAMETERS], source="file").pixel_sha256 == pixel_digest(shown)


def test_a_mark_is_put_in_only_where_the_picture_has_one(drawn):
    assert drawn.settings is not None
    bare = Picture(
        name="bare",
        words="bare",
        pixels=drawn.pixels,
        sha256=drawn.sha256,
        settings=drawn.settings.model_copy(update={"watermark": None}),
    )
    (data,) = made(bare, ["slack"]).values()
    found = search(Image.open(io.BytesIO(data)))
    assert found is not None and not found.found


def test_a_mark_whose_key_is_elsewhere_is_left_out_and_not_claimed(drawn):
    assert drawn.settings is not None
    foreign = drawn.settings.model_copy(update={"watermark": "cosines-1/01234567"})
    picture = Picture(name="own", words="own", pixels=drawn.pixels, sha256=drawn.sha256, settings=foreign)
    (data,) = made(picture, ["slack"]).values()
    assert Settings.from_json(Image.open(io.BytesIO(data)).info[PARAMETERS], source="file").watermark is None


@pytest.mark.parametrize("side", [12, 2100])
def test_a_mark_that_does_not_fit_is_not_claimed(drawn, side):
    item = Item(width=side, height=side)
    sticker = marked(np.full((side, side, 4), 200, dtype=np.uint8), drawn, "slack", item, LOOK)
    assert sticker.settings is not None and sticker.settings.watermark is None


def test_a_mark_that_fewer_colors_took_away_is_not_claimed(drawn):
    item = Item(width=128, height=128)
    pixels = composed(drawn.pixels, item, LOOK)
    sticker = marked(pixels, drawn, "slack", item, LOOK)
    whole, kept, plain = (
        sticker.delivered(image) for image in (sticker.image, sticker.image.copy(), Image.fromarray(pixels))
    )
    assert whole is not None and kept is not None and plain is not None
    assert (whole.watermark, kept.watermark, plain.watermark) == (PUBLIC, PUBLIC, None)


def test_a_picture_that_was_changed_or_is_not_ours_claims_nothing(drawn):
    image = Image.fromarray(np.ascontiguousarray(drawn.pixels[::-1]))
    image.info[PARAMETERS] = "" if drawn.settings is None else drawn.settings.to_json()
    changed = read_picture(image)
    assert changed.settings is None and changed.words == "a red heart"
    (data,) = made(changed, ["slack"]).values()
    assert {PARAMETERS, xmp.KEYWORD}.isdisjoint(Image.open(io.BytesIO(data)).info)


def test_bare_files_say_nothing(drawn):
    (data,) = made(drawn, ["slack"], labels=Labels(bare=True)).values()
    assert {PARAMETERS, xmp.KEYWORD, "Software"}.isdisjoint(Image.open(io.BytesIO(data)).info)


def test_shops_and_networks_are_signed_messengers_are_not_and_a_limit_is_kept(drawn):
    signed = made(drawn, ["slack", "android-icon"], seal=lambda data, settings: data + settings.size.encode())
    assert signed["android-icon/01-a-red-heart.png"].endswith(b"512x512")
    assert not signed["slack/01-a-red-heart.png"].endswith(b"128x128")
    too_long = made(drawn, ["android-icon"], seal=lambda data, _: data + bytes(2_000_000))
    assert len(too_long["android-icon/01-a-red-heart.png"]) < 1_024_000


def test_a_look_is_said_as_it_is_typed(tmp_path):
    assert contour_words(Look()) is None and contour_words(LOOK) == "#ffffff:8"
    assert background_words(Background(file=tmp_path / "secret.png")) == "file"
    assert background_words(Background(own=True)) == "own" and background_words(Background()) == "none"
    assert background_words(Background(colors=("white", "red"))) == "#ffffff,#ff0000"
