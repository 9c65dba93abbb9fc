from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from underpaint.core.samples import Sample
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.model_folder import find_folder
from underpaint.stages.evaluate.drawing.pictures import Real
from underpaint.stages.evaluate.drawing.wishes import Wish

WORDS = ("cat", "dog", "red", "blue", "smiling")


@pytest.fixture(scope="module")
def combinations(load_benchmark) -> ModuleType:
    return load_benchmark("combinations")


def counted(captions: Sequence[str]) -> np.ndarray:
    """Return how often each word stands in each caption, of length 1."""
    counts = np.array([[caption.split().count(word) for word in WORDS] for caption in captions], dtype=np.float32)
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def picture(caption: str, style: str) -> Real:
    sample = Sample.model_construct(caption=caption, style=style, id=f"{caption}/{style}")
    return Real(sample=sample, path=Path(f"{caption}-{style}.png"))


def wish(prompt: str, style: str | None) -> Wish:
    return Wish(image_id="", part="", prompt_id="", prompt=prompt, style=style, seed=0, cluster="")


TRAINING = [
    picture(caption, style) for caption in ("red cat", "blue dog", "smiling dog") for style in ("flat", "cartoon")
]


@pytest.fixture
def find(combinations: ModuleType):
    vectors = counted([one.sample.caption for one in TRAINING])
    return combinations.Retrieval(training=TRAINING, vectors=vectors, read=counted).find


def test_retrieval_returns_the_training_picture_of_a_known_caption(find) -> None:
    assert [find(wish(one.sample.caption, one.sample.style)) for one in TRAINING] == TRAINING


def test_retrieval_keeps_the_style_even_where_another_style_has_the_nearer_caption(find) -> None:
    only_flat = find(wish("blue dog", "flat"))
    assert (only_flat.sample.caption, only_flat.sample.style) == ("blue dog", "flat")
    assert find(wish("smiling dog", "cartoon")).sample.style == "cartoon"


def test_retrieval_of_a_new_combination_gets_a_part_wrong(find) -> None:
    assert find(wish("blue cat", "flat")).sample.caption in {"red cat", "blue dog"}


def test_caption_vectors_are_weighted_means_of_the_table_without_the_padding(combinations: ModuleType) -> None:
    tokenizer = TextTokenizer.from_folder(find_folder(None) / "text_tokenizer")
    encoder = TextEncoder(TextEncoderConfig(vocab_size=tokenizer.vocab_size, width=8, depth=0))
    generator = torch.Generator().manual_seed(0)
    encoder.table.copy_(torch.randn(encoder.table.shape, generator=generator))
    encoder.weight.copy_(torch.rand(encoder.weight.shape, generator=generator) + 0.1)
    found = combinations.caption_vectors(tokenizer, encoder, ["red cat", "a very long caption of a smiling blue dog"])
    ids = tokenizer.encode_batch(["red cat"], 24)
    row = ids[0][0][ids[1][0]]
    mean = sum(float(encoder.weight[i]) * encoder.table[i].double().numpy() for i in row.tolist())
    np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
