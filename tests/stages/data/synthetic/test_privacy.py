from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.core.samples import STATED, Sample
from underpaint.stages.data.synthetic.privacy import PrivacyReport, check_privacy


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Sample], np.ndarray]:
    """60 training and 300 held-out pictures of noise at 32 px, opaque."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "images").mkdir()
    pixels = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (360, 32, 32, 4), np.uint8)
    pixels[..., 3] = 255
    texts = dict.fromkeys(STATED, "x")
    samples = []
    for number, picture in enumerate(pixels):
        name, split = f"{number:x}", "train" if number < 60 else "test_concept"
        Image.fromarray(picture).save(folder / "images" / f"{name}.png")
        fields = {"cluster": name, "caption": name, "split": split, "file": f"images/{name}.png", "weight": 1.0}
        samples.append(Sample.model_validate(texts | fields))
    return folder, samples, pixels[..., :3]


def report_of(real: tuple[Path, list[Sample], np.ndarray], thumbnails: np.ndarray, members: int = 60) -> PrivacyReport:
    folder, samples, _ = real
    drawn = [samples[0].model_copy(update={"caption": f"wish {i}", "file": f"{i}.png"}) for i in range(len(thumbnails))]
    kept = samples[:members] + samples[60:]
    return check_privacy(drawn, thumbnails, kept, folder, data_sha256="1" * 64, learnt_from=True)


def test_copies_are_flagged_and_named_and_new_pictures_are_not(real: tuple[Path, list[Sample], np.ndarray]) -> None:
    new = np.random.Generator(np.random.PCG64(1)).integers(0, 256, (30, 32, 32, 3), np.uint8)
    found = report_of(real, np.concatenate([real[2][:10], new]))
    assert found.applicable and (found.members, found.held_out, found.drawn) == (60, 300, 40)
    assert found.flagged == pytest.approx(0.25, abs=0.03)
    assert found.flagged_low < found.flagged < found.flagged_high
    assert {near.nearest for near in found.closest} == {f"images/{number:x}.png" for number in range(10)}
    assert all(near.ratio == 0 for near in found.closest)


def test_held_out_pictures_are_flagged_as_often_as_the_rate_says(real: tuple[Path, list[Sample], np.ndarray]) -> None:
    found = report_of(real, real[2][60:])
    assert found.flagged == pytest.approx(found.false_alarms, abs=0.004)
    assert found.percentiles == found.held_out_percentiles


def test_too_few_training_pictures_are_said_so(real: tuple[Path, list[Sample], np.ndarray]) -> None:
    found = report_of(real, real[2][60:70], members=20)
    assert not found.applicable and "50" in found.reason
