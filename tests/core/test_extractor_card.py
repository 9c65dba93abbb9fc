from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.config import canonical_json
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.extractor_card import (
    CARD,
    NO_WEIGHTS,
    ExtractorCard,
    FeatureAffine,
    InputSpec,
    Resize,
    check_weights,
    read_card,
    write_card,
)


def make_card(**changes: Any) -> ExtractorCard:
    values: dict[str, Any] = {
        "schema": "underpaint.extractor/1",
        "name": "toy",
        "weights_sha256": NO_WEIGHTS,
        "license": "Apache-2.0",
        "source": "the tests",
        "task": "features",
        "dim": 2,
        "layers": ["mean"],
        "input": {"size": 8},
    }
    return ExtractorCard.parse(values | changes, source="test")


def test_the_identity_is_the_digest_of_the_canonical_json() -> None:
    card = make_card()
    text = canonical_json(card.model_dump(mode="json"))
    assert card.identity == hashlib.sha256(text.encode()).hexdigest()
    assert card.key == f"toy:{card.identity[:8]}"


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "2"},
        {"weights_sha256": "1" * 64},
        {"input": {"size": 9}},
        {"input": {"size": 8, "alpha_background": [0, 0, 0]}},
        {"input": {"size": 8, "resize": {"filter": "bilinear"}}},
        {"unit_norm": True},
        {"feature_affine": {"mean": [0, 0], "std": [1, 2], "reference_digest": "x"}},
    ],
)
def test_whatever_changes_features_changes_the_identity(changes: dict[str, Any]) -> None:
    assert make_card(**changes).identity != make_card().identity


def test_written_and_read_again_it_is_the_same(tmp_path: Path) -> None:
    card = make_card(validation={"accuracy": {"style": [0.9, 0.8, 0.95]}}, classes={"style": ["flat", "sketch"]})
    path = write_card(card, tmp_path)
    assert path.name == CARD
    assert json.loads(path.read_text())["schema"] == "underpaint.extractor/1"
    for place in (path, tmp_path):
        assert read_card(place) == card
        assert read_card(place).identity == card.identity


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "colour"),
        ({"dim": 0}, "dim"),
        ({"name": "a b"}, "name"),
        ({"weights_sha256": "abc"}, "weights_sha256"),
        ({"input": {"size": 8, "color_order": "rgba"}}, "alpha_background"),
        ({"input": {"size": 8, "mean": [1.0]}}, "3 channels"),
        ({"input": {"size": 8, "std": [1.0, 0.0, 1.0]}}, "greater than 0"),
        ({"input": {"size": 8, "range": [1.0, 0.0]}}, "rise"),
        ({"input": {"size": 8, "resize": {"antialias": False}}}, "antialias"),
        ({"input": {"size": 8, "resize": {"library": "tensorflow1", "antialias": False}}}, "bilinear"),
        ({"input": {"size": 8, "resize": {"edge": 9}}}, "crop"),
        ({"input": {"size": 8, "resize": {"edge": 7, "fit": "crop"}}}, "at least the size 8"),
        ({"feature_affine": {"mean": [0], "std": [1], "reference_digest": "x"}}, "dim is 2"),
        ({"feature_affine": {"mean": [0, 0], "std": [1], "reference_digest": "x"}}, "one entry"),
        ({"validation": {"ece": float("nan")}}, "validation"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_card(**changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged"),
        ('{"dim": 1, "dim": 2}', "a key stands twice"),
        ("[]", "no card"),
        ('{"schema": "underpaint.extractor/2"}', "extractor/2"),
        ('{"schema": "underpaint.extractor/1"}', "is missing"),
        ('{"schema": "underpaint.extractor/1", "dim": NaN}', "NaN"),
    ],
)
def test_a_broken_card_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / CARD).write_text(text)
    with pytest.raises(ArtifactError, match=message):
        read_card(tmp_path)


def test_a_missing_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is missing"):
        read_card(tmp_path)


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"0123456789")
    card = make_card(weights_sha256=hashlib.sha256(b"0123456789").hexdigest())
    check_weights(card, path)
    path.write_bytes(b"012345678")
    with pytest.raises(ArtifactError, match="cut off or was changed"):
        check_weights(card, path)
    path.unlink()
    with pytest.raises(ArtifactError, match="is missing"):
        check_weights(card, path)


def test_cards_are_made_in_python_too() -> None:
    spec = InputSpec(size=224, resize=Resize(fit="crop", edge=256), mean=(0.5,) * 3, std=(0.5,) * 3)
    affine = FeatureAffine(mean=(0.0,), std=(1.0,), kept=(3,), reference_digest="x")
    assert make_card(input=spec.model_dump(), dim=1, feature_affine=affine.model_dump()).input.channels == 3
