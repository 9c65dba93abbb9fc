from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from underpaint.core.errors import DataError, DegenerateSamples, UnreadableImage
from underpaint.core.extractor_card import NO_WEIGHTS, ExtractorCard
from underpaint.core.progress import Progress
from underpaint.models.extractor import Extractor
from underpaint.stages.evaluate.drawing.pictures import sha256_of
from underpaint.stages.evaluate.seeing import extraction
from underpaint.stages.evaluate.seeing.extraction import Picture, allocate, compact, extract_all


class Counting:
    """A network that counts what it looks at: channel means, and the largest one as a class."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += len(x)
        return x.mean(dim=(2, 3))


def make_extractor(network: Any = None, **changes: Any) -> tuple[Extractor, Counting]:
    values: dict[str, Any] = {
        "schema": "underpaint.extractor/1",
        "name": "toy",
        "weights_sha256": NO_WEIGHTS,
        "license": "Apache-2.0",
        "source": "the tests",
        "task": "classifier",
        "dim": 3,
        "layers": ["mean"],
        "input": {"size": 8},
        "classes": {"color": ["red", "green", "blue"]},
    }
    network = network or Counting()
    card = ExtractorCard.parse(values | changes, source="test")
    return Extractor(card=card, network=network, heads=lambda raw: {"color": raw.softmax(dim=1)}), network


def make_pixels(count: int, size: int = 8, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, size, size, 4), dtype=np.uint8))


def pictures_of(pixels: list[np.ndarray]) -> list[Picture]:
    return [(sha256_of(p), lambda p=p: p) for p in pixels]


def broken() -> np.ndarray:
    raise UnreadableImage("a.png cannot be read as a picture (truncated)")


def test_rows_are_those_of_the_pictures_in_order() -> None:
    pixels = make_pixels(10)
    extractor, _ = make_extractor()
    found, expected = extract_all(pictures_of(pixels), extractor, batch_size=3), extractor.extract(pixels)
    np.testing.assert_allclose(found.features, expected.features, rtol=1e-6)
    np.testing.assert_allclose(found.probabilities["color"], expected.probabilities["color"], rtol=1e-6)
    assert found.kept.tolist() == list(range(10))
    assert (found.sizes == 8).all()


def test_the_cache_gives_the_same_bits_without_looking_again(tmp_path: Path) -> None:
    pixels = make_pixels(10)
    extractor, network = make_extractor()
    first = extract_all(pictures_of(pixels), extractor, tmp_path, batch_size=4)
    assert (network.seen, first.num_cached) == (10, 0)
    again = extract_all(pictures_of(pixels[::-1]), extractor, tmp_path)
    assert (network.seen, again.num_cached) == (10, 10)
    np.testing.assert_array_equal(again.features[::-1], first.features)
    np.testing.assert_array_equal(again.probabilities["color"][::-1], first.probabilities["color"])
    np.testing.assert_array_equal(again.sizes, first.sizes)


def test_another_card_sees_for_itself(tmp_path: Path) -> None:
    pixels = make_pixels(4)
    extract_all(pictures_of(pixels), make_extractor()[0], tmp_path)
    other, network = make_extractor(version="2")
    assert extract_all(pictures_of(pixels), other, tmp_path).num_cached == 0
    assert network.seen == 4


def test_equal_pictures_are_looked_at_once() -> None:
    pixels = make_pixels(2)
    extractor, network = make_extractor()
    found = extract_all(pictures_of([pixels[0], pixels[1], pixels[0]]), extractor)
    assert network.seen == 2
    np.testing.assert_array_equal(found.features[0], found.features[2])


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "SHARD_ROWS", 4)
    pictures = pictures_of(make_pixels(12))

    def stop() -> np.ndarray:
        raise KeyboardInterrupt

    extractor, network = make_extractor()
    with pytest.raises(KeyboardInterrupt):
        extract_all([*pictures[:9], (pictures[9][0], stop), *pictures[10:]], extractor, tmp_path, batch_size=2)
    assert network.seen == 8
    found = extract_all(pictures, extractor, tmp_path, batch_size=2)
    assert (network.seen, found.num_cached) == (12, 8)
    np.testing.assert_array_equal(found.features, extract_all(pictures, extractor, batch_size=2).features)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-3],
        lambda raw: raw[:100],
        lambda raw: b"",
        lambda raw: raw[:-200] + bytes([raw[-200] ^ 1]) + raw[-199:],
        lambda raw: bytes([255] * 8) + raw[8:],
    ],
    ids=["cut", "cut in the header", "empty", "one bit", "header"],
)
def test_a_damaged_shard_is_seen_and_made_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    pictures = pictures_of(make_pixels(10))
    extractor, network = make_extractor()
    clean = extract_all(pictures, extractor, tmp_path)
    (shard,) = tmp_path.rglob("*.safetensors")
    shard.write_bytes(damage(shard.read_bytes()))
    found = extract_all(pictures, extractor, tmp_path)
    assert (network.seen, found.num_cached, found.num_damaged) == (20, 0, 1)
    np.testing.assert_array_equal(found.features, clean.features)
    assert extract_all(pictures, extractor, tmp_path).num_cached == 10


def test_several_can_fill_one_cache_at_once(tmp_path: Path) -> None:
    pictures = pictures_of(make_pixels(40))
    expected = extract_all(pictures, make_extractor()[0]).features
    found: list[np.ndarray] = []

    def work() -> None:
        found.append(extract_all(pictures, make_extractor()[0], tmp_path, batch_size=5).features)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for features in found:
        np.testing.assert_allclose(features, expected, rtol=1e-6)
    assert extract_all(pictures, make_extractor()[0], tmp_path).num_cached == 40


def test_an_unreadable_picture_is_refused_by_name(tmp_path: Path) -> None:
    pictures = pictures_of(make_pixels(3))
    with pytest.raises(UnreadableImage, match=r"a\.png"):
        extract_all([*pictures, ("0" * 64, broken)], make_extractor()[0], tmp_path)


def test_an_unreadable_picture_is_skipped_and_told() -> None:
    pixels = make_pixels(4)
    pictures = pictures_of(pixels)
    extractor, _ = make_extractor()
    found = extract_all([pictures[0], ("0" * 64, broken), *pictures[1:]], extractor, unreadable="skip", batch_size=2)
    assert found.kept.tolist() == [0, 2, 3, 4]
    assert len(found.skipped) == 1
    assert "a.png" in found.skipped[0]
    np.testing.assert_allclose(found.features, extractor.extract(pixels).features, rtol=1e-6)
    assert found.probabilities["color"].shape == (4, 3)


def test_a_picture_that_changed_is_refused() -> None:
    first, second = pictures_of(make_pixels(2))
    with pytest.raises(DataError, match="it changed since"):
        extract_all([(first[0], second[1])], make_extractor()[0])


def test_nan_features_are_refused_and_not_kept(tmp_path: Path) -> None:
    extractor, _ = make_extractor(lambda x: x.mean(dim=(2, 3)) * float("nan"))
    with pytest.raises(DegenerateSamples, match="NaN"):
        extract_all(pictures_of(make_pixels(2)), extractor, tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_large_pictures_are_warned_about_from_the_cache_too(tmp_path: Path) -> None:
    for _ in range(2):
        found = extract_all(pictures_of(make_pixels(2, size=20)), make_extractor()[0], tmp_path)
        assert "20 x 20" in found.warning
    assert extract_all(pictures_of(make_pixels(2)), make_extractor()[0], tmp_path).warning == ""


def test_no_pictures_are_no_rows() -> None:
    found = extract_all([], make_extractor()[0])
    assert found.features.shape == (0, 3)
    assert found.probabilities["color"].shape == (0, 3)


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    told: list[Progress] = []
    for _ in range(2):
        extract_all(pictures_of(make_pixels(5)), make_extractor()[0], tmp_path, batch_size=2, report=told.append)
    assert [(p.done, p.total) for p in told] == [(0, 5), (2, 5), (4, 5), (5, 5), (5, 5)]


def test_large_results_are_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = make_pixels(6)
    expected = extract_all(pictures_of(pixels), make_extractor()[0]).features
    monkeypatch.setattr(extraction, "IN_MEMORY_BYTES", 10)
    found = extract_all(pictures_of(pixels), make_extractor()[0]).features
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, expected)
    assert not isinstance(allocate((1, 2), np.float32), np.memmap)


def test_compacting_is_selecting() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 2))
    kept = np.flatnonzero(rng.random(50) < 0.6)
    np.testing.assert_array_equal(compact(values.copy(), kept, block=7), values[kept])
