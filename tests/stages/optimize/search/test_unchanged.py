"""Nothing is handed out but what was judged: a file more, less or other, or another model in its place, is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.artifact import MANIFEST, seal
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError
from underpaint.core.optimization import Judgement
from underpaint.core.progress import Report
from underpaint.stages.optimize.search.unchanged import Made, insist_on, made_in

Make = Callable[..., Any]


class Nothing(Config):
    pass


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    folder = tmp_path / "candidate"
    (folder / "graphs").mkdir(parents=True)
    (folder / "recipe.json").write_text("{}")
    (folder / "graphs" / "model.onnx").write_bytes(b"graph")
    seal(folder, kind="optimized", stage="optimize", config=Nothing(), parents={})
    return folder


def other(folder: Path) -> None:
    (folder / "graphs" / "model.onnx").write_bytes(b"GRAPH")


def more(folder: Path) -> None:
    (folder / "drawing.json").write_text("{}")


def less(folder: Path) -> None:
    (folder / "recipe.json").unlink()


@pytest.mark.parametrize(
    ("tamper", "file"), [(other, "graphs/model.onnx"), (more, "drawing.json"), (less, "recipe.json")]
)
def test_a_file_that_is_other_more_or_less_is_named(candidate: Path, tamper: Callable[[Path], None], file: str) -> None:
    assert made_in(candidate).digest == json.loads((candidate / MANIFEST).read_text())["digest"]
    tamper(candidate)
    with pytest.raises(ArtifactError, match=rf"was changed after it was made \({file}\); nothing is handed out"):
        made_in(candidate)


def test_a_whole_model_in_the_place_of_another_is_refused_by_its_digest(candidate: Path) -> None:
    judged = made_in(candidate)
    insist_on(judged.digest, judged, "was judged")
    other(candidate)
    seal(candidate, kind="optimized", stage="optimize", config=Nothing(), parents={})
    with pytest.raises(ArtifactError, match=r"not proven to be the model that was judged: its digest is .* instead of"):
        insist_on(judged.digest, made_in(candidate), "was judged")


@pytest.mark.parametrize("digest", [None, ""])
def test_a_log_that_says_nothing_proves_nothing(candidate: Path, digest: str | None) -> None:
    with pytest.raises(ArtifactError, match="the log has no digest of it"):
        insist_on(digest, made_in(candidate), "was judged")


def test_a_candidate_that_is_another_than_was_looked_at_is_not_even_judged(stubbed: Make) -> None:
    made = stubbed()
    made.bench.candidate = lambda recipe, report: Made(folder=Path(recipe.name), digest="f" * 64)
    with pytest.raises(ArtifactError, match="the model that was looked at as t-"):
        made.search.run()
    assert not made.judge.asked and not made.search.log.attempts


def test_a_candidate_that_is_exchanged_while_it_is_judged_is_not_accepted(stubbed: Make) -> None:
    made = stubbed()
    judge = made.judge.judge

    def exchanging(folder: Path, report: Report) -> Judgement:
        made.bench.candidate = lambda recipe, report: Made(folder=Path(recipe.name), digest="f" * 64)
        return judge(folder, report)

    made.judge.judge = exchanging
    with pytest.raises(ArtifactError, match="the model that was judged as t-"):
        made.search.run()
    assert not made.search.log.attempts
