from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from underpaint.core.errors import ArtifactError
from underpaint.core.extractor_card import FeatureAffine, read_card
from underpaint.models.randconv import (
    FOLDER,
    INPUT,
    LAYERS,
    RandomConvolutions,
    extractor_of,
    load_randconv,
    make_card,
    random_weights,
    standardization,
    weights_sha256,
)
from underpaint.pipelines.model_folder import shipped_models
from underpaint.runtime.rng import stream_key

WEIGHTS_SHA256 = "7d92424e25140942e55a0099f2a4506cb7412387be40339b0bf64c054deb8710"
RNG = np.random.default_rng(3)


def pictures(count: int) -> np.ndarray:
    """Smooth blobs with soft edges on transparency."""
    noise = RNG.integers(0, 256, (count, 8, 8, 4), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(n).resize((64, 64), Image.Resampling.BICUBIC)) for n in noise])


def test_the_weights_are_these_bits_everywhere() -> None:
    tensors = random_weights()
    assert weights_sha256(tensors) == WEIGHTS_SHA256 == read_card(FOLDER).weights_sha256
    assert sum(values.size for values in tensors.values()) == 9_472 + 204_928 + 295_168


def test_weights_come_from_raw_words_in_exact_arithmetic() -> None:
    """The first weights from NumPy's raw words by hand: 24 bits of a word, mapped to plus and minus 1 / sqrt(147)."""
    words = np.random.Philox(key=stream_key(0, "randconv-v1/conv1.weight")).random_raw(3)
    expected = [np.float32((2.0 * (int(word) >> 40) / 2**24 - 1.0) / 147**0.5) for word in words]
    found = random_weights()["conv1.weight"].reshape(-1)[:3]
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_weights_fill_their_range_evenly() -> None:
    for number, (inputs, _, kernel) in enumerate(LAYERS, 1):
        bound = 1.0 / (inputs * kernel * kernel) ** 0.5
        values = random_weights()[f"conv{number}.weight"]
        assert np.abs(values).max() <= bound * (1 + 1e-7)
        assert abs(float(values.std()) / (bound / 3**0.5) - 1.0) < 0.02


def test_it_is_the_network_of_torch_modules() -> None:
    layers = [torch.nn.Conv2d(i, o, k, stride=2, padding=k // 2) for i, o, k in LAYERS]
    tensors = random_weights()
    for number, layer in enumerate(layers, 1):
        layer.weight.data = torch.from_numpy(tensors[f"conv{number}.weight"])
        layer.bias.data = torch.from_numpy(tensors[f"conv{number}.bias"])  # pyright: ignore[reportOptionalMemberAccess]
    x = torch.from_numpy(RNG.uniform(-1, 1, (2, 3, 64, 64)).astype(np.float32))
    network = torch.nn.Sequential(*(module for layer in layers for module in (layer, torch.nn.ReLU())))
    with torch.inference_mode():
        expected = network(x).mean(dim=(2, 3))
    found = RandomConvolutions(tensors, torch.device("cpu"))
    torch.testing.assert_close(found(x), expected)
    assert [tuple(m.shape) for m in found.maps(x)] == [(2, 64, 32, 32), (2, 128, 16, 16), (2, 256, 8, 8)]


def test_features_do_not_depend_on_the_batch() -> None:
    extractor, pixels = load_randconv(), pictures(64)
    whole = extractor.extract(pixels).features
    scale = np.abs(whole).max()
    for size in (1, 7):
        parts = [extractor.extract(pixels[i : i + size]).features for i in range(0, 64, size)]
        assert np.abs(np.concatenate(parts) - whole).max() <= 1e-6 * scale


def test_the_shipped_card_standardizes_without_dead_dimensions() -> None:
    card = read_card(FOLDER)
    assert card.feature_affine is not None
    assert card.dim == len(card.feature_affine.mean)
    assert min(card.feature_affine.std) >= 1e-3 * np.median(card.feature_affine.std)
    assert card.feature_affine.reference_digest.endswith(":validation+test_concept")
    assert card.input == INPUT


def test_it_is_not_taken_for_a_model() -> None:
    assert FOLDER.name not in shipped_models()


def test_dead_dimensions_are_dropped() -> None:
    raw = RNG.normal(size=(50, 256)).astype(np.float32)
    raw[:, 7] = 0.0
    raw[:, 9] *= 1e-4
    affine = standardization(raw, "x")
    assert affine.kept is not None
    assert set(range(256)) - set(affine.kept) == {7, 9}
    kept = raw[:, list(affine.kept)]
    standardized = (kept - np.array(affine.mean)) / np.array(affine.std)
    np.testing.assert_allclose(standardized.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(standardized.std(axis=0), 1.0, atol=1e-6)


def test_blur_moves_the_features_more_than_another_half_does() -> None:
    pixels = pictures(80)
    blurred = np.stack([np.asarray(Image.fromarray(p).filter(ImageFilter.GaussianBlur(2))) for p in pixels[:40]])
    extractor = load_randconv()
    clean, other, damaged = (extractor.extract(p).features.mean(0) for p in (pixels[:40], pixels[40:], blurred))
    assert np.linalg.norm(damaged - clean) > 2.0 * np.linalg.norm(other - clean)


def test_a_card_of_other_weights_is_refused() -> None:
    affine = FeatureAffine(mean=(0.0,) * 256, std=(1.0,) * 256, reference_digest="x")
    card = make_card(random_weights(seed=1), affine, name="randconv-other")
    assert extractor_of(card, seed=1).card.name == "randconv-other"
    with pytest.raises(ArtifactError, match="another version"):
        extractor_of(card, seed=0)
