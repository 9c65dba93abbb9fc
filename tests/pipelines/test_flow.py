from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from underpaint.core.errors import InputError
from underpaint.diffusion.guidance import GuidanceInterval
from underpaint.pipelines.flow import FlowPipeline
from underpaint.pipelines.settings import DrawRequest

CAT = DrawRequest(caption="a smiling cat", style="flat", seed=5)
DOG = DrawRequest(caption="a dog with sunglasses , red", style="noto", seed=6)
APPLE = DrawRequest(caption="the green apple", style=None, seed=7)


@pytest.fixture
def pipeline(make_tiny_flow) -> FlowPipeline:
    return make_tiny_flow()


def configured(pipeline: FlowPipeline, **changes: object) -> FlowPipeline:
    pipeline.config = pipeline.config.model_copy(update=changes)
    return pipeline


def test_a_picture_is_the_same_alone_and_in_a_batch(pipeline):
    together = pipeline.draw([CAT, DOG, APPLE])
    assert together[0].shape == (32, 32, 4) and together[0].dtype == np.uint8
    for request, drawn in zip([CAT, DOG, APPLE], together, strict=True):
        np.testing.assert_array_equal(drawn, pipeline.draw([request])[0])
    assert (together[0] != together[1]).any()


@pytest.mark.parametrize(
    "change", [{"seed": 9}, {"style": None}, {"guidance": 4.0}, {"steps": 3}, {"caption": "a dog"}]
)
def test_every_part_of_a_request_counts(pipeline, change):
    assert (pipeline.draw([CAT])[0] != pipeline.draw([replace(CAT, **change)])[0]).any()


def test_solvers_agree_on_one_step_and_part_on_four(pipeline):
    drawn = {
        steps: [
            configured(pipeline, solver=solver).draw_latents([replace(CAT, steps=steps)])
            for solver in ("euler", "heun", "dpmpp_2m", "unipc")
        ]
        for steps in (1, 4)
    }
    assert all(torch.equal(drawn[1][0], other) for other in drawn[1][1:])
    assert all(not torch.allclose(drawn[4][0], other) for other in drawn[4][1:])


def test_guidance_of_zero_never_runs_the_unconditional_half(pipeline):
    sizes: list[int] = []
    pipeline.flow_transformer.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    configured(pipeline, solver="euler", interval=GuidanceInterval(low=0.3, high=0.8))
    pipeline.draw([replace(CAT, guidance=0.0, steps=4)])
    assert sizes == [1, 1, 1, 1]
    sizes.clear()
    pipeline.draw([replace(CAT, guidance=1.0, steps=4)])
    assert sizes == [1, 1, 2, 2]  # times 0, 0.25, 0.5, 0.75


def test_a_distilled_model_takes_the_steps_that_it_knows_and_no_guidance(make_tiny_flow):
    pipeline = make_tiny_flow(few_step=True)
    assert pipeline.draw([replace(CAT, steps=1)])[0].shape == (32, 32, 4)
    with pytest.raises(InputError, match="distilled to 4, 2, 1 steps, not to 3"):
        pipeline.draw([replace(CAT, steps=3)])
    with pytest.raises(InputError, match="cannot be guided by 2"):
        pipeline.draw([replace(CAT, guidance=2.0)])


def test_an_unknown_style_is_refused(pipeline):
    with pytest.raises(InputError, match="unknown style 'oil'"):
        pipeline.draw([replace(CAT, style="oil")])


def test_the_stages_are_told_in_order(pipeline):
    seen: list[str] = []
    pipeline.draw([CAT], on_stage=seen.append)
    assert seen == ["text", "transformer", "decoder"]


@torch.no_grad()
def test_the_components_agree_and_are_told_apart_when_they_do_not(pipeline):
    assert all(pipeline.fit().values())
    configured(pipeline, styles=("flat",))
    assert not pipeline.fit()["the number of styles"]
