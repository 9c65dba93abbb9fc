from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.planning import SEAM, carried_mark, kept_scales, plan_edits
from underpaint.pipelines.editing.reading import read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.marks import PUBLIC, mark
from underpaint.pipelines.model_folder import open_model


@pytest.fixture(scope="module")
def model(tiny_model):
    return open_model(tiny_model)


@pytest.mark.parametrize("num_scales", [1, 2, 3, 6, 8])
def test_more_strength_keeps_fewer_scales_and_the_ends_keep_all_or_none(num_scales):
    kept = [kept_scales(strength / 100, num_scales) for strength in range(101)]
    assert kept[0] == num_scales and kept[-1] == 0 and kept == sorted(kept, reverse=True)
    if num_scales > 1:
        assert set(kept) == set(range(num_scales + 1))
        assert all(0 < one < num_scales for one in kept[1:-1])


def test_strengths_of_six_scales_are_those_of_the_table():
    assert [kept_scales(s, 6) for s in (0.01, 0.25, 0.5, 0.67, 0.8, 0.99)] == [5, 4, 3, 2, 1, 1]


def test_pictures_count_their_seeds_up_and_say_what_they_were_made_from(model, original, box):
    where = box(4, 8, 12, 20)
    planned = plan_edits(model, original, EditRequest(prompt="A Cat", seed=5, n=3, style="flat"), where)
    assert [one.seed for one in planned] == [5, 6, 7]
    one = planned[0]
    assert (one.prompt, one.caption, one.style, one.guidance) == ("A Cat", "a cat", "flat", 1.5)
    assert one.edit is not None and one.edit.picture_sha256 == original.sha256
    assert (one.edit.mask_sha256, one.edit.strength, one.edit.seam) == (where.sha256, 1.0, SEAM)
    assert one.identity != planned[1].identity


@pytest.mark.parametrize(
    ("asked", "whole", "masked"),
    [({}, 0.5, 0.8), ({"style": "flat"}, 0.5, 0.8), ({"prompt": "a cat"}, 0.8, 1.0), ({"strength": 0.3}, 0.3, 0.3)],
)
def test_strength_follows_what_is_asked_for(model, original, box, asked, whole, masked):
    for mask, strength, seam in ((None, whole, 0), (box(4, 8, 12, 20), masked, SEAM)):
        (one,) = plan_edits(model, original, EditRequest(seed=1, **asked), mask)
        assert one.edit is not None and (one.edit.strength, one.edit.seam) == (strength, seam)


def test_a_picture_without_words_is_edited_without_words(model, original):
    (one,) = plan_edits(model, original, EditRequest(seed=1))
    assert (one.prompt, one.caption, one.style) == ("", "", None)


def test_a_picture_of_ours_keeps_its_words_and_style_unless_others_are_asked_for(model, generator):
    (image,) = generator.generate("a Red cat", seed=7, style="noto")
    ours = read_original(image, 32)
    (same,) = plan_edits(model, ours, EditRequest(seed=1))
    assert (same.prompt, same.caption, same.style) == ("a red cat", "a red cat", "noto")
    assert same.edit is not None and same.edit.strength == 0.5
    assert same.edit.picture_sha256 == image.info["underpaint"].pixel_sha256
    (other,) = plan_edits(model, ours, EditRequest(prompt="a dog", style="flat", seed=1))
    assert (other.caption, other.style) == ("a dog", "flat")


def test_words_against_and_words_mixed_in_are_read_like_prompts(model, original):
    request = EditRequest(prompt="a cat", negative="A  Dog", mix="an Apple", mix_share=0.25, seed=1)
    (one,) = plan_edits(model, original, request)
    assert one.edit is not None
    assert (one.edit.negative, one.edit.mix, one.edit.mix_share) == ("a dog", "an apple", 0.25)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"prompt": " "}, "the prompt is empty"),
        ({"strength": 1.5}, "strength must lie between 0 and 1, got 1.5"),
        ({"strength": float("nan")}, "strength must lie between 0 and 1, got nan"),
        ({"style": "oil"}, "unknown style 'oil'"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"n": 0}, "n must be a whole number"),
        ({"guidance": 21}, "guidance must lie between 0 and 20"),
        ({"seam": 2}, "seam means nothing without a mask"),
        ({"seam": 17}, "seam must be a whole number between 0 and 16, got 17"),
        ({"negative": ""}, "negative: the prompt is empty"),
        ({"negative": "a dog", "guidance": 0}, "negative means nothing without guidance"),
        ({"mix": "a dog"}, "mix needs a prompt to be mixed with"),
        ({"prompt": "a cat", "mix": "\0"}, "mix: the prompt holds a NUL"),
        ({"prompt": "a cat", "mix": "a dog", "mix_share": -0.1}, "mix_share must lie between 0 and 1, got -0.1"),
    ],
)
def test_what_cannot_be_used_is_refused(model, original, asked, message):
    with pytest.raises(InputError, match=message):
        plan_edits(model, original, EditRequest(**asked))


@pytest.mark.parametrize("sampling", [{"guidance": None}, {"guidance_shape": (0.0, 0.0, 0.0)}], ids=["graph", "shape"])
def test_words_against_are_refused_with_a_way_out_where_a_model_knows_no_guidance(model, original, sampling):
    index = model.index.model_copy(update={"sampling": {**model.index.sampling, **sampling}})
    without = replace(model, index=index)
    for guidance in (None, 3.0):
        with pytest.raises(InputError, match="tiny draws without guidance; leave it out, or edit with a"):
            plan_edits(without, original, EditRequest(negative="a dog", guidance=guidance))
    (one,) = plan_edits(without, original, EditRequest(prompt="a cat"))
    assert one.guidance is None


def test_all_mistakes_are_told_at_once_in_the_words_of_whoever_asks(model, original):
    request = EditRequest(prompt="", strength=2, seam=1, n=-1)
    with pytest.raises(InputError) as raised:
        plan_edits(model, original, request, called=lambda name: f"--{name}")
    for words in ("--strength must lie", "--seam means nothing", "--n must be", "the prompt is empty"):
        assert words in str(raised.value)


def test_only_a_model_with_scales_edits(original, make_tiny_flow, tmp_path):
    from underpaint.core.config import Config
    from underpaint.pipelines.saved import save_pipeline

    save_pipeline(make_tiny_flow(), tmp_path / "flow", stage="test", config=Config(), parents={})
    with pytest.raises(InputError, match="flow is a FlowPipeline, which has no scales that could be kept"):
        plan_edits(open_model(tmp_path / "flow"), original, EditRequest(prompt="a cat"))


def test_within_a_mask_the_picture_keeps_the_mark_that_it_carries(model):
    pixels = np.full((64, 64, 4), 255, dtype=np.uint8)
    pixels[16:48, 16:48, :3] = (200, 80, 40)
    marked, plain = (read_original(Image.fromarray(one), 64) for one in (mark(pixels, PUBLIC), pixels))
    assert (carried_mark(marked), carried_mark(plain)) == (PUBLIC, None)
    (whole,) = plan_edits(model, marked, EditRequest(seed=1))
    (within,) = plan_edits(model, marked, EditRequest(seed=1), Mask(inside=np.eye(64, dtype=bool)))
    assert (whole.watermark, within.watermark) == (None, PUBLIC)
