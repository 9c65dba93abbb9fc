from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from underpaint.core.errors import DataError, UnreadableImage
from underpaint.core.samples import Sample, read_samples, write_samples
from underpaint.stages.train.conditions import STYLES, style_rows, style_to_ask
from underpaint.stages.train.dataset import read_size, require_trainable
from underpaint.stages.train.pictures import load_pictures

Change = Callable[[list[Sample]], list[Sample]]


@pytest.fixture
def copy(shapes: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shapes, tmp_path / "dataset"))


def change(dataset: Path, how: Change) -> None:
    write_samples(dataset, how(read_samples(dataset)))


def check(dataset: Path, image_size: int = 32, batch_size: int = 16) -> None:
    require_trainable(dataset, image_size=image_size, batch_size=batch_size, styles=STYLES)


def test_a_good_data_set_passes(shapes):
    check(shapes)
    check(shapes, batch_size=96)


def without_words(samples: list[Sample]) -> list[Sample]:
    return [s.model_copy(update={"caption": "  " if n in (5, 9) else s.caption}) for n, s in enumerate(samples)]


def without_training(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.split != "train"]


def without_validation(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.split != "validation"]


def in_oil(samples: list[Sample]) -> list[Sample]:
    return [samples[0].model_copy(update={"style": "oil"}), *samples[1:]]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (without_words, r"2 pictures without a caption among 128 \(the first is 5.png\)"),
        (without_training, "has 0 pictures in the split 'train', fewer than one batch of 16"),
        (without_validation, "no pictures in the split 'validation'"),
        (lambda _: [], "has 0 pictures"),
        (in_oil, "has the styles oil; this model is for cartoon"),
    ],
)
def test_a_data_set_that_nothing_can_be_learned_from_is_refused(copy, how, message):
    change(copy, how)
    with pytest.raises(DataError, match=message):
        check(copy)


def test_styles_of_a_person_s_own_pictures_need_not_be_known(copy):
    change(copy, lambda samples: [s.model_copy(update={"id": f"{s.id}.own", "style": "oil"}) for s in samples])
    check(copy)
    samples = read_samples(copy)
    assert style_to_ask(samples[0]) is None
    assert set(style_rows(samples, torch.device("cpu")).tolist()) == {len(STYLES)}


def test_a_table_without_captions_is_refused(copy):
    path = copy / "samples.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("".join(line.replace('"caption"', '"title"') + "\n" for line in lines))
    with pytest.raises(DataError, match=r"caption: is missing"):
        check(copy)


def test_fewer_pictures_than_a_batch_are_refused(shapes):
    with pytest.raises(DataError, match="96 pictures in the split 'train', fewer than one batch of 97"):
        check(shapes, batch_size=97)


def test_pictures_of_another_size_than_the_recipe_s_are_refused(shapes):
    with pytest.raises(DataError, match=r"pictures of 32 px, but this recipe is for 64 px; .*--size 64"):
        check(shapes, image_size=64)


@pytest.mark.parametrize("size", [(16, 16), (32, 31)])
def test_one_picture_of_another_size_is_named(copy, size):
    Image.new("RGBA", size).save(copy / "7.png")
    for read in (check, lambda folder: load_pictures(folder, ("train", "validation"))):
        with pytest.raises(DataError, match=rf"7\.png has {size[0]} x {size[1]} px, not 32 x 32"):
            read(copy)


def test_a_missing_picture_is_named(copy):
    (copy / "7.png").unlink()
    for read in (check, lambda folder: load_pictures(folder, ("train", "validation"))):
        with pytest.raises(DataError, match=r"7\.png (is missing|cannot be opened)"):
            read(copy)


@pytest.mark.parametrize("kept", [0, 10, 60])
def test_a_picture_that_was_cut_off_is_named(copy, kept):
    (copy / "7.png").write_bytes((copy / "7.png").read_bytes()[:kept])
    with pytest.raises(UnreadableImage, match=r"7\.png is no picture that can be read"):
        load_pictures(copy, ("train", "validation"))


def test_what_is_no_png_is_named(copy):
    Image.new("RGB", (32, 32)).save(copy / "7.png", format="JPEG")
    with pytest.raises(UnreadableImage, match=r"7\.png is no PNG file"):
        check(copy)


@pytest.mark.parametrize("size", [(1, 1), (300, 7), (70_000, 1)])
def test_the_size_in_a_file_s_head_is_that_of_the_picture(tmp_path, size):
    Image.new("L", size).save(tmp_path / "one.png")
    assert read_size(tmp_path / "one.png") == size
