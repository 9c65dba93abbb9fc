"""Nearest rows in blocks: laws and a plain sort."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import DegenerateSamples, TooFewSamples
from underpaint.metrics import neighbors
from underpaint.metrics.neighbors import check_features, nearest_rows, squared_distances


def cloud(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)


@pytest.mark.parametrize("size", [7, 50, 4096])
@pytest.mark.parametrize("skip_self", [False, True])
def test_nearest_rows_equal_a_plain_sort(size: int, skip_self: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors.blocks, "__defaults__", (size,))
    among = cloud(0, 60)
    points = among if skip_self else cloud(1, 45)
    plain = np.linalg.norm(points[:, None].astype(np.float64) - among[None], axis=2)
    if skip_self:
        np.fill_diagonal(plain, np.inf)
    index, distance = nearest_rows(points, among, 9, skip_self=skip_self)
    assert np.array_equal(index, np.argsort(plain, axis=1, kind="stable")[:, :9])
    assert distance == pytest.approx(np.sort(plain, axis=1)[:, :9], rel=1e-9)


def test_ties_go_to_the_smaller_index() -> None:
    among = np.repeat(cloud(0, 1), 5, axis=0)
    index, _ = nearest_rows(among[:1], among, 3)
    assert index.tolist() == [[0, 1, 2]]


def test_a_copy_lies_at_no_distance() -> None:
    among = cloud(0, 50) + np.float32(1000)
    index, distance = nearest_rows(among[7:9], among, 2)
    assert index[:, 0].tolist() == [7, 8]
    assert distance[:, 0].tolist() == [0.0, 0.0]


def test_a_center_keeps_digits() -> None:
    a = cloud(0, 20).astype(np.float64)
    far = a + 1e6
    truth = squared_distances(a, a)
    with_center = squared_distances(far, far, center=np.full(6, 1e6))
    assert with_center == pytest.approx(truth, abs=1e-8)
    assert squared_distances(far, far) != pytest.approx(truth, abs=1e-8)


def test_bad_tables_are_refused() -> None:
    with pytest.raises(TooFewSamples, match="60 neighbors were asked for among 59"):
        nearest_rows(cloud(0, 60), cloud(0, 60), 60, skip_self=True)
    with pytest.raises(TooFewSamples, match="no real features"):
        check_features(np.zeros((0, 4)), "real")
    with pytest.raises(DegenerateSamples, match="row 2"):
        check_features(np.array([[0.0], [1.0], [np.inf]]), "real")
