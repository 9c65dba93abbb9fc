"""Copies that are known to be bad are bad in the way that their names say, and leave the model itself as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import underpaint
from underpaint.core.errors import InputError
from underpaint.pipelines.flow import FlowPipeline
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.evaluate.drawing.subjects import altered, open_subject
from underpaint.stages.evaluate.drawing.wishes import Wish
from underpaint.stages.evaluate.scores.controls import ALTERATIONS, skip_last_scale

WISH = Wish(image_id="i", part="main", prompt_id="p", prompt="a red cat", style=None, seed=3, cluster="c")


def last_words(pipeline: HybridPipeline, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what all scales but the last say of a picture, and what the last one adds."""
    said: list[np.ndarray] = []
    request = [DrawRequest(caption="a red cat", seed=seed)]
    with torch.inference_mode():
        asked = pipeline.encode_text(["a red cat"]), pipeline.style_index([None])
        pipeline.draw_tokens(*asked, pipeline.numbers(request), lambda _, f: said.append(f.numpy().copy()))
    return said[-2], said[-1] - said[-2]


def test_what_the_last_scale_adds_no_longer_depends_on_the_picture(tiny_model: Path) -> None:
    pipeline = underpaint.load(tiny_model, engine="torch").networks
    assert isinstance(pipeline, HybridPipeline)
    whole = [last_words(pipeline, seed) for seed in (3, 4)]
    skip_last_scale(pipeline)
    skipped = [last_words(pipeline, seed) for seed in (3, 4)]
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(whole, skipped, strict=True))
    assert not np.allclose(whole[0][1], whole[1][1], atol=1e-3)
    assert np.allclose(skipped[0][1], skipped[1][1], atol=1e-5)


@pytest.mark.parametrize("name", ["skip_last_scale", "int3_round_to_nearest"])
def test_an_altered_copy_draws_something_else_and_the_model_stays(tiny_model: Path, name: str) -> None:
    subject = open_subject(tiny_model)
    before = next(subject.draw([WISH]))
    worse = altered(subject, name, ALTERATIONS[name])
    assert worse.identity != subject.identity
    assert not np.array_equal(next(worse.draw([WISH])), before)
    assert np.array_equal(next(open_subject(tiny_model).draw([WISH])), before)


def test_a_model_without_scales_is_told_to_leave_it_out(make_tiny_flow: Callable[..., FlowPipeline]) -> None:
    with pytest.raises(InputError, match="a control of hybrid models, and this is a FlowPipeline; leave it out"):
        skip_last_scale(make_tiny_flow())
