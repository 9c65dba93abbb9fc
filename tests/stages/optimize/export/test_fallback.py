from __future__ import annotations

import itertools

import pytest

from underpaint.core.errors import ArtifactError
from underpaint.stages.optimize.export.fallback import fall_back

ERRORS = {"a": 0.1, "b": 0.7, "c": 0.3, "d": 0.05, "e": 0.5}


def total(groups: frozenset[str]) -> float:
    return sum(ERRORS[group] for group in groups)


def test_where_the_limit_is_kept_nothing_goes_back_and_no_group_is_tried_alone():
    asked: list[frozenset[str]] = []

    def error(groups: frozenset[str]) -> float:
        asked.append(groups)
        return 1.0

    found = fall_back(tuple(ERRORS), error)
    assert found.quantized == frozenset(ERRORS) and found.given_back == () and found.alone == {}
    assert asked == [frozenset(ERRORS)]


@pytest.mark.parametrize("limit", [0.1, 0.2, 0.5, 0.96, 1.2, 1.64])
def test_the_fewest_of_the_worst_groups_go_back(limit: float):
    found = fall_back(tuple(ERRORS), lambda groups: total(groups) / limit)
    worst = sorted(ERRORS, key=lambda group: -ERRORS[group])
    due = next(n for n in itertools.count() if total(frozenset(worst[n:])) <= limit)
    assert found.given_back == tuple(worst[:due]) and found.quantized == frozenset(worst[due:])
    assert found.alone == pytest.approx({group: error / limit for group, error in ERRORS.items()})


def test_what_is_returned_has_been_measured_and_keeps_the_limit():
    measured: dict[frozenset[str], float] = {}

    def error(groups: frozenset[str]) -> float:
        measured[groups] = total(groups)
        return measured[groups]

    assert measured[fall_back(tuple(ERRORS), error).quantized] <= 1.0


@pytest.mark.parametrize("groups", [(), tuple(ERRORS)])
def test_where_no_group_can_have_8_bits_it_says_so(groups: tuple[str, ...]):
    with pytest.raises(ArtifactError, match=r"none of the \d groups.*leave --int8 out"):
        fall_back(groups, lambda chosen: 1.01 + len(chosen))
