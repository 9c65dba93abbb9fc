from __future__ import annotations

from pathlib import Path

from PIL import Image

from underpaint.core.samples import Sample, read_samples
from underpaint.pipelines.contact_sheet import MARGIN, PICTURE
from underpaint.stages.data.contact import CONCEPTS, num_shown, write_contact_sheet


def copies(sample: Sample, count: int) -> list[Sample]:
    changed = [{"id": f"thing_{number}.x", "style": "flat", "split": "train"} for number in range(count)]
    return [sample.model_copy(update=change) for change in changed]


def test_as_many_pictures_are_shown_as_are_said_to_be(small_original: Path, tmp_path: Path) -> None:
    sample = read_samples(small_original)[0]
    (tmp_path / sample.file).parent.mkdir(parents=True)
    Image.new("RGBA", (64, 64), "black").save(tmp_path / sample.file)
    samples = copies(sample, 36)
    assert num_shown(samples) == CONCEPTS < len(samples)
    with Image.open(write_contact_sheet(samples, tmp_path)) as image:
        columns, sheet = (image.width - MARGIN) // (PICTURE + MARGIN), image.convert("L")
    height = (sheet.height - MARGIN) // -(-CONCEPTS // columns)
    tops = range(MARGIN, sheet.height - PICTURE, height)
    lefts = range(MARGIN, sheet.width - PICTURE, PICTURE + MARGIN)
    centers = [sheet.getpixel((left + PICTURE // 2, top + PICTURE // 2)) for top in tops for left in lefts]
    assert centers.count(0) == num_shown(samples)


def test_a_small_set_is_shown_whole(small_original: Path) -> None:
    assert num_shown(copies(read_samples(small_original)[0], 5)) == 5
