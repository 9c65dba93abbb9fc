"""What the tests of a person's own pictures share: small pictures, and a folder of them in the plainest form."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.core.progress import Report, silent
from underpaint.core.streamed_seal import Sealed
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.run import run

COUNT = 12
Row = dict[str, Any]


def patches(seed: int, size: tuple[int, int] = (48, 36)) -> Image.Image:
    """A picture of big patches that only this seed gives."""
    colors = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(colors).resize(size, Image.Resampling.NEAREST)


@pytest.fixture
def patchwork() -> Callable[..., Image.Image]:
    """Draws a picture that only a seed gives: ``patchwork(seed, size)``."""
    return patches


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Gives the bytes of a picture file: ``encode(image, "JPEG")``."""

    def bytes_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
        stream = io.BytesIO()
        image.save(stream, format=kind, **options)
        return stream.getvalue()

    return bytes_of


@pytest.fixture
def write_rows() -> Callable[[Path, list[Row]], Path]:
    """Writes a table of JSON lines."""

    def write(path: Path, rows: list[Row]) -> Path:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def rows() -> list[Row]:
    """A dozen rows."""
    return [{"file_name": f"p{n:02d}.png", "text": f"Thing number {n}"} for n in range(COUNT)]


@pytest.fixture
def pictures(tmp_path: Path, rows: list[Row]) -> Path:
    """A folder with the pictures of ``rows`` and nothing else."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for number, row in enumerate(rows):
        patches(number).save(folder / str(row["file_name"]))
    return folder


@pytest.fixture
def folder(pictures: Path, rows: list[Row], write_rows: Callable[[Path, list[Row]], Path]) -> Path:
    """An image folder with ``metadata.jsonl``."""
    write_rows(pictures / "metadata.jsonl", rows)
    return pictures


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., tuple[Path, Sealed]]:
    """Builds a data set: ``build(path, **settings)``."""

    def make(
        path: Path, *, out: str = "out", keep_going: bool = False, report: Report = silent, **settings: Any
    ) -> tuple[Path, Sealed]:
        values = {"name": "mine", "license": "CC0-1.0", "size": 32} | settings
        config = FolderConfig.parse(values, source="test")
        return tmp_path / out, run(config, path, tmp_path / out, report, keep_going=keep_going, jobs=1)

    return make
