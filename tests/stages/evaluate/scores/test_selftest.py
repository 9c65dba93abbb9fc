from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import TooFewSamples
from underpaint.core.samples import Sample
from underpaint.stages.evaluate.scores.selftest import halves, selftest
from underpaint.stages.evaluate.seeing.view import RealView


def view(count: int, seed: int = 0) -> RealView:
    """Concepts of four pictures that look alike, as the drawings of one concept in four styles do."""
    rng = np.random.default_rng(seed)
    concepts = rng.normal(size=(count // 4, 24)).repeat(4, axis=0)
    features = (concepts + 0.7 * rng.normal(size=(count, 24))) * np.linspace(2.0, 0.2, 24)
    samples = [
        Sample(
            id=f"{n:x}",
            cluster=f"{n // 4:x}",
            group=f"{n // 4:x}",
            name="a",
            caption="a",
            style="flat",
            family="tests",
            source="tests",
            icon="a",
            license="CC0-1.0",
            sha256_pixels=f"{n:064x}",
            phash="0" * 16,
            split="validation",
            level="",
            weight=1.0,
            file=f"{n}.png",
        )
        for n in range(count)
    ]
    return RealView(extractor="tests:0", samples=samples, features=features.astype(np.float32))


def test_halves_share_no_concept_and_leave_nothing_out():
    clusters = view(400).clusters
    one, other = halves(clusters, np.random.default_rng(0))
    assert not set(clusters[one]) & set(clusters[other])
    assert sorted([*one, *other]) == list(range(400))


def test_intervals_hold_the_truth_on_clustered_features():
    found = selftest(view(600), splits=60)
    assert {(c.metric, c.case) for c in found} == {("fd_pca16", "same"), ("fd_pca16", "shifted"), ("kid", "same")}
    assert all(c.share >= 0.85 for c in found)
    shifted = next(c for c in found if c.case == "shifted")
    assert shifted.mean == pytest.approx(shifted.truth, rel=0.25)


def test_clusters_that_are_not_told_are_noticed():
    """The test can fail: the same features with every picture its own concept leave the intervals too narrow."""
    told = view(600)
    alone = [s.model_copy(update={"cluster": s.id}) for s in told.samples]
    untold = RealView(extractor="tests:0", samples=alone, features=told.features)
    rng = np.random.default_rng(1)
    from underpaint.metrics.kernel import kid

    def width(v: RealView) -> float:
        one, other = halves(told.clusters, rng)
        estimate = kid(
            v.features[one], v.features[other], clusters=v.clusters[one], reference_clusters=v.clusters[other]
        )
        assert estimate.interval is not None
        return estimate.interval.high - estimate.interval.low

    assert np.mean([width(told) for _ in range(10)]) > 1.2 * np.mean([width(untold) for _ in range(10)])


def test_a_small_reference_is_refused():
    with pytest.raises(TooFewSamples, match="256 real pictures, got 100"):
        selftest(view(100))
