from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.samples import STATED, Sample
from underpaint.stages.data.dirty_captions import check_dirty, features, plain, ranks
from underpaint.stages.data.look import Look

SWAPPED_SHARE, REVIEWED_SHARE = 0.03, 0.05


def brute_rank(ids: list[str], families: list[str], described: np.ndarray, i: int) -> float:
    nearest: dict[str, float] = {}
    for j, other in enumerate(ids):
        if families[j] != families[i]:
            nearest[other] = min(nearest.get(other, 9e9), float(((described[i] - described[j]) ** 2).sum()))
    return float(np.mean([value < nearest[ids[i]] for value in nearest.values()]))


def test_ranks_are_those_of_the_definition() -> None:
    random = np.random.default_rng(2)
    ids = [f"{n}" for n in range(8)] * 3
    families = ["a"] * 8 + ["b"] * 16
    described = random.normal(size=(24, 5)).astype(np.float32)
    described /= np.linalg.norm(described, axis=1, keepdims=True)
    found = ranks(ids, families, described)
    assert found == pytest.approx({i: brute_rank(ids, families, described, i) for i in range(24)})


def test_captions_of_one_family_are_not_ranked() -> None:
    described = np.eye(3, dtype=np.float32)
    assert set(ranks(["x", "x", "only"], ["a", "b", "b"], described)) == {0, 1}


def test_features_know_shape_and_color() -> None:
    gray = np.full((1, 32, 32, 3), 128, np.uint8)
    red, bar = gray.copy(), gray.copy()
    red[..., 0] = 250
    bar[:, 12:20] = 20
    plain_, colored, shaped = (features(x)[0] for x in (gray, red, bar))
    assert np.allclose(plain_[:512], colored[:512])
    assert not np.allclose(plain_[512:], colored[512:])
    assert not np.allclose(plain_[:512], shaped[:512])


@pytest.mark.network
def test_swapped_captions_of_the_real_set_are_found(samples: list[Sample], look: Look) -> None:
    index = plain(samples)
    ids = np.array([samples[i].id for i in index], dtype=object)
    families = [samples[i].family for i in index]
    noto = shared_positions(ids, families)
    random = np.random.default_rng(11)
    swapped = random.choice(noto, round(SWAPPED_SHARE * len(noto)), replace=False)
    ids[swapped] = np.roll(ids[swapped], 1)
    found = ranks(list(ids), families, features(look.pixels[index]))
    bad = np.array([found[k] for k in swapped])
    good = np.array([found[k] for k in noto if k not in set(swapped.tolist())])
    auc = (bad[:, None] > good).mean() + 0.5 * (bad[:, None] == good).mean()
    reviewed = np.sort(np.concatenate([bad, good]))[-round(REVIEWED_SHARE * len(noto))]
    assert auc >= 0.93
    assert (bad >= reviewed).mean() >= 0.4


def shared_positions(ids: np.ndarray, families: list[str]) -> list[int]:
    """Return the positions of Noto drawings whose caption Fluent drew too."""
    fluent = {id_ for id_, family in zip(ids, families, strict=True) if family == "fluent"}
    return [k for k, family in enumerate(families) if family == "noto" and ids[k] in fluent]


def test_a_single_family_is_not_called_clean(samples_of_one_family: tuple[list[Sample], Look]) -> None:
    report = check_dirty(*samples_of_one_family)
    assert not report.applicable
    assert report.review == ()


@pytest.fixture
def samples_of_one_family() -> tuple[list[Sample], Look]:
    fields = dict.fromkeys(STATED, "")
    some = [Sample.model_validate(fields | {"id": f"{0x1F400 + n:x}", "family": "noto", "weight": 1}) for n in range(3)]
    return some, Look(pixels=np.zeros((3, 32, 32, 3), np.uint8), hashes=["0"] * 3, alpha=np.ones(3))
