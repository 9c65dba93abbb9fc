"""Laws of the verdict: what matches, what does not, which point counts, and how far a ratio can be trusted."""

from __future__ import annotations

import numpy as np
import pytest

from underpaint.metrics.equal_quality import LEVEL, not_worse

DEFAULT, REDRAWN, BLURRED = "hybrid, default", "hybrid, default, other seeds", "hybrid, default, blurred by 1 pixel"
BOTH = ("test_concept", "test_composition")
FLOW = {steps: f"flow, dpmpp_2m {steps}" for steps in (4, 10, 50)}


@pytest.fixture(scope="module")
def verdict(load_benchmark):
    return load_benchmark("frontier_verdict")


@pytest.fixture(scope="module")
def quality(load_benchmark):
    return load_benchmark("frontier_quality")


@pytest.fixture
def times(simulate_times):
    """Times of all points but flow at 50 steps, which is not timed."""
    medians = {DEFAULT: 10.0, "hybrid, mean residual": 9.0, FLOW[4]: 8.0, FLOW[10]: 30.0, "few-step, 1": 2.0}
    return {(name, 1): simulate_times(ms, seed) for seed, (name, ms) in enumerate(medians.items())}


def test_the_same_pictures_match_strictly_and_their_loss_is_zero(table):
    losses = table().losses(DEFAULT, FLOW[10], BOTH)
    assert [loss.value for loss in losses] == [0.0, 0.0, 0.0] and not_worse(losses, LEVEL)


def test_blurred_pictures_match_by_no_reading(table):
    losses = table().losses(DEFAULT, BLURRED, BOTH)
    assert not not_worse(losses, LEVEL) and not not_worse(losses, 0.0)


def test_the_controls_say_that_other_seeds_pass_and_blur_fails(table, verdict):
    found = verdict.controls(table())
    assert set(found) == {REDRAWN, BLURRED} and set(found[BLURRED]) == set(verdict.SCOPES)
    assert not any(found[BLURRED].values()) and found[REDRAWN]["both"]


def test_the_cheapest_point_that_is_not_worse_counts(table, times, verdict):
    for timed in (times, None):
        one = table(timed)
        assert verdict.match(one, DEFAULT, "flow", BOTH, LEVEL) == FLOW[10]
        dearer = table(timed, without=(FLOW[10],))
        assert verdict.match(dearer, DEFAULT, "flow", BOTH, LEVEL) == FLOW[50]
    assert verdict.match(table(times), DEFAULT, "few-step", BOTH, 0.0) is None


def test_points_that_are_not_timed_cost_as_much_as_the_familys_pace_says(table, times):
    costs = table(times).all_costs("flow")
    known = {FLOW[4]: 40e6, FLOW[10]: 100e6}
    paces = [float(np.median(times[name, 1]["total"])) / macs for name, macs in known.items()]
    assert costs[FLOW[50]] == pytest.approx(np.median(paces) * 500e6)
    assert costs[FLOW[10]] == float(np.median(times[FLOW[10], 1]["total"]))
    assert table().all_costs("flow")[FLOW[50]] == 500e6, "multiply-adds as long as nothing is timed"


def test_pictures_of_other_seeds_are_no_rival(table):
    assert REDRAWN in table().points and REDRAWN not in table().names("hybrid")


def test_intervals_of_ratios_hold_the_truth_under_a_load_that_all_share(table, simulate_times):
    """With a truth of 3 and intervals of 95 %, 33 of 40 is what a fair coin of .95 falls short of once in 10^3."""
    held, widths = 0, []
    for trial in range(40):
        load = 0.3 * np.random.default_rng(1000 + trial).normal(size=30)
        times = {(FLOW[10], 1): simulate_times(30.0, 2 * trial, load=load),
                 (DEFAULT, 1): simulate_times(10.0, 2 * trial + 1, load=load)}  # fmt: skip
        found = table(times).ratio(FLOW[10], DEFAULT)
        held += found["low"] <= 3.0 <= found["high"]
        widths.append(found["high"] - found["low"])
    assert held >= 34
    assert np.mean(widths) < 0.5, "pairs cancel the load, which alone would spread a ratio by more"


def test_a_ratio_is_one_of_times_where_both_are_timed_and_else_one_of_multiply_adds(table, times):
    one = table(times)
    assert one.ratio(FLOW[10], DEFAULT)["unit"] == "ms"
    assert one.ratio(FLOW[50], DEFAULT) == {"value": 50.0, "unit": "MAC"} == one.mac_ratio(FLOW[50], DEFAULT)
    assert one.ratio(FLOW[10], DEFAULT, 8) is None and one.mac_ratio(REDRAWN, DEFAULT) is None


def test_few_rounds_give_a_ratio_without_an_interval(table, simulate_times):
    times = {(FLOW[10], 1): simulate_times(30.0, 0, rounds=5), (DEFAULT, 1): simulate_times(10.0, 1, rounds=5)}
    assert set(table(times).ratio(FLOW[10], DEFAULT)) == {"value", "unit"}


def test_the_verdict_holds_both_directions_for_every_scope(table, times, verdict):
    found = verdict.verdicts(table(times))
    assert set(found) == {"flow", "few-step"} and all(set(part) == set(verdict.SCOPES) for part in found.values())
    both = found["flow"]["both"]
    assert both["speed_up"]["strict"]["point"] == FLOW[10]
    assert both["speed_up"]["strict"]["ratio"]["value"] == pytest.approx(3.0, rel=0.1)
    assert both["best"] in (FLOW[10], FLOW[50])
    assert both["reverse"]["strict"]["point"] in (DEFAULT, "hybrid, mean residual")
    assert found["few-step"]["both"]["speed_up"]["by value"] == {"point": None, "ratio": None, "mac_ratio": None}


def test_the_sentence_names_the_winner_or_that_nothing_matches(table, times, verdict):
    sentence = verdict.verdict_sentence(verdict.verdicts(table(times)), 50, passes=True)
    assert sentence.startswith("At equal quality") and FLOW[10] in sentence and "the hybrid wins" in sentence
    unmatched = table(times, without=(FLOW[10], FLOW[50]))
    sentence = verdict.verdict_sentence(verdict.verdicts(unmatched), 50, passes=False)
    assert (
        "not matched by the flow model at up to 50 steps, though" in sentence and "nor is it by the values" in sentence
    )
    assert "no verdict" in verdict.verdict_sentence({}, 50, passes=True)


def test_fixed_steps_are_those_that_were_drawn(table, times, verdict):
    found = verdict.fixed_steps(table(times))
    assert set(found) == set(FLOW.values()), "four, ten and fifty; the others have no pictures"
    assert found[FLOW[50]]["ratio"] is None and found[FLOW[50]]["mac_ratio"]["value"] == 50.0
    assert found[FLOW[10]]["ratio"]["value"] == pytest.approx(3.0, rel=0.1)


def test_measures_count_only_where_they_are_judged(table, quality):
    one = table()
    own = one.quality["few-step, 1"]
    overall = quality.overall(own)
    assert overall["own caption first"].value == own["own caption first"]["test_composition"].value
    distances = [quality.center_of(own["KD randconv-v1"][split]) for split in BOTH]
    assert overall["KD randconv-v1"].value == pytest.approx(np.mean(distances))
    assert "own caption first" not in quality.overall(own, ("test_concept",))
    assert len(one.losses(DEFAULT, "few-step, 1", ("test_concept",))) == 2


def test_the_mean_of_independent_estimates_has_the_error_of_a_mean(table, quality):
    parts = list(table().quality[DEFAULT]["KD evaluator-64"].values())
    found = quality.mean_of(parts)
    assert found.se == pytest.approx(np.hypot(parts[0].se, parts[1].se) / 2)
    assert found.interval.low < found.value < found.interval.high and found.n == sum(one.n for one in parts)
    assert quality.mean_of(parts[:1]) is parts[0]


def test_the_rank_adds_distances_in_units_of_their_margins(table, quality):
    ranks = {name: quality.distance_rank(quality.overall(table().quality[name])) for name in (DEFAULT, FLOW[4])}
    assert ranks[DEFAULT] < ranks[FLOW[4]]
    found = quality.overall(table().quality[DEFAULT])
    margins = {measure.name: measure.margin for measure in quality.MEASURES if measure.better == "lower"}
    assert ranks[DEFAULT] == pytest.approx(sum(found[name].value / margin for name, margin in margins.items()))
