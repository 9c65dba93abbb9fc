"""One clock ranks, and everything that is shown is by it: sentence, chart and every row."""

from __future__ import annotations

from typing import Any

import pytest

from underpaint.core.optimization import OptimizationRecipe
from underpaint.stages.optimize.search.compared import beside, space
from underpaint.stages.optimize.search.frontier_file import Frontier, Outcome, Region
from underpaint.stages.optimize.search.gains import choice_in_words
from underpaint.stages.optimize.search.page import _trials, points_of
from underpaint.stages.optimize.search.record import UNTRIED, Base, Beside, Cost, Rival, Trial

SIZES = {"latency_ms": 1.0, "base_ms": 1.0, "peak_rss_mb": 1.0, "disk_mb": 1.0, "pairs": 20}
BASE = Base(latency_ms=50.0, cpu_ms=50.0, peak_rss_mb=2.0, disk_mb=2.0, values={}, limits={}, seconds=0.0)


def cost(wall: float, cpu: float, *, noisy: bool = False) -> Cost:
    ratios = {"latency_ratio": (wall, wall, wall), "cpu_ratio": (cpu, cpu, cpu)}
    return Cost.model_validate({**ratios, **SIZES, "noisy": noisy})


def trial(number: int, measured: Cost) -> Trial:
    recipe = OptimizationRecipe()
    values = {"id": f"t-{number:03d}", "origin": "start", "rung": 2, "state": "feasible", "loss": 0.25}
    return Trial.model_validate({**values, "recipe": recipe, "recipe_digest": recipe.digest(), "cost": measured})


def frontier(timer: str, **fields: Any) -> Frontier:
    quiet, noisy = trial(1, cost(0.21, 0.61)), trial(2, cost(0.31, 0.71, noisy=True))
    over = {"t-001": Beside(latency_ratio=(0.4, 0.4, 0.4), cpu_ratio=(0.8, 0.8, 0.8))}
    rival = Rival(name="export", model_digest="e", cost=cost(0.41, 0.81), loss=0.5, beside=over)
    outcome = Outcome(rival="export", finding="faster", text="faster than the exported export, gate passed")
    values = {"base": "tiny", "base_cost": BASE, "margins": {}, "frontier": ("t-001",), "chosen": "t-001"}
    found = {"trials": (quiet, noisy), "rivals": (rival,), "outcomes": (outcome,), "space": (), "timer": timer}
    return Frontier.model_construct(**{**values, **found, **fields})


@pytest.mark.parametrize(
    ("timer", "shown", "hidden"),
    [("wall", ("0.21", "0.31"), ("0.61", "0.71")), ("processor", ("0.61", "0.71"), ("0.21", "0.31"))],
)
def test_rows_and_points_are_by_the_clock_that_ranks_and_not_by_their_own(
    timer: str, shown: tuple[str, str], hidden: tuple[str, str]
) -> None:
    one = frontier(timer)
    rows = _trials(one).render()
    assert all(value in rows for value in shown) and not any(value in rows for value in hidden)
    assert [f"{point.ratio[0]:.2f}" for point in points_of(one)[-2:]] == list(shown)
    assert f"{1 / float(shown[0]):.2f} times as fast" in choice_in_words(one)


def test_the_rival_is_a_point_and_a_row_with_what_is_shown_about_it() -> None:
    one = frontier("processor")
    assert [point.label for point in points_of(one)] == ["tiny", "export", "t-001", "t-002"]
    section = beside(one).render()
    for words in ("the model before", "export", "exported already", "0.810", "0.800", "gate passed"):
        assert words in section
    assert "0.410" not in section, "one clock"
    assert "Faster than the exported export, gate passed." in choice_in_words(one)


def test_a_search_that_accepts_nothing_says_what_that_shows() -> None:
    outcome = Outcome(rival="export", finding="nothing_better", text="nothing better than the export was found")
    said = choice_in_words(frontier("wall", chosen=None, outcomes=(outcome,)))
    assert said.endswith("the model stays. Nothing better than the export was found.")


def test_recipes_that_were_not_made_are_not_called_looked_at() -> None:
    untried = [trial(number, cost(1, 1)).model_copy(update={"state": state}) for number, state in enumerate(UNTRIED)]
    one = frontier("wall", chosen=None, outcomes=(), trials=(trial(3, cost(1, 1)), *untried))
    assert choice_in_words(one).startswith("Of 1 recipes that were looked at")


def test_the_space_is_told_with_the_reasons_why_it_was_not_looked_at() -> None:
    regions = (
        Region(transform="engine.onnx", slot="pipeline", choices=4, looked=3, state="tried"),
        Region(transform="prune.width", slot="transformer", choices=9, looked=0, state="not_reached", reason="no time"),
    )
    section = space(frontier("wall", space=regions)).render()
    assert "not reached" in section and "no time" in section and "engine.onnx" in section
