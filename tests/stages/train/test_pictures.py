from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from underpaint.core.artifact import seal
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, DataError
from underpaint.core.samples import read_samples
from underpaint.models.pixels import to_straight
from underpaint.stages.train.pictures import load_pictures


def test_the_pictures_of_the_named_splits_are_read_in_order(shapes):
    pictures = load_pictures(shapes, ("train",))
    expected = [sample for sample in read_samples(shapes) if sample.split == "train"]
    assert pictures.samples == expected and len(pictures) == 96 and pictures.size == 32
    for index in (0, 50, 95):
        with Image.open(shapes / expected[index].file) as image:
            assert np.array_equal(pictures.pixels[index].numpy(), np.asarray(image))


def test_a_batch_is_the_premultiplied_form_of_the_files(shapes):
    pictures = load_pictures(shapes, ("train", "validation"))
    index = torch.tensor([3, 1, 3])
    assert np.array_equal(to_straight(pictures.batch(index)), pictures.pixels[index].numpy())


def test_pictures_are_chosen_by_weight(shapes):
    pictures = load_pictures(shapes, ("train",))
    pictures.weights[:] = 0.0
    pictures.weights[5], pictures.weights[9] = 1.0, 3.0
    index = pictures.choose(4000, torch.Generator().manual_seed(0))
    assert set(index.tolist()) == {5, 9}
    assert float((index == 9).float().mean()) == pytest.approx(0.75, abs=0.03)


def test_variants_together_weigh_the_square_root_of_their_number(shapes):
    pictures = load_pictures(shapes, ("train",))
    shared = [sample.model_copy(update={"weight": 1 / 16}) for sample in pictures.samples]
    from underpaint.stages.train.pictures import variant_weights

    assert variant_weights(shared)[:16].sum() == pytest.approx(4.0)


def test_a_split_without_pictures_is_refused(shapes):
    with pytest.raises(DataError, match="no sample in the splits test_style"):
        load_pictures(shapes, ("test_style",))


def test_another_artifact_is_refused(tmp_path):
    seal(tmp_path, kind="latents", stage="train", config=Config(), parents={})
    with pytest.raises(ArtifactError, match="'dataset' artifact is needed"):
        load_pictures(tmp_path, ("train",))
