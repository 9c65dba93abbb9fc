from __future__ import annotations

from typing import Any

from underpaint.stages.serve.batching.fairness import (
    CLASSES,
    SHARES,
    JobClass,
    Line,
    credit_after,
    lines_in_order,
    starting_time,
)


def line(owner: str, **others: Any) -> Line:
    values: dict[str, Any] = {"job_class": "interactive", "virtual_s": 0.0, "since": 0.0, "cost_s": 1.0}
    return Line(owner=owner, **{**values, **others})


def served_shares(costs: dict[JobClass, float], rounds: int = 4000) -> dict[JobClass, float]:
    """Serve classes that always have work and return their shares of the time."""
    credit: dict[JobClass, float] = {}
    given = dict.fromkeys(costs, 0.0)
    for _ in range(rounds):
        (first, *_) = lines_in_order([line("o", job_class=name) for name in costs], credit, 0.0)
        name = first.job_class
        given[name] += costs[name]
        credit = credit_after(credit, served=name, cost_s=costs[name], present=costs.keys())
    return {name: seconds / sum(given.values()) for name, seconds in given.items()}


def test_classes_get_their_guaranteed_shares_whatever_their_jobs_cost() -> None:
    for costs in ((1.0, 1.0, 1.0), (0.1, 5.0, 0.3), (3.0, 0.2, 8.0)):
        shares = served_shares(dict(zip(CLASSES, costs, strict=True)))
        for name, share in SHARES.items():
            assert 0.9 * share <= shares[name] <= 1.25 * share, (costs, shares)


def test_what_a_class_gets_in_spare_time_costs_it_nothing() -> None:
    credit: dict[JobClass, float] = {}
    for _ in range(100):
        credit = credit_after(credit, served="batch", cost_s=5.0, present={"batch"})
    credit = credit_after(credit, served="interactive", cost_s=1.0, present={"interactive", "batch"})
    order = lines_in_order([line("a"), line("b", job_class="batch")], credit, 0.0)
    assert [found.job_class for found in order] == ["batch", "interactive"]


def test_waiting_earns_nothing_where_nobody_waits() -> None:
    credit = credit_after({"batch": 5.0}, served="interactive", cost_s=1.0, present={"interactive"})
    assert credit["batch"] == 0.0


def test_the_owner_who_had_least_goes_first() -> None:
    lines = [line("much", virtual_s=3.0), line("little", virtual_s=1.0), line("some", virtual_s=2.0)]
    assert [found.owner for found in lines_in_order(lines, {}, 1.0)] == ["little", "some", "much"]


def test_an_overdue_line_goes_first_but_not_under_mere_load() -> None:
    lines = [line(f"o{i}", virtual_s=i, since=100.0 - i) for i in range(10)]
    order = [found.owner for found in lines_in_order(lines, {}, 100.0)]
    assert order[0] == "o0", "each waited for the others only"
    stuck = [*lines, line("stuck", virtual_s=99.0, since=0.0)]
    assert lines_in_order(stuck, {}, 100.0)[0].owner == "stuck"
    assert lines_in_order(stuck, {}, 20.0)[-1].owner == "stuck"


def test_idling_earns_nothing_and_costs_nothing() -> None:
    assert starting_time(2.0, [5.0, 7.0], [2.0, 5.0, 7.0]) == 5.0
    assert starting_time(6.0, [5.0, 7.0], [6.0, 5.0, 7.0]) == 6.0
    assert starting_time(0.0, [], [3.0, 4.0]) == 4.0
    assert starting_time(0.0, [], []) == 0.0
