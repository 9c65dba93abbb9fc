from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.artifact import MANIFEST, seal
from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.stages.train.workspace import require_apart


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "own" / "data"
    folder.mkdir(parents=True)
    seal(folder, kind="dataset", stage="data", config=Config(), parents={})
    return folder


@pytest.mark.parametrize("inside", ["", "new", "deep/new", "../data"])
def test_nothing_is_written_into_a_finished_artifact(data: Path, inside: str) -> None:
    for read in (data, data.parent / "another"):
        with pytest.raises(InputError, match="a finished artifact, and nothing may be written into one"):
            require_apart(data / inside, read)


def test_nothing_is_read_from_where_a_training_writes(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lies where the training would write.*own"):
        require_apart(tmp_path / "work", tmp_path / "elsewhere", data)


def test_a_workspace_beside_or_around_the_data_is_allowed(data: Path, tmp_path: Path) -> None:
    require_apart(data.parent / "data-2", data)
    require_apart(tmp_path, data)
    require_apart(data.parent, data)


def test_a_foreign_manifest_above_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"name": "a web page"}')
    require_apart(tmp_path / "work", tmp_path / "data")
    with pytest.raises(InputError, match="finished artifact"):
        require_apart(tmp_path, tmp_path / "data")
