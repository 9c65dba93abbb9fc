from __future__ import annotations

import itertools

import numpy as np
import pytest

from underpaint.stages.data.look import look_at, near_pairs, on_white
from underpaint.stages.data.near_duplicates import MAX_DISTANCE, MAX_RMSE


def test_near_pairs_are_those_of_the_definition(pictures: np.ndarray) -> None:
    look = look_at(list(pictures))
    expected = set()
    for i, j in itertools.combinations(range(12), 2):
        bits = (int(look.hashes[i], 16) ^ int(look.hashes[j], 16)).bit_count()
        difference = (look.pixels[i].astype(float) - look.pixels[j].astype(float)) / 255
        if bits <= MAX_DISTANCE and np.sqrt((difference**2).mean()) < MAX_RMSE:
            expected.add((i, j))
    assert set(near_pairs(look, range(12))) == expected
    assert {(i // 3, j // 3) for i, j in expected} == {(k, k) for k in range(4)}


def test_white_shows_where_nothing_is_drawn() -> None:
    clear, half = np.zeros((1, 1, 4), np.uint8), np.array([[[0, 0, 0, 128]]], np.uint8)
    assert on_white(clear).tolist() == [[[255, 255, 255]]]
    assert on_white(half).tolist() == [[[127, 127, 127]]]


@pytest.mark.parametrize("index", [[], [4], [5, 3, 4, 0, 11], list(range(11, -1, -1))])
def test_pairs_among_some_drawings_stand_in_their_order(pictures: np.ndarray, index: list[int]) -> None:
    look = look_at(list(pictures))
    every = {frozenset(pair) for pair in near_pairs(look, range(12))}
    expected = [pair for pair in itertools.combinations(index, 2) if frozenset(pair) in every]
    assert near_pairs(look, index) == expected
