"""A streamed manifest is the one that ``seal`` writes, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.artifact import MANIFEST, read_manifest, seal, verify
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError
from underpaint.core.files_below import entries_below
from underpaint.core.streamed_seal import seal_streamed

NAMES = ("b/c", "b-c", "b c/d", "b/a/é", 'b/"quoted"', "b/back\\slash", "b/tab\there", "Z", "b.c/猫", "b/\x7f")
"""Names that are ordered otherwise by their parts than by their text, and names that JSON escapes."""


class Settings(Config):
    text: str = '\n  "files": {},\n'


def filled(folder: Path, names: tuple[str, ...] = NAMES) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize("names", [NAMES, NAMES[:1], ()])
def test_it_writes_what_seal_writes(names: tuple[str, ...], tmp_path: Path) -> None:
    said = {
        "kind": "thing",
        "stage": "test",
        "config": Settings(),
        "parents": {'"files":{}': "0" * 64},
        "figures": {"files": {}, "loss": 0.5},
        "packages": ("numpy",),
    }
    manifest = seal(filled(tmp_path, names), **said)
    text = (tmp_path / MANIFEST).read_bytes()
    sealed = seal_streamed(tmp_path, **said)
    assert (tmp_path / MANIFEST).read_bytes() == text
    assert (sealed.digest, sealed.num_files, sealed.figures) == (manifest.digest, len(names), manifest.figures)
    assert verify(tmp_path) == read_manifest(tmp_path) == manifest


def test_a_link_is_refused(tmp_path: Path) -> None:
    (filled(tmp_path) / "link").symlink_to(tmp_path / "Z")
    with pytest.raises(ArtifactError, match="only plain files"):
        seal_streamed(tmp_path, kind="thing", stage="test", config=Settings(), parents={})


def test_everything_below_a_folder_is_found_once_and_links_are_not_followed(tmp_path: Path) -> None:
    (filled(tmp_path) / "b" / "around").symlink_to(tmp_path)
    found = [Path(entry.path) for entry in entries_below(tmp_path)]
    assert sorted(found) == sorted(tmp_path.rglob("*"))
