from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputTooLarge, UnreadableImage
from underpaint.runtime.picture_reading import (
    MAX_PIXELS,
    check_pixels,
    readable,
    refuse_animation,
    shallow,
    too_large,
    words_of,
)


@pytest.mark.parametrize(
    ("raised", "expected", "words"),
    [
        (Image.DecompressionBombError("x"), InputTooLarge, "cat.png has far more than 40,000,000 pixels; shrink it"),
        (MemoryError(), InputTooLarge, "cat.png needs too much memory; shrink it"),
        (OSError("cut at 0x7f3a9c"), UnreadableImage, r"cat.png cannot be decoded \(cut\); save it again"),
        (UnreadableImage("as it was said"), UnreadableImage, "^as it was said$"),
    ],
)
def test_what_pillow_says_is_one_error_with_the_name(raised, expected, words):
    with pytest.raises(expected, match=words), readable("cat.png", ("PNG",)):
        raise raised


def test_pixels_are_counted_up_to_the_last_that_is_read():
    check_pixels(1, MAX_PIXELS, "cat.png")
    with pytest.raises(InputTooLarge, match="has 40000001x1 pixels; at most 40,000,000 are read: shrink it"):
        check_pixels(MAX_PIXELS + 1, 1, "cat.png")


def test_what_is_too_large_is_said_with_the_limits_that_hold():
    said = too_large("it", (20_000, 2), most_side=16_384)
    assert said == "it has 20000x2 pixels; at most 16,384 a side and 40,000,000 in all are read: shrink it"
    assert too_large("it", (9, 9), most=64) == "it has 9x9 pixels; at most 64 are read: shrink it"
    assert too_large("it", most=64) == "it has far more than 64 pixels; shrink it"


def test_another_kind_of_file_is_said_to_be_one():
    with pytest.raises(UnreadableImage, match="it is neither a PNG nor a WebP file"), readable("it", ("PNG", "WEBP")):
        Image.open(io.BytesIO(b"<svg/>"), formats=("PNG",))


def test_warnings_about_a_picture_are_not_shown():
    with readable("it", ("PNG",)):
        warnings.warn("odd", stacklevel=1)


def test_addresses_are_left_out_since_they_differ_at_every_run():
    assert words_of(OSError("no <io.BytesIO object at 0x7fB3>")) == "no <io.BytesIO object>"


def test_an_animation_is_refused_and_a_picture_is_not():
    frames = [Image.new("L", (4, 4), value) for value in (0, 200)]
    frames[0].save(file := io.BytesIO(), "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadableImage, match="it is an animation of 2 frames"):
        refuse_animation(Image.open(file), "it")
    refuse_animation(frames[0], "it")


def test_sixteen_bits_keep_their_upper_half_and_eight_stay_as_they_are():
    deep = Image.fromarray(np.array([[0, 255, 256, 65535]], dtype=np.uint16))
    assert np.asarray(shallow(deep)).tolist() == [[0, 0, 1, 255]]
    image = Image.new("RGBA", (2, 2))
    assert shallow(image) is image
