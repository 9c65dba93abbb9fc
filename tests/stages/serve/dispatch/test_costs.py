"""Laws of costs: the profile at first, then what batches took; each key for itself, and not without end."""

from __future__ import annotations

import pytest

from underpaint.stages.serve.batching.profile import BatchProfile, ProfilePoint
from underpaint.stages.serve.dispatch.costs import FIRST_COST_S, KEYS_KEPT, Costs
from underpaint.stages.serve.engine.orders import Loaded

POINTS = (ProfilePoint(units=1, seconds=1.0), ProfilePoint(units=4, seconds=2.0))
LOADED = Loaded(model_sha256="0" * 64, engine="slow", at_once=4, can_preview=False, profile=BatchProfile(points=POINTS))


class Known:
    """Engines of which one model was loaded."""

    def known(self, name: str) -> Loaded | None:
        return LOADED if name == "m" else None


@pytest.fixture
def costs() -> Costs:
    return Costs(Known(), max_batch_s=10.0)  # pyright: ignore[reportArgumentType]


def test_a_model_that_was_never_loaded_has_a_guessed_cost_and_draws_alone(costs):
    assert costs.picture_s("new", "k") == FIRST_COST_S
    assert costs.plan("new", "k", 3.0).cap == 1
    costs.learn("new", "k", 1, 99.0)
    assert costs.picture_s("new", "k") == FIRST_COST_S


def test_what_batches_take_corrects_the_profile_for_their_key_alone(costs):
    assert (costs.picture_s("m", "k"), costs.plan("m", "k", 1.0).cap) == (1.0, 4)
    for _ in range(200):
        costs.learn("m", "k", 4, 6.0)
    assert costs.picture_s("m", "k") == pytest.approx(3.0)
    assert costs.plan("m", "k", 1.0).seconds(4) == pytest.approx(6.0)
    assert costs.picture_s("m", "another") == 1.0


def test_pictures_without_a_key_are_drawn_alone(costs):
    plan = costs.plan("m", "", 1.5)
    assert plan.cap == 1 and plan.seconds(1) == 1.5


def test_the_keys_noted_last_are_remembered(costs):
    for number in range(KEYS_KEPT + 1):
        costs.learn("m", f"k{number}", 1, 11.0)
    assert costs.picture_s("m", "k0") == 1.0
    assert costs.picture_s("m", "k1") == pytest.approx(2.0)
