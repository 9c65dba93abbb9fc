from __future__ import annotations

from itertools import pairwise

import pytest

from underpaint.stages.train.tuning.verdict import Point, best_of, decoder_verdict, overfits, verdict


def points(*held_out: float, learned: tuple[float, ...] = (), kept: tuple[float, ...] = ()) -> list[Point]:
    learned = learned or tuple(5.0 - 0.5 * i for i in range(len(held_out)))
    kept = kept or (4.0,) * len(held_out)
    return [Point(25 * i, *values) for i, values in enumerate(zip(learned, held_out, kept, strict=True))]


def test_the_best_point_is_the_earliest_of_the_lowest():
    assert best_of(points(5.0, 4.0, 4.5, 4.0)).step == 25


def test_a_rise_on_held_out_pictures_while_the_others_fall_is_over_fitting_and_is_said():
    curve = points(5.0, 4.5, 4.8)
    assert overfits(curve)
    said = verdict(curve)
    assert "over-fitted" in said and "rose to 4.80" in said and "falling to 4.00" in said and "step 25" in said


@pytest.mark.parametrize(
    "curve",
    [
        points(5.0, 4.5, 4.2),
        points(5.0, 4.5, 4.51),
        points(5.0, 4.5, 4.8, learned=(5.0, 4.0, 4.5)),
    ],
    ids=["still falling", "a rise too small for a word", "both rise"],
)
def test_anything_else_is_no_over_fitting(curve):
    assert not overfits(curve) and "over-fitted" not in verdict(curve)


def test_a_training_that_helped_nothing_is_called_that():
    said = verdict(points(4.0, 4.1, 4.3))
    assert said.startswith("Nothing that holds beyond the pictures was learned")
    assert "fell" not in said


def test_a_training_that_was_still_falling_asks_for_more_steps():
    assert "more steps may help" in verdict(points(5.0, 4.5, 4.2))
    assert "more steps may help" not in verdict(points(5.0, 4.2, 4.5))


def test_what_was_forgotten_is_said_for_the_weights_that_are_kept():
    said = verdict(points(5.0, 4.5, 4.8, kept=(4.0, 4.3, 9.0)))
    assert "worse by 0.30 nats" in said
    assert "worse" not in verdict(points(5.0, 4.5, kept=(4.0, 4.01)))


def test_the_words_depend_on_the_figures_alone_and_name_the_best_held_out_loss():
    for a, b in pairwise((4.6, 4.4, 4.2)):
        assert verdict(points(5.0, a)) != verdict(points(5.0, b))
        assert f"to {b:.2f} nats" in verdict(points(5.0, b))


def test_of_a_decoder_it_says_both_errors_and_what_changed_or_that_nothing_came_of_it():
    before, after = Point(0, 0.05, 0.052, 0.0), Point(50, 0.03, 0.041, 0.008)
    assert "error of 4.1% in place of 5.2%" in decoder_verdict([before, after])
    assert "changed by 0.8%" in decoder_verdict([before, after])
    worse = after._replace(held_out=0.06)
    assert "the one before is kept" in decoder_verdict([before, worse])
