from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from underpaint.pipelines.stickers.distances import distances


@pytest.mark.parametrize("shape", [(40, 61), (1, 30), (30, 1), (7, 7)])
def test_distances_agree_with_an_independent_transform_up_to_the_limit(shape):
    inside = np.random.default_rng(0).random(shape) < 0.03
    inside[0, 0] = True
    ours, theirs = distances(inside, 9), np.asarray(distance_transform_edt(~inside))
    near = theirs <= 9
    assert np.allclose(ours[near], theirs[near]) and (ours[~near] == 10).all()


def test_a_set_without_pixels_is_far_from_everywhere():
    assert (distances(np.zeros((5, 6), dtype=bool), 3) == 4).all()


@pytest.mark.parametrize("limit", [126, 127, 300])
def test_distances_beyond_what_short_integers_hold_are_exact_too(limit):
    inside = np.zeros((340, 300), dtype=bool)
    inside[3, 5] = True
    ours, theirs = distances(inside, limit), np.asarray(distance_transform_edt(~inside))
    near = theirs <= limit
    assert np.allclose(ours[near], theirs[near]) and (ours[~near] == limit + 1).all()


def test_the_distance_is_the_same_in_a_mirror():
    inside = np.random.default_rng(1).random((20, 25)) < 0.05
    assert np.array_equal(distances(inside, 8)[::-1, ::-1], distances(inside[::-1, ::-1], 8))
