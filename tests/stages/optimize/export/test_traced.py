from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from underpaint.adapters import onnxruntime
from underpaint.pipelines.exported_folder import PICTURE
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.engine import Graph
from underpaint.stages.optimize.export import traced as traced_module
from underpaint.stages.optimize.export.calibration import plan_calibration
from underpaint.stages.optimize.export.traced import Traced
from underpaint.stages.optimize.export.tracing import trace

CAT, DOG, APPLE = (DrawRequest(caption=f"a {thing}", seed=seed) for seed, thing in enumerate(("cat", "dog", "apple")))


@pytest.fixture(scope="module")
def traced(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """A graph that draws two pictures at once."""
    pipeline = load_pipeline(open_model(tiny_model), torch.device("cpu"))
    path = tmp_path_factory.mktemp("traced") / "traced.onnx"
    return Traced(pipeline=pipeline, unrolled=trace(pipeline, [CAT, DOG], path), path=path, size=2)


@pytest.fixture(scope="module")
def watched(traced: Traced) -> tuple[str, ...]:
    return traced.watch()


def loaded(path: Path) -> Graph:
    return onnxruntime.load_graph(path, {}, threads=1, sha256=None)


def test_pictures_fill_the_graph_and_the_last_is_repeated(traced: Traced):
    first, last = traced.feeds([CAT, DOG, APPLE])
    assert tuple(first) == tuple(last) == traced.unrolled.names
    for stream in traced.unrolled.streams:
        assert np.array_equal(first[stream.name], stream.draw([CAT.seed, DOG.seed]))
        assert np.array_equal(last[stream.name], stream.draw([APPLE.seed, APPLE.seed]))


def test_the_graph_draws_what_the_pipeline_draws(traced: Traced):
    graph = loaded(traced.path)
    pictures = [picture for feed in traced.feeds([CAT, DOG, APPLE]) for picture in graph.run(feed)[PICTURE]]
    for ours, theirs in zip(traced.pipeline.draw([CAT, DOG, APPLE]), pictures[:3], strict=True):
        assert np.abs(np.asarray(ours).astype(int) - theirs).max() <= 1


def test_a_watched_graph_gives_its_scores_and_the_same_picture(traced: Traced, watched: tuple[str, ...]):
    (feed,) = traced.feeds([CAT, DOG])
    plain, scored = loaded(traced.path).run(feed), loaded(traced.scored).run(feed)
    assert scored.keys() == {PICTURE, *watched} and plain.keys() == {PICTURE}
    assert np.array_equal(plain[PICTURE], scored[PICTURE])
    tokens = sum(stream.shape[0] for stream in traced.unrolled.streams if stream.kind == "gumbel")
    assert sum(scored[name].shape[1] for name in watched) == tokens


def test_a_yardstick_has_pictures_that_no_calibration_had(
    traced: Traced, watched: tuple[str, ...], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(traced_module, "MEASURED", 3)
    calibration, asked = plan_calibration(open_model(tiny_model), None, None), list[DrawRequest]()
    feeds = Traced.feeds
    monkeypatch.setattr(Traced, "feeds", lambda self, requests: asked.extend(requests) or feeds(self, requests))
    exact = loaded(traced.scored)
    found = traced.yardstick(exact, watched, calibration).measure(exact)
    assert len(asked) == 6 and not {one.seed for one in asked} & {one.seed for one in calibration.requests}
    assert (found.tokens, found.levels) == (0.0, 0.0)
