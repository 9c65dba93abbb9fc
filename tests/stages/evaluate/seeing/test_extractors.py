from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from underpaint.core.artifact import hash_file
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.extractor_card import ExtractorCard, write_card
from underpaint.learning.seeding import initialized_by
from underpaint.models.evaluator import Evaluator, EvaluatorConfig, load_evaluator, prepare, save_evaluator
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.stages.evaluate.seeing.extractors import load_extractor

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


def saved_evaluator(folder: Path) -> Evaluator:
    """Save a small evaluator with its card."""
    words = Tokenizer(WordPiece({"[PAD]": 0, "[UNK]": 1, "cat": 2, "dog": 3}, unk_token="[UNK]"))
    words.normalizer = BertNormalizer()
    words.pre_tokenizer = BertPreTokenizer()
    config = EvaluatorConfig(
        image_size=16, widths=(4, 4, 4), dim=8, vocab_size=4, text_width=8, text_heads=2, classes={"tone": ("a", "b")}
    )
    with initialized_by(0):
        evaluator = Evaluator(config, TextTokenizer.from_json(words.to_str()))
        evaluator.caption.words.table.copy_(torch.randn(4, 8))
    evaluator.encode_images(torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    save_evaluator(evaluator.eval(), folder)
    values = {
        "schema": "underpaint.extractor/1",
        "name": "small",
        "weights_sha256": hash_file(folder / "model.safetensors"),
        "license": "Apache-2.0",
        "source": "the tests",
        "task": "dual_encoder",
        "dim": 8,
        "layers": ["features"],
        "input": {"size": 16, "range": [-1.0, 1.0]},
        "classes": {"tone": ["a", "b"]},
    }
    write_card(ExtractorCard.parse(values, source="test"), folder)
    return load_evaluator(folder)


def test_an_evaluator_has_features_heads_and_text(tmp_path: Path) -> None:
    network, extractor = saved_evaluator(tmp_path), load_extractor(f"evaluator:{tmp_path}")
    pixels = RNG.integers(0, 256, (5, 16, 16, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    found = extractor.extract(pixels)
    with torch.inference_mode():
        features = network.encode_images(prepare(pixels, 16))
        tone, captions = network.heads(features)["tone"].softmax(dim=1), network.encode_captions(["a cat", "dog"])
        shared = network.embed_features(features)
    np.testing.assert_allclose(found.features, features, atol=1e-5)
    np.testing.assert_allclose(found.probabilities["tone"], tone, atol=1e-5)
    np.testing.assert_allclose(extractor.text_features(["a cat", "dog"]), captions, atol=1e-6)
    np.testing.assert_allclose(extractor.shared_features(found.features), shared, atol=1e-5)


def test_an_evaluator_that_differs_from_its_card_is_refused(tmp_path: Path) -> None:
    saved_evaluator(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ArtifactError, match="was changed"):
        load_extractor(f"evaluator:{tmp_path}")
