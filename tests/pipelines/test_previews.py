"""Laws of unfinished pictures: they change nothing, and come when they are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from underpaint.pipelines.previews import can_preview, draw_watched, preview_steps
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import choose_device

if TYPE_CHECKING:
    from underpaint.pipelines.hybrid import HybridPipeline

REQUEST = DrawRequest(caption="a red apple", seed=3)


@pytest.fixture(scope="module")
def pipeline(tiny_model) -> HybridPipeline:
    from underpaint.pipelines.model_folder import open_model
    from underpaint.pipelines.saved import load_pipeline

    loaded = load_pipeline(open_model(tiny_model), choose_device("cpu"))
    assert can_preview(loaded)
    return loaded  # pyright: ignore[reportReturnType]


def test_a_watched_picture_is_the_picture(pipeline):
    shown: list[tuple[int, int, np.ndarray]] = []
    watched = draw_watched(pipeline, REQUEST, [1, 2], lambda *seen: shown.append(seen))
    (alone,) = pipeline.draw([REQUEST])
    assert (watched == alone).all()
    assert [(step, of) for step, of, _ in shown] == [(1, 3), (2, 3)]
    assert all(picture.shape == alone.shape and picture.dtype == np.uint8 for _, _, picture in shown)
    assert not (shown[0][2] == shown[1][2]).all()


def test_the_preview_after_the_last_scale_is_the_picture_without_its_residual(pipeline):
    shown: list[np.ndarray] = []
    draw_watched(pipeline, REQUEST, [3], lambda _step, _of, picture: shown.append(picture))
    assert (shown[0] == pipeline.decodes([REQUEST])["tokens"][0]).all()


@pytest.mark.parametrize("num_steps", [1, 2, 3, 10, 28])
@pytest.mark.parametrize("previews", [0, 1, 2, 3])
def test_previews_are_evenly_spread_and_never_the_end(num_steps, previews):
    steps = preview_steps(num_steps, previews)
    assert len(steps) == min(previews, num_steps - 1)
    assert all(1 <= step < num_steps for step in steps)
    gaps = np.diff([0, *steps, num_steps])
    assert gaps.max() - gaps.min() <= 1


def test_a_flow_cannot_be_previewed(make_tiny_flow):
    assert not can_preview(make_tiny_flow())
