"""The shipped evaluator: whole, small, and right about pictures that the shipped model draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import underpaint
from underpaint.core.artifact import verify
from underpaint.core.extractor_card import check_weights, read_card
from underpaint.models.evaluator import Evaluator, load_evaluator, prepare
from underpaint.pipelines.model_folder import SHIPPED, shipped_models

FOLDER = SHIPPED / "evaluator-64"
STYLES = ("cartoon", "flat", "gradient", "line-art")
CAPTIONS = ("red heart", "owl", "waving hand with dark skin tone", "blue square", "pizza", "rocket")


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return load_evaluator(FOLDER)


@pytest.fixture(scope="module")
def asked() -> list[tuple[str, str]]:
    return [(style, caption) for style in STYLES for caption in CAPTIONS]


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    generator = underpaint.load()
    images = [image for style in STYLES for image in generator.generate(list(CAPTIONS), seed=7, style=style)]
    return np.stack([np.asarray(image.convert("RGBA")) for image in images])


def test_it_is_whole_small_and_no_pipeline() -> None:
    manifest = verify(FOLDER, kind="evaluator")
    assert sum(entry.bytes for entry in manifest.files.values()) <= 4_000_000
    assert FOLDER.name not in shipped_models()


def test_its_card_fits_its_weights_and_says_what_it_cannot(evaluator: Evaluator) -> None:
    card, manifest = read_card(FOLDER), verify(FOLDER, kind="evaluator")
    check_weights(card, FOLDER / "model.safetensors")
    assert card.identity == manifest.figures["card"] and card.classes == evaluator.config.classes
    found = card.validation
    advisory = {head for head, figures in found["heads"].items() if figures["low"] < 0.9}  # pyright: ignore
    assert advisory == set(found["advisory"])  # pyright: ignore
    assert found["ships"]["degradations_seen"] and found["ships"]["fd_rises"]  # pyright: ignore
    assert found["ships"]["captions_found"]["test_style"]  # pyright: ignore
    assert any("outside its training data" in spot for spot in card.known_blind_spots)


def test_its_text_table_is_the_one_of_the_shipped_model() -> None:
    model = verify(SHIPPED / "stickers-64", kind="pipeline", only=())
    assert verify(FOLDER, only=()).parents["text-table"] == model.parents["text-table"]


def test_it_agrees_with_what_the_model_was_asked_for(evaluator, asked, drawn) -> None:
    features = evaluator.encode_images(prepare(drawn, 64))
    style = evaluator.heads(features)["style"].argmax(dim=1)
    named = [evaluator.config.classes["style"][i] for i in style.tolist()]
    assert np.mean([name == style for name, (style, _) in zip(named, asked, strict=True)]) >= 0.7
    nearest = (evaluator.embed_features(features) @ evaluator.encode_captions(CAPTIONS).T).argmax(dim=1)
    right = [CAPTIONS[i] == caption for i, (_, caption) in zip(nearest.tolist(), asked, strict=True)]
    assert np.mean(right) >= 0.7, right


def test_its_features_do_not_depend_on_the_batch(evaluator: Evaluator, drawn: np.ndarray) -> None:
    rgb = prepare(drawn, 64)
    together = evaluator.encode_images(rgb)
    alone = torch.cat([evaluator.encode_images(part) for part in rgb.split(5)])
    assert float((together - alone).abs().max()) <= 1e-5 * float(together.abs().max())
