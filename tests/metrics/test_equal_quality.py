"""Laws of equal quality: what is not worse, which candidate is the cheapest, and that noise cannot make one equal."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from underpaint.core.errors import MetricError
from underpaint.metrics.equal_quality import (
    Loss,
    cheapest_not_worse,
    distance_loss,
    mean_loss,
    not_worse,
    share_loss,
)
from underpaint.metrics.interval import proportion
from underpaint.metrics.kernel import kid

RNG = np.random.default_rng(5)
REAL = RNG.normal(size=(200, 6))
GOOD = RNG.normal(size=(150, 6)) + 0.1
BAD = GOOD + 0.5


def share(hits: np.ndarray):
    return proportion(hits.astype(float), [str(i) for i in range(len(hits))])


def test_a_model_loses_nothing_against_itself() -> None:
    estimate = kid(GOOD, REAL)
    loss = distance_loss(estimate, estimate, 0.0)
    assert (loss.value, loss.se) == (0.0, 0.0)
    assert loss.within()


def test_losses_turn_their_sign_with_the_sides_and_with_the_direction_of_the_measure() -> None:
    a, b = kid(GOOD, REAL), kid(BAD, REAL)
    there, back = distance_loss(a, b, 0.1), distance_loss(b, a, 0.1)
    assert there.value == pytest.approx(b.value - a.value) and there.value == -back.value
    assert there.se == back.se > 0
    more, less = share(np.arange(100) < 60), share(np.arange(100) < 40)
    assert share_loss(more, less, 0.1).value == pytest.approx(0.2)
    assert share_loss(less, more, 0.1).value == pytest.approx(-0.2)


def test_the_bound_is_the_value_at_level_0_and_grows_with_level_and_error() -> None:
    loss = Loss(value=0.1, se=0.05, margin=0.12)
    assert loss.upper(0) == 0.1 and loss.upper(0.5) == pytest.approx(0.1)
    assert loss.upper(0.95) == pytest.approx(0.1 + 1.6448536 * 0.05)
    assert loss.within(0) and not loss.within(0.95)
    assert replace(loss, se=0.01).within(0.95)


def test_a_candidate_that_is_worse_by_the_margin_passes_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(0)
    n, margin, passed = 400, 0.1, 0
    for _ in range(400):
        own = rng.random(n) < 0.6
        flip = rng.random(n)
        other = np.where(own, flip >= 0.25, flip < 0.125)  # 0.6 * 0.75 + 0.4 * 0.125 = 0.5
        passed += share_loss(share(own), share(other), margin).within()
    assert 0.02 < passed / 400 < 0.08


def test_pictures_of_one_cluster_that_move_together_make_the_bound_wider() -> None:
    a, b = kid(np.repeat(GOOD[:50], 3, axis=0), REAL), kid(np.repeat(BAD[:50], 3, axis=0), REAL)
    alone = distance_loss(a, b, 0.1)
    clustered = distance_loss(a, b, 0.1, clusters=np.repeat(np.arange(50), 3))
    assert clustered.value == alone.value and clustered.se > alone.se


def test_shares_without_a_differing_pair_are_not_surely_equal() -> None:
    same = share(np.arange(30) < 20)
    loss = share_loss(same, same, 0.02)
    assert loss.value == 0.0 and loss.se > 0 and not loss.within()


def test_the_mean_of_independent_losses_has_the_error_of_a_mean() -> None:
    a, b = Loss(value=0.1, se=0.03, margin=0.2), Loss(value=0.3, se=0.04, margin=0.4)
    mean = mean_loss([a, b])
    assert mean.value == pytest.approx(0.2) and mean.margin == pytest.approx(0.3)
    assert mean.se == pytest.approx(math.hypot(0.03, 0.04) / 2)
    assert mean_loss([a]) == a


def test_one_measure_that_is_worse_is_enough_to_be_worse() -> None:
    fine, worse = Loss(value=-1.0, se=0.1, margin=0.1), Loss(value=0.5, se=0.01, margin=0.1)
    assert not_worse([fine, fine])
    assert not not_worse([fine, worse]) and not not_worse([worse, fine])


def test_the_cheapest_that_is_not_worse_is_found_whatever_the_order() -> None:
    fine, worse = [Loss(value=0.0, se=0.01, margin=0.1)], [Loss(value=0.5, se=0.01, margin=0.1)]
    losses = {"1": worse, "8": fine, "20": fine, "50": fine}
    costs = {"1": 10.0, "8": 80.0, "20": 200.0, "50": 500.0}
    assert cheapest_not_worse(costs, losses) == "8"
    assert cheapest_not_worse(dict(reversed(costs.items())), dict(reversed(losses.items()))) == "8"
    assert cheapest_not_worse(costs, losses | {"1": fine}) == "1"
    assert cheapest_not_worse(costs, dict.fromkeys(costs, worse)) is None
    assert cheapest_not_worse({"50": 500.0}, losses) == "50"


def test_a_doubtful_candidate_is_equal_by_its_value_alone() -> None:
    doubtful = {"4": [Loss(value=0.05, se=0.1, margin=0.1)]}
    assert cheapest_not_worse({"4": 1.0}, doubtful) is None
    assert cheapest_not_worse({"4": 1.0}, doubtful, level=0) == "4"


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(MetricError, match="margin"):
        distance_loss(kid(GOOD, REAL), kid(BAD, REAL), -0.1)
    with pytest.raises(MetricError, match="same pictures"):
        share_loss(share(np.arange(40) < 20), share(np.arange(50) < 20), 0.1)
    with pytest.raises(MetricError, match="no measure"):
        not_worse([])
    with pytest.raises(MetricError, match="no losses"):
        mean_loss([])
