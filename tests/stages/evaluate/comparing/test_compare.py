from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from underpaint.core.errors import ComparisonError
from underpaint.stages.evaluate.comparing.compare import compare
from underpaint.stages.evaluate.comparing.comparison import Comparison, Row
from underpaint.stages.evaluate.comparing.ranks import better_pairs, rank_sets
from underpaint.stages.evaluate.comparing.text import summary
from underpaint.stages.evaluate.record import PictureRecord

Make = Callable[..., Path]


def row(comparison: Comparison, metric: str, group: str = "") -> Row:
    return next(row for row in comparison.rows if (row.metric, row.group) == (metric, group))


def test_differences_are_taken_to_the_baseline(evaluation: Make) -> None:
    folders = [evaluation("a"), evaluation("b", fd=0.4, own_seed=2), evaluation("c", fd=0.2, own_seed=3)]
    fd = row(compare(folders), "fd_pca16")
    assert [cell.delta for cell in fd.cells] == [None, pytest.approx(0.1), pytest.approx(-0.1)]
    assert fd.cells[1].relative == pytest.approx(0.1 / 0.29)
    assert fd.cells[1].paired_on == ("prompt_id", "seed")
    other = row(compare(folders, baseline=2), "fd_pca16")
    assert [cell.delta for cell in other.cells] == [pytest.approx(0.1), pytest.approx(0.2), None]


def test_places_are_sets_where_models_cannot_be_told_apart(evaluation: Make) -> None:
    folders = [evaluation("a"), evaluation("b", fd=0.3001, own_seed=2), evaluation("c", fd=0.5, own_seed=3)]
    fd = row(compare(folders), "fd_pca16")
    assert [(cell.best_rank, cell.worst_rank) for cell in fd.cells] == [(1, 2), (1, 2), (3, 3)]
    precise = [evaluation("d"), evaluation("e", precision=0.9, own_seed=2)]
    shown = row(compare(precise), "r_precision")
    assert [(cell.best_rank, cell.worst_rank) for cell in shown.cells] == [(2, 2), (1, 1)]


def test_times_are_compared_as_ratios(evaluation: Make) -> None:
    cell = row(compare([evaluation("a"), evaluation("b", latency=60.0)]), "latency_p95_ms").cells[1]
    assert (cell.scale, cell.relative) == ("log ratio", pytest.approx(0.2))
    assert cell.delta_low is not None
    assert cell.delta_low > 0


def test_what_cannot_be_compared_is_listed_with_the_reason(evaluation: Make) -> None:
    def noisy(report: dict[str, Any]) -> None:
        report["environment"]["noisy"] = True
        report["metrics"][0]["reference"] = "s" * 64

    comparison = compare([evaluation("a"), evaluation("b", edit=noisy), evaluation("c")])
    fd, latency, memory = (row(comparison, metric) for metric in ("fd_pca16", "latency_p95_ms", "peak_rss_mb"))
    assert "different references" in fd.cells[1].refused
    assert fd.cells[1].value == 0.29, "what cannot be compared is still shown"
    assert "measure again on a quiet machine" in latency.cells[1].refused
    assert memory.cells[1].delta == 0.0
    assert [(cell.best_rank, cell.worst_rank) for cell in fd.cells] == [(1, 2), (None, None), (1, 2)]
    assert {refusal.subject for refusal in comparison.refused} == {1}
    assert any("latency_p95_ms" in refusal.metrics for refusal in comparison.refused)


def test_other_prompts_refuse_every_quality_number(evaluation: Make) -> None:
    comparison = compare([evaluation("a"), evaluation("b", n=150)])
    refused = next(refusal for refusal in comparison.refused if "different prompts" in refusal.reason)
    assert len(refused.metrics) == 4
    assert row(comparison, "latency_p95_ms").cells[1].delta == 0.0


def test_a_model_that_knows_no_styles_is_refused_with_the_way_to_compare_it(evaluation: Make) -> None:
    def without_styles(pictures: list[PictureRecord]) -> list[PictureRecord]:
        return [picture.model_copy(update={"style": None}) for picture in pictures]

    comparison = compare([evaluation("a"), evaluation("b", edit_pictures=without_styles)])
    refused = next(refusal for refusal in comparison.refused if "different styles" in refusal.reason)
    assert len(refused.metrics) == 4
    assert re.search(r"b \(.*\) for none, a \(.*\) for cartoon, flat, .* data set without styles", refused.reason)


def test_pictures_without_seeds_are_paired_on_their_prompts(evaluation: Make) -> None:
    comparison = compare([evaluation("a"), evaluation("b", seeds=False)])
    assert row(comparison, "fd_pca16").cells[1].paired_on == ("prompt_id",)


def test_a_number_that_one_report_lacks_is_not_applicable(evaluation: Make) -> None:
    comparison = compare([evaluation("a"), evaluation("b", edit=lambda report: report["metrics"].pop(1))])
    cell = row(comparison, "r_precision").cells[1]
    assert (cell.status, cell.value) == ("not_applicable", None)


def test_equal_names_are_told_apart(evaluation: Make) -> None:
    folder = evaluation("a")
    assert [subject.name for subject in compare([folder, folder]).subjects] == ["a (1)", "a (2)"]


def test_people_get_a_line_a_number(evaluation: Make) -> None:
    text = summary(compare([evaluation("a"), evaluation("b", fd=0.4, own_seed=2)]))
    assert text.startswith("a | b; differences to a, places in brackets\n")
    assert "fd_pca16@evaluator-64 (lower is better): 0.29 [1] | 0.39 (+0.100" in text
    assert "more numbers (slices)" in text


@pytest.mark.parametrize(("count", "baseline"), [(1, 0), (2, 2), (2, -1)])
def test_a_comparison_needs_two_and_a_baseline(evaluation: Make, count: int, baseline: int) -> None:
    with pytest.raises(ComparisonError, match="two evaluations or more"):
        compare([evaluation()] * count, baseline=baseline)


def test_rank_sets_hold_the_truth() -> None:
    """Reference: a simulation; all ranks at once are right in at least 95 % of all runs."""
    rng, truth = np.random.default_rng(0), np.array([0.0, 0.0, 1.0, 1.2])
    right = 0
    for _ in range(400):
        seen = truth + 0.3 * rng.standard_normal(4)
        pairs = {(a, b): (seen[a] - seen[b], 0.3 * 2**0.5) for a in range(4) for b in range(a + 1, 4)}
        sets = rank_sets([0, 1, 2, 3], better_pairs(pairs, 0.05))
        right += all(low <= 1 + (truth < truth[i]).sum() <= high for i, (low, high) in sets.items())
    assert right >= 0.95 * 400
