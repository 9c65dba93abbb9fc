"""``underpaint optimize``: what cannot be searched is refused in words that help, and the way back is found."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import underpaint as library
from underpaint.cli.app import build_parser
from underpaint.cli.optimize import _command, _said, chart, seconds_of
from underpaint.cli.optimize_judge import planted_for
from underpaint.core.artifact import verify
from underpaint.core.errors import InputError
from underpaint.core.optimization import Judge
from underpaint.pipelines.opening import open_model
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.search.frontier_file import Frontier, Outcome, Region
from underpaint.stages.optimize.search.record import Rival
from underpaint.stages.optimize.search.task import ChartPoint
from underpaint.stages.optimize.search.writing import Finished
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of

NO_MARGIN = """schema: underpaint.policy/1
name: careless
metrics:
  - {id: "kid@randconv-v1", tier: required, direction: lower}
"""


@pytest.fixture
def optimized(tiny_model: Path, tmp_path: Path) -> Path:
    """A tiny optimized model beside a copy of the model before."""
    import shutil

    shutil.copytree(tiny_model, tmp_path / "before")
    loaded = library.load(tmp_path / "before", engine="torch")
    applied = apply(loaded.networks, arranged(step_of("steps.count", "sampler", steps=1)))
    save_optimized(applied, loaded.model, tmp_path / "fast")
    return tmp_path / "fast"


def drawn(model: Path | str) -> np.ndarray:
    return np.asarray(library.load(model, engine="torch").generate("a red cat", seed=3)[0])


def test_the_model_before_is_one_command_away(
    underpaint: Callable[..., Any], optimized: Path, tiny_model: Path, tmp_path: Path
) -> None:
    shown = underpaint("optimize", "--undo", optimized, "--json", "--quiet")
    assert (shown.code, shown.json["model"]) == (0, str(tmp_path / "before"))
    assert np.array_equal(drawn(shown.json["model"]), drawn(tiny_model))


def test_a_copy_of_the_model_before_is_whole(underpaint: Callable[..., Any], optimized: Path, tmp_path: Path) -> None:
    shown = underpaint("optimize", "--undo", optimized, "--out", tmp_path / "back", "--quiet")
    assert shown.code == 0 and f"-m {tmp_path / 'back'}" in shown.stdout
    assert verify(tmp_path / "back").digest == open_model(optimized).manifest.parents["pipeline"]


def test_what_was_never_optimized_is_not_taken_back(underpaint: Callable[..., Any], tiny_model: Path) -> None:
    shown = underpaint("optimize", "--undo", tiny_model, "--quiet")
    assert shown.code == 2 and "made by no optimization" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "a search needs --data, --policy, --out; for example: underpaint optimize"),
        (("--undo", "--data", "set"), "--undo takes a model and perhaps --out; leave out --data"),
        (("--undo", "--budget", "30m"), "--undo takes a model and perhaps --out; leave out --budget"),
        (("--undo", "--rival", "graph"), "--undo takes a model and perhaps --out; leave out --rival"),
        (
            ("--undo", "--seed", "3", "--target", "cpu", "--budget", "1h", "--suite", "quick", "--out", "new"),
            "--undo takes a model and perhaps --out; leave out --target, --budget, --seed, --suite",
        ),
        (("--budget", "30", "--data", "x", "--policy", "y", "--out", "z"), "--budget takes a time with its unit"),
        (("--target", "tpu"), "invalid choice: 'tpu'"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(
    underpaint: Callable[..., Any], tiny_model: Path, arguments: tuple[str, ...], words: str
) -> None:
    shown = underpaint("optimize", tiny_model, *arguments, "--quiet")
    assert shown.code == 2 and words in shown.stderr and "Traceback" not in shown.stderr


def test_a_search_that_is_not_finished_is_no_model_to_take_back(underpaint: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / ".new.search").mkdir()
    shown = underpaint("optimize", "--undo", tmp_path / ".new.search")
    assert shown.code == 2 and "is what a search keeps while it is not finished" in shown.stderr
    assert "give the 'underpaint optimize' command again" in shown.stderr


def test_a_policy_without_margins_is_refused(underpaint: Callable[..., Any], tiny_model: Path, tmp_path: Path) -> None:
    policy = tmp_path / "careless.yaml"
    policy.write_text(NO_MARGIN)
    shown = underpaint("optimize", tiny_model, "--data", tmp_path, "--policy", policy, "--out", tmp_path / "new")
    assert shown.code == 2 and "a required metric needs a margin" in shown.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("budget", "seconds"), [("90s", 90.0), ("30m", 1800.0), ("1.5h", 5400.0)])
def test_budgets_have_units(budget: str, seconds: float) -> None:
    assert seconds_of(budget) == seconds


@pytest.mark.parametrize("budget", ["30", "0m", "-5m", "5 m", "m", "1e3s", "half an hour"])
def test_other_budgets_are_refused(budget: str) -> None:
    with pytest.raises(InputError, match="as 90s, 30m or 2h"):
        seconds_of(budget)


def test_the_last_scale_is_skipped_where_there_are_scales(tiny_model: Path) -> None:
    assert planted_for(open_model(tiny_model)) == ("int3_round_to_nearest", "skip_last_scale")


def test_the_chart_names_the_chosen_point() -> None:
    points = [
        ChartPoint(label="base", ratio=(1.0, 1.0, 1.0), room=1.0, on_front=False, chosen=False),
        ChartPoint(label="t-002", ratio=(0.5, 0.4, 0.6), room=0.3, on_front=True, chosen=True),
    ]
    drawing = chart(points, 600.0)
    assert drawing.count("highlighted") == 1 and "t-002" in drawing


def test_the_command_that_does_it_again_names_the_rivals() -> None:
    given = [
        "optimize",
        "tiny",
        "--data",
        "set",
        "--policy",
        "p.yaml",
        "--out",
        "new",
        "--rival",
        "a b",
        "--rival",
        "c",
    ]
    parsed = build_parser("optimize").parse_args(given)
    again = shlex.split(_command(parsed))
    assert vars(build_parser("optimize").parse_args(again[1:])) == vars(parsed)


def test_what_is_shown_about_rivals_is_said_and_what_was_not_looked_at_where_nothing_is_better() -> None:
    def said(finding: str, *rivals: Rival) -> str:
        outcome = Outcome.model_validate({"rival": "export", "finding": finding, "text": "so it is"})
        region = Region(transform="prune.width", slot="transformer", choices=9, looked=0, state="not_reached")
        found = {"trials": (), "chosen": None, "rivals": rivals, "outcomes": (outcome,) if rivals else ()}
        values = {"ended": "the budget was used up", "space": (region,), "base_address": "tiny", **found}
        return _said(Finished(frontier=Frontier.model_construct(**values), manifest=cast(Any, None)), "new")

    rival = Rival(name="export", model_digest="e")
    listed = "not reached within the budget: prune.width of transformer"
    assert "So it is." in said("nothing_better", rival) and listed in said("nothing_better", rival)
    assert "So it is." in said("faster", rival) and listed not in said("faster", rival)
    assert "name it with --rival (underpaint export tiny --int8 --out DIR)" in said("unknown")


def test_the_gate_is_a_judge() -> None:
    from underpaint.cli.optimize_judge import GateJudge

    assert {name for name in dir(Judge) if not name.startswith("_")} <= set(dir(GateJudge))
