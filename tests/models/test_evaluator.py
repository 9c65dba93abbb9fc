"""The evaluator's network: shapes, independence of the batch, and the same network from its folder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from underpaint.core.errors import ArtifactError
from underpaint.learning.seeding import initialized_by
from underpaint.models.evaluator import DAMAGES, Evaluator, EvaluatorConfig, load_evaluator, prepare, save_evaluator
from underpaint.models.pixels import from_straight
from underpaint.models.text_tokenizer import TextTokenizer

CLASSES = {"style": ("flat", "line-art"), "color": ("red", "green", "blue")}
WORDS = ("[PAD]", "[UNK]", "red", "green", "heart", "square")


def build(size: int = 32) -> Evaluator:
    file = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    file.normalizer = normalizers.BertNormalizer()
    file.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    config = EvaluatorConfig(
        image_size=size, widths=(8, 12, 16), depths=(1, 0, 1), dim=10, vocab_size=len(WORDS), text_width=16,
        classes=CLASSES, temperatures={"color": 2.0},
    )  # fmt: skip
    with initialized_by(0):
        evaluator = Evaluator(config, TextTokenizer.from_json(file.to_str()))
        evaluator.caption.words.table.copy_(torch.randn(len(WORDS), 16))
    evaluator.encode_images(torch.randn(16, 3, size, size, generator=torch.Generator().manual_seed(1)))
    return evaluator.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return build()


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 32, 32, 4), dtype=np.uint8)


def test_features_heads_and_captions_have_their_shapes(evaluator: Evaluator, pictures: np.ndarray) -> None:
    features = evaluator.encode_images(prepare(pictures, 32))
    assert features.shape == (7, 10) and features.dtype == torch.float32
    assert {name: tuple(logits.shape) for name, logits in evaluator.heads(features).items()} == {
        "style": (7, 2), "color": (7, 3),
    }  # fmt: skip
    assert evaluator.damage(features).shape == (7, len(DAMAGES))
    captions = evaluator.encode_captions(["red heart", "green square", ""])
    for vectors in (captions, evaluator.embed_features(features)):
        assert torch.allclose(vectors.norm(dim=1), torch.ones(len(vectors)), atol=1e-5)


def test_a_picture_has_the_same_features_in_any_batch(evaluator: Evaluator, pictures: np.ndarray) -> None:
    rgb = prepare(pictures, 32)
    together = evaluator.encode_images(rgb)
    alone = torch.cat([evaluator.encode_images(rgb[i : i + 1]) for i in range(len(rgb))])
    assert float((together - alone).abs().max()) <= 1e-5 * float(together.abs().max())
    captions = ["red heart", "green", "heart square red green"]
    one = torch.cat([evaluator.encode_captions([caption]) for caption in captions])
    assert torch.allclose(evaluator.encode_captions(captions), one, atol=1e-5)


def test_different_pictures_and_captions_differ(evaluator: Evaluator, pictures: np.ndarray) -> None:
    features = evaluator.encode_images(prepare(pictures, 32))
    assert len(torch.unique(features.round(decimals=4), dim=0)) == len(pictures)
    captions = evaluator.encode_captions(["red heart", "green heart"])
    assert float((captions[0] - captions[1]).abs().max()) > 1e-3


def test_a_premultiplied_picture_is_put_on_white(evaluator: Evaluator, pictures: np.ndarray) -> None:
    premultiplied = from_straight(torch.from_numpy(pictures))
    whole = evaluator.encode_images(prepare(pictures, 32))
    assert torch.allclose(evaluator.encode_images(premultiplied), whole, atol=1e-4)


def test_what_lies_behind_transparency_does_not_matter() -> None:
    hidden = np.zeros((1, 16, 16, 4), dtype=np.uint8)
    hidden[..., :3] = 77
    assert torch.equal(prepare(hidden, 16), torch.ones(1, 3, 16, 16))
    assert torch.equal(prepare(hidden, 8), torch.ones(1, 3, 8, 8))


def test_other_sizes_are_resized_like_pillow_does() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (1, 40, 40, 4), dtype=np.uint8)
    picture[..., 3] = 255
    expected = np.asarray(Image.fromarray(picture[0, ..., :3]).resize((16, 16), Image.Resampling.BICUBIC))
    found = (prepare(picture, 16)[0].permute(1, 2, 0).numpy() + 1.0) * 127.5
    assert np.abs(found - expected).max() <= 1.0


def test_a_temperature_divides_the_logits(evaluator: Evaluator, pictures: np.ndarray) -> None:
    features = evaluator.encode_images(prepare(pictures, 32))
    heads = evaluator.heads(features)
    assert torch.allclose(heads["color"], evaluator.head["color"](features) / 2.0)
    assert torch.equal(heads["style"], evaluator.head["style"](features))


def test_the_same_network_comes_back_from_its_folder(evaluator, pictures, tmp_path) -> None:
    save_evaluator(evaluator, tmp_path)
    again = load_evaluator(tmp_path)
    assert again.config == evaluator.config and not any(p.requires_grad for p in again.parameters())
    rgb = prepare(pictures, 32)
    assert torch.allclose(again.encode_images(rgb), evaluator.encode_images(rgb), atol=0.05)
    assert torch.allclose(again.encode_captions(["red heart"]), evaluator.encode_captions(["red heart"]), atol=0.01)
    save_evaluator(again, tmp_path / "again")
    names = ("config.json", "model.safetensors", "tokenizer.json")
    assert all((tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)


def _cut(path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


DAMAGED: list[tuple[str, Callable[..., object]]] = [
    ("model.safetensors", _cut),
    ("config.json", lambda path: path.write_text("{}")),
    ("tokenizer.json", lambda path: path.unlink()),
]


@pytest.mark.parametrize(("name", "harm"), DAMAGED, ids=[name for name, _ in DAMAGED])
def test_a_damaged_folder_is_refused_by_name(evaluator, tmp_path, name, harm) -> None:
    save_evaluator(evaluator, tmp_path)
    harm(tmp_path / name)
    with pytest.raises(ArtifactError, match=name):
        load_evaluator(tmp_path)
