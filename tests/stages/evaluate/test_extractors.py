from __future__ import annotations

import numpy as np
import pytest

from underpaint.core.errors import ArtifactError, InputError
from underpaint.stages.evaluate.extractors import load_extractor

RNG = np.random.default_rng(0)


def test_pixels_are_premultiplied_means() -> None:
    pixels = RNG.integers(0, 256, (2, 64, 64, 4), dtype=np.uint8)
    values = pixels / 255.0
    values[..., :3] *= values[..., 3:]
    boxes = values.reshape(2, 16, 4, 16, 4, 4).mean(axis=(2, 4))  # [2, 16, 16, 4]
    found = load_extractor("pixels").extract(pixels).features
    np.testing.assert_allclose(found, boxes.transpose(0, 3, 1, 2).reshape(2, -1), atol=1e-6)


def test_features_of_pixels_do_not_depend_on_the_batch() -> None:
    pixels = RNG.integers(0, 256, (9, 40, 30, 4), dtype=np.uint8)
    extractor = load_extractor("pixels")
    alone = np.concatenate([extractor.extract(pixels[i : i + 1]).features for i in range(9)])
    np.testing.assert_array_equal(extractor.extract(pixels).features, alone)


def test_two_extractors_have_two_identities() -> None:
    cards = [load_extractor(name).card for name in ("pixels", "randconv-v1")]
    assert len({card.identity for card in cards}) == 2
    assert cards[1].name == "randconv-v1"
    assert load_extractor("pixels").card.identity == cards[0].identity


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("randconv", "did you mean 'randconv-v1'"),
        ("inceptoin:x", "allowed are evaluator-64, randconv-v1, pixels, evaluator:PLACE, inception:PLACE"),
        ("clip", "did you mean 'clip:PLACE'"),
        ("clip:", "allowed are"),
        ("", "allowed are"),
        ("dinov2:no-such-folder", "neither a folder nor a repository"),
    ],
)
def test_unknown_names_get_a_hint(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_extractor(spec)


@pytest.mark.parametrize("spec", ["inception:nowhere", "evaluator:nowhere"])
def test_a_missing_folder_is_refused(spec: str) -> None:
    with pytest.raises(ArtifactError, match="nowhere"):
        load_extractor(spec)
