from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from underpaint.core.errors import InputError
from underpaint.core.extractor_card import NO_WEIGHTS, ExtractorCard
from underpaint.models.extractor import Extractor


def make_extractor(network: Any = None, **changes: Any) -> Extractor:
    parts = {key: changes.pop(key) for key in ("heads", "text", "share", "layers") if key in changes}
    values: dict[str, Any] = {
        "schema": "underpaint.extractor/1",
        "name": "toy",
        "weights_sha256": NO_WEIGHTS,
        "license": "Apache-2.0",
        "source": "the tests",
        "task": "features",
        "dim": 3,
        "layers": ["mean"],
        "input": {"size": 8},
    }
    card = ExtractorCard.parse(values | changes, source="test")
    return Extractor(card=card, network=network or (lambda x: x.mean(dim=(2, 3))), **parts)


def pictures(count: int, size: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 4), dtype=np.uint8)


def test_the_standardization_of_the_card_is_applied() -> None:
    raw = make_extractor().extract(pictures(5)).features
    affine = {"mean": [0.5, 0.25], "std": [2.0, 0.1], "kept": [2, 0], "reference_digest": "x"}
    found = make_extractor(dim=2, feature_affine=affine).extract(pictures(5)).features
    np.testing.assert_allclose(found, (raw[:, [2, 0]] - [0.5, 0.25]) / [2.0, 0.1], rtol=1e-5)
    assert found.dtype == np.float32


def test_unit_norm_is_applied_last() -> None:
    affine = {"mean": [0.5] * 3, "std": [0.1, 0.2, 0.3], "reference_digest": "x"}
    raw = make_extractor(feature_affine=affine).extract(pictures(5)).features
    found = make_extractor(feature_affine=affine, unit_norm=True).extract(pictures(5)).features
    np.testing.assert_allclose(found, raw / np.linalg.norm(raw, axis=1, keepdims=True), rtol=1e-5)


def test_heads_see_raw_features() -> None:
    affine = {"mean": [0.5] * 3, "std": [0.1] * 3, "reference_digest": "x"}
    found = make_extractor(feature_affine=affine, heads=lambda raw: {"color": raw.softmax(dim=1)}).extract(pictures(2))
    raw = torch.from_numpy(make_extractor().extract(pictures(2)).features)
    np.testing.assert_allclose(found.probabilities["color"], raw.softmax(dim=1), rtol=1e-6)


def test_text_and_pictures_meet_in_one_space() -> None:
    dual = make_extractor(
        task="dual_encoder",
        text=lambda captions: torch.tensor([[len(caption), 0.0] for caption in captions]),
        share=lambda features: features[:, :2],
    )
    assert dual.text_features(["a", "abc"]).tolist() == [[1.0, 0.0], [1.0, 0.0]]
    features = dual.extract(pictures(3)).features
    shared = dual.shared_features(features)
    np.testing.assert_allclose(shared, features[:, :2] / np.linalg.norm(features[:, :2], axis=1, keepdims=True), 1e-6)


def test_what_an_extractor_lacks_is_refused() -> None:
    extractor = make_extractor()
    with pytest.raises(InputError, match="reads no captions"):
        extractor.text_features(["a cat"])
    with pytest.raises(InputError, match="reads no captions"):
        extractor.shared_features(np.zeros((1, 3), dtype=np.float32))
    with pytest.raises(InputError, match="no maps"):
        extractor.maps(pictures(1))


def test_a_small_input_is_warned_about() -> None:
    extractor = make_extractor()
    assert extractor.warning(8, 8) == extractor.warning(4, 8) == ""
    assert "8 x 8" in extractor.warning(64, 8) and "8 x 64" in extractor.warning(64, 8)
