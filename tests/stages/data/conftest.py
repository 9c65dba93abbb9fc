"""What the tests of the data stage share: the pinned packages, one build of them, and a small made-up data set."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from underpaint.core.artifact import Manifest, read_manifest, staging
from underpaint.core.cache import cache_folder
from underpaint.core.progress import Report, silent
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data import run as stage
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.join import join_all
from underpaint.stages.data.look import Look, look_at
from underpaint.stages.data.packages import fetch_all
from underpaint.stages.data.picture import read_picture
from underpaint.stages.data.render import Renders, render_all
from underpaint.stages.data.sources import NPM_EVIDENCE, PACKAGES, Evidence

SIZE = 32
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">{}</svg>'


@pytest.fixture(scope="session")
def packages() -> dict[str, Path]:
    """The pinned npm packages, downloaded once a machine."""
    held = all((cache_folder() / "packages" / package.filename).is_file() for package in PACKAGES)
    if not held and shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    return fetch_all(PACKAGES, cache_folder())


@pytest.fixture(scope="session")
def drawings(packages: dict[str, Path]) -> list[Drawing]:
    """All drawings that the packages hold and CLDR names."""
    return join_all(packages)


@pytest.fixture(scope="session")
def built(packages: dict[str, Path], made_once: Callable[..., Path]) -> tuple[Path, Manifest]:
    """The whole npm data set at 32 px; read only."""
    assert packages
    folder = made_once("built-stickers", lambda folder: stage.run(DataConfig(size=SIZE), {}, folder))
    return folder, read_manifest(folder)


@pytest.fixture(scope="session")
def samples(built: tuple[Path, Manifest]) -> list[Sample]:
    """The samples of the whole data set."""
    return read_samples(built[0])


@pytest.fixture(scope="session")
def look(built: tuple[Path, Manifest], samples: list[Sample]) -> Look:
    """The small pictures of the whole data set."""
    return look_at([read_picture(built[0] / sample.file, size=SIZE) for sample in samples])


@pytest.fixture
def pictures() -> np.ndarray:
    """Twelve pictures: four patterns, each with two slightly changed copies."""
    random = np.random.default_rng(5)
    coarse = random.integers(0, 256, (4, 8, 8, 4), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    coarse[..., 3] = 255
    noise = random.integers(0, 6, (12, 32, 32, 4))
    return np.clip(coarse.repeat(3, 0) + noise, 0, 255).astype(np.uint8)


def bubbles(seed: str, colors: bool) -> str:
    """Draw six ellipses that only this seed gives."""
    digest = hashlib.sha512(seed.encode()).digest()
    shapes = []
    for start in range(0, 48, 8):
        x, y, width, height = (4 + byte % 25 for byte in digest[start : start + 4])
        fill = f"#{digest[start + 4 : start + 7].hex()}" if colors else "#000"
        shapes.append(f'<ellipse cx="{x}" cy="{y}" rx="{width / 3:.2f}" ry="{height / 3:.2f}" fill="{fill}"/>')
    return "".join(shapes)


def made_up(style: str, family: str, count: int) -> list[Drawing]:
    """Make drawings with ids of private use and names of their own."""
    return [
        Drawing(
            id=f"{0x1FA00 + number:x}",
            name=f"thing number {number}",
            style=style,
            family=family,
            source=NPM_EVIDENCE[0].source,
            icon=f"thing-{number}",
            license="Apache-2.0",
            svg=SVG.format(bubbles(f"{style} {number}", style != "line-art")),
        )
        for number in range(count)
    ]


@pytest.fixture(scope="session")
def make_small(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, Manifest]]:
    """Build a data set of made-up drawings, without a network: ``make_small(drawings)``."""
    cache = tmp_path_factory.mktemp("cache")

    def make(
        drawings: Sequence[Drawing],
        target: Path | None = None,
        report: Report = silent,
        evidence: tuple[Evidence, ...] = NPM_EVIDENCE,
    ) -> tuple[Path, Manifest]:
        target = target or tmp_path_factory.mktemp("small") / "stickers"

        def render(some: Sequence[Drawing], size: int) -> Renders:
            return render_all(some, size=size, cache=cache, jobs=1, report=report)

        source = stage.Source(drawings=list(drawings), evidence=evidence, render=render)
        with staging(target) as folder:
            manifest = stage.fill(folder, DataConfig(size=SIZE), source, report)
        return target, manifest

    return make


@pytest.fixture(scope="session")
def made_drawings() -> list[Drawing]:
    """60 made-up drawings in two styles."""
    return made_up("cartoon", "noto", 30) + made_up("flat", "fluent", 30)


@pytest.fixture(scope="session")
def credited_drawings(made_drawings: list[Drawing]) -> list[Drawing]:
    """The made-up drawings, and 30 of a style that is added on request."""
    return made_drawings + made_up("bold", "twemoji", 30)


@pytest.fixture(scope="session")
def small_original(make_small: Callable[..., tuple[Path, Manifest]], made_drawings: list[Drawing]) -> Path:
    """A data set of the made-up drawings; read only."""
    return make_small(made_drawings)[0]


@pytest.fixture
def small(small_original: Path, tmp_path: Path) -> Path:
    """A copy of the small data set, to be changed."""
    return Path(shutil.copytree(small_original, tmp_path / "small"))
