from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.artifact import MANIFEST
from underpaint.core.progress import Progress
from underpaint.recipes.table import RECIPES
from underpaint.stages.train.parts import announcing, at_work, finished, has_state, parts_of
from underpaint.stages.train.workspace import PARTS


def finish(workspace: Path, part: str) -> None:
    (workspace / part).mkdir(parents=True)
    (workspace / part / MANIFEST).touch()


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_makes_only_folders_that_a_workspace_may_hold_each_once(name: str) -> None:
    parts = parts_of(RECIPES[name]())
    assert set(parts) <= PARTS and len({*parts}) == len(parts)


def test_the_part_at_work_is_the_first_unfinished_one(tmp_path: Path) -> None:
    parts = parts_of(RECIPES["sticker-64-nano-few-step"]())
    assert parts == ("text-table", "tokenizer", "latents", "flow", "few-step", "few-step-pipeline")
    for number, part in enumerate(parts):
        assert (at_work(tmp_path, parts), finished(tmp_path, parts)) == (part, [*parts[:number]])
        finish(tmp_path, part)
    assert at_work(tmp_path, parts) is None


@pytest.mark.parametrize(
    ("part", "name"), [("tokenizer", "tokenizer"), ("finer-tokenizer", "decoder"), ("tuned", "style")]
)
def test_a_log_is_no_state_and_the_state_before_the_last_is_one(tmp_path: Path, part: str, name: str) -> None:
    folder = tmp_path / "state" / name
    folder.mkdir(parents=True)
    (folder / "log.jsonl").touch()
    assert not has_state(tmp_path, part)
    (folder / "state.previous.safetensors").touch()
    assert has_state(tmp_path, part)


def test_a_part_is_announced_once_before_its_first_report(tmp_path: Path) -> None:
    told: list[str] = []
    parts = ("own", "tuned")
    report = announcing(lambda progress: told.append(progress.task), tmp_path, parts, lambda: told.append("begin"))
    for task in ("load", "train"):
        report(Progress(task=task, done=1))
    finish(tmp_path, "own")
    report(Progress(task="train", done=1))
    finish(tmp_path, "tuned")
    report(Progress(task="check", done=1))
    assert told == ["begin", "part 1 of 2: own", "load", "train", "part 2 of 2: tuned", "train", "check"]


def test_a_single_part_is_not_announced(tmp_path: Path) -> None:
    told: list[str] = []
    report = announcing(lambda progress: told.append(progress.task), tmp_path, ("evaluator",), lambda: None)
    report(Progress(task="load", done=1))
    assert told == ["load"]
