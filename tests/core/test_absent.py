from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import ArtifactError, InputError


def said(folder: Path, kind: str | None = "dataset") -> str:
    with pytest.raises(ArtifactError if folder.exists() else InputError) as caught:
        read_manifest(folder, kind=kind)
    return str(caught.value)


def test_what_does_not_exist_is_called_so_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "stickers-64").mkdir()
    close = tmp_path / "stickers-64"
    assert said(tmp_path / "stikers-64") == f"{tmp_path / 'stikers-64'} does not exist; did you mean {close}?"
    assert said(tmp_path / "zzz").endswith("zzz does not exist; check the path")
    assert said(tmp_path / "zzz" / "deeper").endswith("does not exist; check the path")


@pytest.mark.parametrize("name", ["a.png", "cats/a.PNG", "a.webp"])
def test_a_folder_of_pictures_is_to_be_built_first(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "my pictures"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).touch()
    assert f"underpaint data build folder '{folder}' --license LICENSE --out DIR" in said(folder)
    assert "data build" not in said(folder, "tokenizer")


def test_other_folders_and_files_are_no_finished_artifact(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for path in (tmp_path, tmp_path / "notes.txt"):
        assert "is no finished artifact: it has no manifest.json; pass a folder that 'underpaint data build'" in said(
            path
        )
        assert said(path, None).endswith("pass a folder that an underpaint stage wrote")


def test_a_workspace_is_told_from_an_artifact(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "preview.png").touch()
    assert "the workspace of a training" in said(tmp_path)
