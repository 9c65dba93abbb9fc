"""A small data set with one planted fault of every kind, checked once."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from underpaint.core.artifact import MANIFEST, read_manifest, seal
from underpaint.core.config import Config
from underpaint.core.samples import Sample, read_samples, write_samples
from underpaint.stages.data.checking.run import Checked, check_data
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.picture import read_picture


def pixel_hash(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


@dataclass
class Plot:
    """A data set that is being spoiled."""

    folder: Path
    samples: list[Sample]
    used: set[int] = field(default_factory=set)

    def take(self, split: str) -> int:
        """Return a position of a split that was not taken before."""
        found = next(i for i, s in enumerate(self.samples) if s.split == split and i not in self.used)
        self.used.add(found)
        return found

    def pixels(self, position: int) -> np.ndarray:
        return read_picture(self.folder / self.samples[position].file)

    def change(self, position: int, **fields: object) -> None:
        self.samples[position] = self.samples[position].model_copy(update=fields)

    def paint(self, position: int, pixels: np.ndarray) -> None:
        Image.fromarray(pixels).save(self.folder / self.samples[position].file)
        self.change(position, sha256_pixels=pixel_hash(pixels))

    def seal(self, config: Config) -> None:
        write_samples(self.folder, self.samples)
        (self.folder / MANIFEST).unlink()
        seal(self.folder, kind="dataset", stage="data", config=config, parents={})


def spoil(plot: Plot) -> dict[str, str]:
    """Plant faults and return check to the file that must be named."""
    expected = {}

    def plant(check: str, split: str) -> int:
        position = plot.take(split)
        expected[check] = plot.samples[position].file
        return position

    original = plot.take("train")
    plot.paint(plant("conflicting-captions", "train"), plot.pixels(original))
    expected["exact-duplicates"] = expected["conflicting-captions"]
    leaking = plant("exact-leaks", "train")
    plot.paint(plot.take("test_concept"), plot.pixels(leaking))
    near = plant("near-leaks", "train")
    touched = plot.pixels(near)
    touched[0, 0] = (0, 0, 0, 255)
    plot.paint(plot.take("validation"), touched)
    relabeled, model = plant("poisoning", "train"), plot.take("train")
    touched = plot.pixels(model)
    touched[0, 0] = (0, 0, 0, 255)
    plot.paint(relabeled, touched)
    plot.change(relabeled, caption="an utterly different matter")
    plot.change(plant("hidden-unicode", "train"), caption="thing\u200b number")
    plot.change(plant("licenses", "train"), license="CC-BY-NC-4.0")
    plot.change(plant("unreadable", "train"), sha256_pixels="0" * 64)
    plot.paint(plant("blank", "train"), np.zeros_like(plot.pixels(original)))
    split_up = plant("split-leaks", "train")
    plot.change(plot.take("test_concept"), cluster=plot.samples[split_up].cluster)
    return expected


@dataclass(frozen=True)
class Planted:
    """A checked data set: what must be found, and what was."""

    folder: Path
    expected: dict[str, str]
    checked: Checked


@pytest.fixture(scope="session")
def fingerprint_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fingerprints")


@pytest.fixture(scope="session")
def planted(small_original: Path, fingerprint_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = Path(shutil.copytree(small_original, tmp_path_factory.mktemp("planted") / "set"))
    plot = Plot(folder, read_samples(folder))
    expected = spoil(plot)
    plot.seal(DataConfig.parse(read_manifest(folder).config, source="the tests"))
    return Planted(folder, expected, check_data(folder, cache=fingerprint_cache, jobs=1))


@pytest.fixture(scope="session")
def sound(small_original: Path, fingerprint_cache: Path) -> Checked:
    """The small data set as it was built, checked against itself under another name."""
    return check_data(small_original, cache=fingerprint_cache, jobs=1)


@pytest.fixture
def status(planted: Planted) -> Callable[[str], str]:
    """Return the status of a finding of the spoiled set."""
    return {finding.check: finding.status for finding in planted.checked.report.findings}.__getitem__
