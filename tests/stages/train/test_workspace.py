from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.artifact import MANIFEST, seal
from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.recipes.table import RECIPES
from underpaint.stages import train
from underpaint.stages.train import decoder_run, evaluator_run, rivals, run, upscaler_run
from underpaint.stages.train.tuning import run as tuning_run
from underpaint.stages.train.workspace import PARTS, RIVALS, require_apart

TRAININGS: dict[str, Callable[..., Any]] = {
    "smoke": run.run,
    "sticker-64-nano-flow": rivals.run,
    "sticker-64-nano-few-step": rivals.run,
    "sticker-64-nano-gan": rivals.run,
    "decoder-64": decoder_run.run,
    "evaluator-64": evaluator_run.run,
    "upscaler-64": upscaler_run.run,
    "style": tuning_run.run,
}
"""A recipe of each kind, and what trains after it."""


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


@pytest.mark.parametrize(
    ("entry", "said"), [("cat.png", r"holds your pictures \(cat\.png\)"), ("taxes.xls", r"other files \(taxes\.xls\)")]
)
@pytest.mark.parametrize("name", TRAININGS)
def test_nothing_is_written_among_what_others_keep(
    name: str, entry: str, said: str, data: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / entry).touch()
    with pytest.raises(InputError, match=f"{said}.*choose a new folder, such as --out .*mine-model"):
        TRAININGS[name](RECIPES[name](), data, mine)
    assert [path.name for path in mine.iterdir()] == [entry]


def test_pictures_below_are_seen_and_a_file_is_no_folder(data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine" / "train").mkdir(parents=True)
    (tmp_path / "mine" / "train" / "cat.png").touch()
    with pytest.raises(InputError, match=r"holds your pictures \(train\)"):
        require_apart(tmp_path / "mine", data)
    with pytest.raises(InputError, match="is a file"):
        require_apart(tmp_path / "mine" / "train" / "cat.png", data)


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_training_goes_on_whatever_part_it_was_interrupted_after(part: str, data: Path, tmp_path: Path) -> None:
    (tmp_path / "new" / part).mkdir(parents=True)
    (tmp_path / "new" / "notes.txt").touch()
    require_apart(tmp_path / "new", data)


@pytest.mark.parametrize("entry", [None, ".DS_Store", ".text-table.0a1b2c3d.partial"])
def test_an_empty_folder_is_a_workspace(entry: str | None, data: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    if entry:
        (tmp_path / "new" / entry).touch()
    require_apart(tmp_path / "new", data)


def test_every_folder_that_a_training_writes_is_known_as_a_part() -> None:
    files = [path.read_text(encoding="utf-8") for path in Path(train.__path__[0]).rglob("*.py")]
    written = {name for text in files for name in re.findall(r'\b(?:out|workspace) / "([a-z-]+)"', text)}
    named = {decoder_run.FOLDER, decoder_run.FINER, evaluator_run.FOLDER, upscaler_run.FOLDER}
    assert len(written) > 10 and written | named | {f"{name}-pipeline" for name in RIVALS} == PARTS


def test_there_is_a_training_for_each_kind_of_recipe() -> None:
    assert {type(make()) for make in RECIPES.values()} == {type(RECIPES[name]()) for name in TRAININGS}


@pytest.mark.parametrize("name", TRAININGS)
def test_no_training_starts_among_the_files_of_its_data_set(name: str, data: Path) -> None:
    before = sorted(data.parent.rglob("*"))
    with pytest.raises(InputError, match="a finished artifact, and nothing may be written into one"):
        TRAININGS[name](RECIPES[name](), data, data / "work")
    with pytest.raises(InputError, match="lies where the training would write"):
        TRAININGS[name](RECIPES[name](), data, data.parent.parent)
    assert sorted(data.parent.rglob("*")) == before


def test_a_style_is_not_learned_among_what_it_must_keep(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a finished artifact, and nothing may be written into one"):
        tuning_run.run(RECIPES["style"](), tmp_path / "mine", data / "work", keep=data)  # pyright: ignore[reportArgumentType]
