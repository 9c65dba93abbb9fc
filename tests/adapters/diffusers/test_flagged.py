from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import underpaint
from underpaint.adapters.diffusers.flagged import flags_in, refuse_flagged
from underpaint.core.errors import InputError


def test_pictures_are_flagged_by_any_field_and_by_none() -> None:
    assert list(flags_in(SimpleNamespace(images=[], nsfw_content_detected=[False, True]))) == [
        (1, "nsfw_content_detected")
    ]
    assert list(flags_in(SimpleNamespace(nsfw_detected=None, watermark_detected=[True]))) == [(0, "watermark_detected")]
    refuse_flagged(SimpleNamespace(images=[]), ["a cat"], [7], name="Pipeline")


def test_a_picture_that_the_checker_blacks_out_is_an_error_with_words_and_seed(
    tiny_diffusers: Callable[[str], Path],
) -> None:
    generator = underpaint.load(tiny_diffusers("sd-checked"))
    with pytest.raises(InputError, match=r"safety checker of StableDiffusionPipeline flagged .*'a dog' with seed 7 "):
        generator.generate("a dog", seed=7, steps=1)
