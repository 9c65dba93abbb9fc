from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from underpaint.core.errors import DataError, UnreadableImage
from underpaint.core.samples import read_samples
from underpaint.stages.train.packed_pictures import load_packed
from underpaint.stages.train.pictures import load_pictures


def test_packed_pictures_are_the_pictures(shapes: Path) -> None:
    packed, plain = load_packed(shapes, ("validation",)), load_pictures(shapes, ("validation",))
    index = torch.tensor([5, 0, 5])
    assert packed.samples == plain.samples and packed.side == plain.size == 32
    assert torch.equal(packed.batch(index), plain.batch(index))
    assert torch.equal(packed.weights, plain.weights)
    chosen = (each.choose(8, torch.Generator().manual_seed(1)) for each in (packed, plain))
    assert torch.equal(*chosen)


def test_a_picture_that_is_damaged_behind_its_head_is_named(shapes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    shutil.copytree(shapes, folder)
    sample = next(s for s in read_samples(folder) if s.split == "validation")
    data = (folder / sample.file).read_bytes()
    (folder / sample.file).write_bytes(data[:60])
    packed = load_packed(folder, ("validation",))
    with pytest.raises(UnreadableImage, match=sample.file):
        packed.batch(torch.tensor([0]))
    (folder / sample.file).write_bytes(b"nothing")
    with pytest.raises(UnreadableImage, match=sample.file):
        load_packed(folder, ("validation",))
    (folder / sample.file).unlink()
    with pytest.raises(DataError, match="is missing"):
        load_packed(folder, ("validation",))


def test_a_split_without_pictures_is_refused(shapes: Path) -> None:
    with pytest.raises(DataError, match="no sample in the splits nowhere"):
        load_packed(shapes, ("nowhere",))
