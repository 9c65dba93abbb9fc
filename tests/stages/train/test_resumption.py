from __future__ import annotations

import os
from pathlib import Path

from underpaint.core.artifact import MANIFEST
from underpaint.learning.loop import STATE
from underpaint.learning.state import previous_of
from underpaint.stages.train.resumption import afterword, outlook, resumption

PARTS = ("text-table", "tokenizer", "latents")


def written(path: Path, at_s: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    os.utime(path, (at_s, at_s))


def test_nothing_is_promised_where_nothing_was_saved(tmp_path: Path) -> None:
    assert "nothing was saved yet" in resumption(tmp_path / "new")
    written(tmp_path / "state" / "generator" / "log.jsonl", 1)
    assert "nothing was saved yet" in resumption(tmp_path)


def test_finished_parts_are_kept_although_no_step_of_the_next_was_saved(tmp_path: Path) -> None:
    written(tmp_path / "state" / "tokenizer" / STATE, 1)
    written(tmp_path / "tokenizer" / MANIFEST, 2)
    assert resumption(tmp_path).startswith("no step of the present part was saved yet, the finished parts are kept")


def test_a_state_that_is_newer_than_what_is_finished_is_gone_on_from(tmp_path: Path) -> None:
    written(tmp_path / "tokenizer" / MANIFEST, 2)
    for state in (tmp_path / "state" / "generator" / STATE, previous_of(tmp_path / "state" / "generator" / STATE)):
        written(state, 3)
        assert resumption(tmp_path) == "run the same command again to go on from the last saved step"
        state.unlink()


def test_the_outlook_names_what_is_kept_and_what_goes_on(tmp_path: Path) -> None:
    safe = "after Ctrl-C, run the same command again to go on from what is saved by then"
    going_on = "goes on from what was saved last if that is of the same settings"
    assert outlook(tmp_path / "new", PARTS) == safe
    written(tmp_path / "state" / "text-table" / STATE, 1)
    assert outlook(tmp_path, PARTS) == f"text-table {going_on} in {tmp_path}; {safe}"
    for name in PARTS[:2]:
        written(tmp_path / name / MANIFEST, 2)
    kept = f"text-table, tokenizer are finished in {tmp_path} and kept"
    assert outlook(tmp_path, PARTS) == f"{kept}, latents is next; {safe}"
    written(tmp_path / "state" / "latents" / "encoded-train-00000.safetensors", 3)
    assert outlook(tmp_path, PARTS) == f"{kept}, latents {going_on}; {safe}"
    written(tmp_path / "latents" / MANIFEST, 4)
    assert outlook(tmp_path, PARTS) is None, "whether it is of the same settings is not known yet"
    said = f"everything was finished in {tmp_path} already and is kept: text-table, tokenizer, latents"
    assert afterword(tmp_path, PARTS) == said
