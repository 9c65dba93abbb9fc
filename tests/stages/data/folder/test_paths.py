from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.errors import DataError, InputTooLarge, MissingFile, UnsafePath
from underpaint.stages.data.folder import paths
from underpaint.stages.data.folder.paths import check_name, content_of, find_file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a picture, beside one that is none of its business."""
    for folder in ("mine/sub", "other"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "cat.png").write_bytes(folder.encode())
    return tmp_path.resolve() / "mine"


@pytest.mark.parametrize("name", ["cat.png", "sub/cat.png", "./cat.png", "a..b.png", "~/cat.png", "c:cat.png"])
def test_names_inside_the_folder_are_allowed(name: str) -> None:
    assert not check_name(name).is_absolute()


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../other/cat.png", "sub/../../other/cat.png", "", ".", "a\0b", "https://x.org/a.png", "data:,x"],
)
def test_names_that_lead_out_are_refused(name: str) -> None:
    with pytest.raises(UnsafePath):
        check_name(name)


def test_a_link_may_lead_around_but_not_out(root: Path) -> None:
    (root / "inside.png").symlink_to(root / "sub" / "cat.png")
    (root / "outside.png").symlink_to(root.parent / "other" / "cat.png")
    (root / "loop.png").symlink_to(root / "loop.png")
    assert content_of(root, find_file(root, root, "inside.png")) == b"mine/sub"
    with pytest.raises(UnsafePath, match="leads out of the folder by a link"):
        find_file(root, root, "outside.png")
    with pytest.raises(MissingFile):
        find_file(root, root, "loop.png")
    with pytest.raises(MissingFile, match="is no file"):
        find_file(root, root, "sub")


def test_a_file_that_became_a_link_after_it_was_named_is_not_read(root: Path) -> None:
    path = find_file(root, root / "sub", "cat.png")
    path.unlink()
    path.symlink_to(root.parent / "other" / "cat.png")
    assert isinstance(content_of(root, path), UnsafePath)
    path.unlink()
    assert isinstance(content_of(root, path), MissingFile)


def test_no_more_is_read_than_allowed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "sub" / "cat.png"
    for limit, error in ((len(b"mine/sub"), None), (len(b"mine/sub") - 1, InputTooLarge)):
        monkeypatch.setattr(paths, "MAX_PICTURE_BYTES", limit)
        found = content_of(root, path)
        assert isinstance(found, error) if error else not isinstance(found, DataError)
