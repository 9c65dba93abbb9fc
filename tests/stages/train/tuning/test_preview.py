from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from underpaint.core.samples import read_samples
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.saved import load_pipeline
from underpaint.runtime.device import CPU
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.tuning.own import encoded, read_some
from underpaint.stages.train.tuning.preview import COLUMNS, draw_preview, requests_for

TILE = 32 + 2


@pytest.fixture(scope="module")
def autoencoder(trained_tokenizer):
    return load_component(trained_tokenizer / "autoencoder", Autoencoder, AutoencoderConfig)


def part_of(own_pictures, autoencoder, count):
    pictures = read_some(own_pictures, read_samples(own_pictures)[:count])
    return encoded(pictures, autoencoder, LatentsEncoding(variants=1), CPU, lambda _: None)


@pytest.mark.parametrize("count", [1, 2, 12])
def test_every_picture_is_asked_for_once_and_all_everyday_words(own_pictures, autoencoder, count):
    captions, everyday = requests_for(part_of(own_pictures, autoencoder, count))
    expected = [sample.caption for sample in read_samples(own_pictures)[: min(count, COLUMNS)]]
    assert [request.caption for request in captions] == expected
    assert len({request.caption for request in everyday}) == COLUMNS
    assert len({request.seed for request in (*captions, *everyday)}) == len(captions) + COLUMNS


def test_rows_of_few_pictures_end_empty(own_pictures, autoencoder, parent, tmp_path):
    part = part_of(own_pictures, autoencoder, 2)
    pipeline = load_pipeline(parent, torch.device("cpu"))
    assert isinstance(pipeline, HybridPipeline)
    draw_preview([pipeline], part, autoencoder, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert pixels.shape == (3 * TILE, COLUMNS * TILE, 3)
    rows = pixels.reshape(3, TILE, COLUMNS, TILE, 3)
    drawn = np.any(rows < 255, axis=(1, 3, 4))  # [3, 8]
    assert drawn[0].tolist() == [True] * 2 + [False] * 6 and not drawn[1, 2:].any() and drawn[2].sum() > 2
