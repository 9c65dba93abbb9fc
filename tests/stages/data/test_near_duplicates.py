from __future__ import annotations

import itertools

import numpy as np
import pytest

from underpaint.stages.data.near_duplicates import (
    BITS,
    Clusters,
    band_masks,
    names_of_clusters,
    near_clusters,
    near_hashes,
    near_pairs,
    rmse_of_pairs,
)
from underpaint.stages.data.perceptual_hash import perceptual_hashes

Pair = tuple[int, int]


def rmse(one: np.ndarray, other: np.ndarray) -> float:
    """The difference of two pictures by the definition, in double precision."""
    return float(np.sqrt((((one.astype(float) - other.astype(float)) / 255) ** 2).mean()))


def crowded_hashes(seed: int, count: int = 300) -> np.ndarray:
    """Hashes around few centers, so that all distances from 0 on occur, equal ones too."""
    random = np.random.default_rng(seed)
    centers = random.integers(0, 2**63, 12, dtype=np.uint64)
    flips = random.integers(0, BITS, (count, 6), dtype=np.uint64)
    flipped = np.bitwise_xor.reduce(np.uint64(1) << flips[:, : 1 + count % 6], axis=1)
    return centers[random.integers(0, len(centers), count)] ^ flipped


def pictures(seed: int, count: int = 40) -> np.ndarray:
    """Pictures, each with a hardly changed copy and one with much noise."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    copies = [np.clip(coarse + random.normal(0, s, coarse.shape), 0, 255).astype(np.uint8) for s in (4, 40)]
    return np.concatenate([coarse, *copies])


def all_near_pairs(hashes: np.ndarray, pixels: np.ndarray) -> set[Pair]:
    near = set()
    for one, other in itertools.combinations(range(len(hashes)), 2):
        if (int(hashes[one]) ^ int(hashes[other])).bit_count() <= 4 and rmse(pixels[one], pixels[other]) < 0.10:
            near.add((one, other))
    return near


def listed(lots: object) -> list[Pair]:
    return [pair for one, other, *_ in lots for pair in zip(one.tolist(), other.tolist(), strict=True)]  # pyright: ignore


@pytest.mark.parametrize("max_distance", [0, 1, 4, 9])
def test_near_hashes_are_all_found_and_each_pair_once(max_distance: int) -> None:
    hashes = crowded_hashes(max_distance)
    expected = [
        pair
        for pair in itertools.combinations(range(len(hashes)), 2)
        if (int(hashes[pair[0]]) ^ int(hashes[pair[1]])).bit_count() <= max_distance
    ]
    assert expected
    assert sorted(listed(near_hashes(hashes, max_distance=max_distance))) == expected


@pytest.mark.parametrize("max_distance", [0, 4, 20])
def test_bands_cover_every_bit_once(max_distance: int) -> None:
    masks = band_masks(max_distance)
    assert len(masks) == max_distance + 2
    assert int(masks.sum(dtype=np.uint64)) == 2**BITS - 1
    assert int(np.bitwise_or.reduce(masks)) == 2**BITS - 1


def test_near_pairs_are_those_of_the_definition() -> None:
    pixels = pictures(1)
    hashes = perceptual_hashes(pixels)
    expected = all_near_pairs(hashes, pixels)
    assert 0 < len(expected) < 100
    assert sorted(listed(near_pairs(hashes, pixels))) == sorted(expected)


def test_pairs_that_are_not_wanted_are_left_out() -> None:
    pixels = pictures(1)
    hashes = perceptual_hashes(pixels)
    even = listed(near_pairs(hashes, pixels, wanted=lambda one, other: one % 2 == 0))
    assert sorted(even) == sorted(pair for pair in listed(near_pairs(hashes, pixels)) if pair[0] % 2 == 0)
    assert 0 < len(even) < len(listed(near_pairs(hashes, pixels)))


def test_differences_are_those_of_single_pairs() -> None:
    pixels = pictures(2, 5)
    one, other = np.array([0, 3, 4]), np.array([5, 1, 14])
    expected = [rmse(pixels[a], pixels[b]) for a, b in zip(one, other, strict=True)]
    assert rmse_of_pairs(pixels, one, other) == pytest.approx(expected, abs=1e-6)


def test_clusters_are_the_connected_components() -> None:
    pixels = pictures(3)
    hashes = perceptual_hashes(pixels)
    label = list(range(len(pixels)))
    for one, other in all_near_pairs(hashes, pixels):
        small, large = sorted((label[one], label[other]))
        label = [small if value == large else value for value in label]
    assert near_clusters(hashes, pixels).tolist() == label


def test_clusters_keep_what_was_united_before() -> None:
    pixels = pictures(3)
    hashes = perceptual_hashes(pixels)
    free = near_clusters(hashes, pixels)
    given = Clusters(len(pixels))
    given.unite(np.array([0]), np.array([1]))
    united = near_clusters(hashes, pixels, clusters=given)
    assert free[0] != free[1]
    assert united[0] == united[1]
    assert len(set(united.tolist())) == len(set(free.tolist())) - 1


def test_pictures_that_all_look_alike_are_compared_once_each() -> None:
    looked = []

    class Counting(np.ndarray):
        def __getitem__(self, key: object) -> np.ndarray:
            looked.append(np.size(key))  # pyright: ignore
            return np.asarray(super().__getitem__(key))  # pyright: ignore

    count = 1500
    pixels = np.zeros((count, 32, 32, 3), np.uint8).view(Counting)
    assert near_clusters(np.zeros(count, np.uint64), pixels).tolist() == [0] * count
    assert sum(looked) < 6 * count


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_have_no_pairs(count: int) -> None:
    hashes, pixels = np.zeros(count, np.uint64), np.zeros((count, 32, 32, 3), np.uint8)
    assert listed(near_pairs(hashes, pixels)) == []
    assert near_clusters(hashes, pixels).tolist() == list(range(count))


def test_the_smallest_group_names_a_cluster_whatever_its_number() -> None:
    groups = ["d", "b", "c", "a", "b"]
    assert names_of_clusters(np.array([7, 7, 2, 7, 2]), groups) == ["a", "a", "b", "a", "b"]
    assert names_of_clusters(np.arange(5), groups) == groups
