from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from underpaint.core.errors import StorageError, UnreadableImage
from underpaint.core.progress import Progress
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.picture import read_picture
from underpaint.stages.data.render import read_render, render_all
from underpaint.stages.data.worker import render_to


def svg(body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8" width="8" height="8">{body}</svg>'


def drawing(body: str, icon: str = "thing") -> Drawing:
    return Drawing(id=icon, name=icon, style="flat", family="f", source="s", icon=icon, license="MIT", svg=svg(body))


def squares(count: int) -> list[Drawing]:
    return [drawing(f'<rect width="{1 + n / 10}" height="8" fill="#f00"/>', f"{n:x}") for n in range(count)]


def use_bomb(levels: int) -> str:
    """Make a document whose few references unfold to ten to the power of ``levels`` shapes."""
    layers = "".join(f'<g id="l{n}">{f"""<use href="#l{n - 1}" x="{n}"/>""" * 10}</g>' for n in range(1, levels + 1))
    return f'<defs><rect id="l0" width="1" height="1"/>{layers}</defs><use href="#l{levels}"/>'


def partials(cache: Path) -> list[Path]:
    return list(cache.rglob("*.partial"))


def test_pictures_have_the_size_asked_for_and_straight_alpha(tmp_path: Path) -> None:
    half = drawing('<rect width="8" height="8" fill="#ff0000" fill-opacity="0.5"/>')
    (path,) = render_all([half], size=24, cache=tmp_path, jobs=1).paths
    assert set(map(tuple, read_picture(path, size=24).reshape(-1, 4).tolist())) == {(255, 0, 0, 128)}


def test_what_is_in_the_cache_is_not_rendered_again(tmp_path: Path) -> None:
    first = render_all(squares(3), size=8, cache=tmp_path, jobs=1)
    written = [path.stat().st_mtime_ns for path in first.paths]
    second = render_all(squares(4), size=8, cache=tmp_path, jobs=1)
    assert [path.stat().st_mtime_ns for path in second.paths[:3]] == written
    assert second.paths[3].is_file()


def test_equal_drawings_are_rendered_once(tmp_path: Path) -> None:
    paths = render_all(squares(2) + squares(2), size=8, cache=tmp_path, jobs=2).paths
    assert paths[:2] == paths[2:]


def test_a_hostile_drawing_is_skipped_and_named(tmp_path: Path) -> None:
    bad = drawing('<image href="https://example.org/a.png"/>', "bad")
    renders = render_all([*squares(2), bad], size=8, cache=tmp_path, jobs=1)
    assert list(renders.failed) == [renders.paths[2]]
    assert "<image>" in renders.failed[renders.paths[2]]
    assert [path.is_file() for path in renders.paths] == [True, True, False]


def test_a_drawing_that_unfolds_without_end_is_stopped_and_the_rest_goes_on(tmp_path: Path) -> None:
    endless = drawing(use_bomb(9), "endless")
    renders = render_all([endless, *squares(2)], size=8, cache=tmp_path, jobs=1, max_seconds=1)
    assert list(renders.failed) == [renders.paths[0]]
    assert [path.is_file() for path in renders.paths] == [False, True, True]
    assert partials(tmp_path) == []


def test_an_interruption_keeps_what_is_finished(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_all(squares(200), size=8, cache=tmp_path, jobs=1, report=interrupt)
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")}
    assert 50 <= len(finished) < 200
    assert partials(tmp_path) == []
    render_all(squares(200), size=8, cache=tmp_path, jobs=1)
    assert all(path.stat().st_mtime_ns == written for path, written in finished.items())


def test_a_damaged_render_is_made_anew_by_the_next_run(tmp_path: Path) -> None:
    (path,) = render_all(squares(1), size=8, cache=tmp_path, jobs=1).paths
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(UnreadableImage, match="run the command again"):
        read_render(path, 8)
    render_all(squares(1), size=8, cache=tmp_path, jobs=1)
    assert read_render(path, 8).shape == (8, 8, 4)


def test_a_full_disk_is_told_by_its_number_and_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    (tmp_path / f".a.png.{os.getpid()}.partial").symlink_to("/dev/full")
    answer = render_to({"svg": svg("<rect width='8' height='8'/>"), "size": 8, "out": str(out)})
    assert answer["errno"] == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="a part of the path is a file"):
        render_all(squares(1), size=8, cache=tmp_path / "file", jobs=1)
