from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PIL import Image

import underpaint
from underpaint.core.errors import InputError, StorageError
from underpaint.core.progress import Progress
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.picture_file import read_picture, read_settings
from underpaint.pipelines.picture_folder import add_file, add_sheet, draw_into, find_finished, slug
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings


@pytest.fixture(scope="module")
def generator(tiny_model) -> Generator:
    return underpaint.load(tiny_model)


def wishes(tiny_model: Path, *prompts: str, **options: object) -> list[Settings]:
    rows = [PromptRow(prompt=prompt) for prompt in prompts or ["a cat"]]
    return plan(open_model(tiny_model), rows, Options(**{"seed": 7, **options}))  # pyright: ignore[reportArgumentType]


def never() -> Generator:
    raise AssertionError("the model must not be loaded")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a smiling cat!", "a-smiling-cat"),
        ("../../etc/passwd", "etc-passwd"),
        ("c:\\con|?*<>", "c-con"),
        ("!!!", ""),
        ("word " * 30, "word-word-word-word-word-word-word-word-word"),
        ("x" * 100, "x" * 48),
    ],
)
def test_names_are_safe_on_every_file_system(text, name):
    assert slug(text) == name


def test_pictures_are_named_after_words_style_and_seed(generator, tiny_model, tmp_path):
    planned = wishes(tiny_model, "A Red Apple!", n=2, style="flat") + wishes(tiny_model, "...")
    placed = draw_into(tmp_path / "new", planned, lambda: generator)
    assert [p.path.name for p in placed] == [
        "underpaint-a-red-apple-flat-7.png",
        "underpaint-a-red-apple-flat-8.png",
        "underpaint-7.png",
    ]
    assert all(p.drawn and read_picture(p.path).info["underpaint"] == p.settings for p in placed)


def test_finished_pictures_are_not_drawn_again_and_the_model_is_not_loaded(generator, tiny_model, tmp_path):
    planned = wishes(tiny_model, "a cat", "a dog", n=2)
    first = draw_into(tmp_path, planned, lambda: generator)
    before = names(tmp_path)
    second = draw_into(tmp_path, planned, never)
    assert [p.path for p in second] == [p.path for p in first]
    assert not any(p.drawn for p in second) and names(tmp_path) == before


def test_an_interrupted_batch_goes_on_where_it_stopped(generator, tiny_model, tmp_path):
    planned = wishes(tiny_model, "a cat", n=5)
    whole = draw_into(tmp_path / "whole", planned, lambda: generator)

    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_into(tmp_path / "cut", planned, lambda: generator, report=stop, batch_size=2)
    assert len(names(tmp_path / "cut")) == 3
    placed = draw_into(tmp_path / "cut", planned, lambda: generator)
    assert [p.drawn for p in placed] == [False, False, False, True, True]
    assert [p.path.read_bytes() for p in placed] == [p.path.read_bytes() for p in whole]


def test_other_settings_get_another_name_and_nothing_is_overwritten(generator, tiny_model, tmp_path):
    (first,) = draw_into(tmp_path, wishes(tiny_model), lambda: generator)
    kept = first.path.read_bytes()
    (second,) = draw_into(tmp_path, wishes(tiny_model, guidance=4.0), lambda: generator)
    (third,) = draw_into(tmp_path, wishes(tiny_model), lambda: generator, reuse=False)
    assert [p.path.name for p in (second, third)] == ["underpaint-a-cat-7-2.png", "underpaint-a-cat-7-3.png"]
    assert first.path.read_bytes() == kept == third.path.read_bytes()


def test_foreign_and_broken_files_are_neither_taken_for_finished_nor_touched(generator, tiny_model, tmp_path):
    tmp_path.joinpath("underpaint-a-cat-7.png").write_bytes(b"broken")
    Image.new("RGBA", (2, 2)).save(tmp_path / "underpaint-a-cat-7-2.png")
    Image.new("1", (8_001, 5_000)).save(tmp_path / "underpaint-a-cat-7-3.png")  # more pixels than are read
    (placed,) = draw_into(tmp_path, wishes(tiny_model), lambda: generator)
    assert placed.path.name == "underpaint-a-cat-7-4.png"
    assert tmp_path.joinpath("underpaint-a-cat-7.png").read_bytes() == b"broken"
    assert find_finished(tmp_path, wishes(tiny_model)[0]) is not None


def test_what_is_written_is_what_the_last_change_returns(generator, tiny_model, tmp_path):
    seen: list[Settings] = []

    def seal(data: bytes, settings: Settings) -> bytes:
        seen.append(settings)
        return data[::-1]

    placed = draw_into(tmp_path, wishes(tiny_model, n=2), lambda: generator, seal=seal)
    assert seen == [one.settings for one in placed]
    assert all(one.path.read_bytes()[::-1].startswith(b"\x89PNG") for one in placed)


def test_equal_wishes_are_drawn_once(generator, tiny_model, tmp_path):
    planned = wishes(tiny_model, "a cat") + wishes(tiny_model, "A CAT")
    placed = draw_into(tmp_path, planned, lambda: generator)
    assert placed[0] == placed[1] and names(tmp_path) == ["underpaint-a-cat-7.png"]


def test_progress_starts_with_what_is_there(generator, tiny_model, tmp_path):
    draw_into(tmp_path, wishes(tiny_model, "a cat"), lambda: generator)
    reports: list[Progress] = []
    draw_into(tmp_path, wishes(tiny_model, "a cat", n=3), lambda: generator, report=reports.append)
    assert [(report.done, report.total) for report in reports] == [(1, 3), (2, 3), (3, 3)]


def test_an_unwritable_folder_is_found_before_the_model_is_loaded(tiny_model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a part of the path is a file"):
        draw_into(tmp_path / "file" / "new", wishes(tiny_model), never)


def test_a_full_disk_keeps_what_is_finished(generator, tiny_model, tmp_path, monkeypatch):
    sync, calls = os.fsync, []

    def fill(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(StorageError, match="the disk is full"):
        draw_into(tmp_path, wishes(tiny_model, n=4), lambda: generator)
    assert names(tmp_path) == ["underpaint-a-cat-7.png", "underpaint-a-cat-8.png"]


def test_a_sheet_shows_all_pictures_and_is_never_overwritten(generator, tiny_model, tmp_path):
    placed = draw_into(tmp_path, wishes(tiny_model, n=3), lambda: generator)
    assert [add_sheet(tmp_path, placed).name for _ in range(2)] == ["underpaint-sheet.png", "underpaint-sheet-2.png"]
    with Image.open(tmp_path / "underpaint-sheet.png") as sheet:
        assert sheet.mode == "RGB" and sheet.size[0] > 2 * 128
    with pytest.raises(InputError, match="is by its name a sheet of several pictures"):
        read_settings(tmp_path / "underpaint-sheet.png")


def test_files_of_any_kind_get_the_first_free_name_of_their_ending(tmp_path):
    (tmp_path / "page.pdf").write_bytes(b"first")
    assert add_file(tmp_path, "page", b"png").name == "page.png"
    assert add_file(tmp_path, "page", b"second", ".pdf").name == "page-2.pdf"
    assert (tmp_path / "page.pdf").read_bytes() == b"first"
