from __future__ import annotations

import pytest

from underpaint.pipelines.drawer import alike
from underpaint.pipelines.settings import DrawRequest

ASKED = [DrawRequest(caption="a cat", seed=seed, steps=steps) for seed, steps in enumerate([2, 2, 2, 8, 8, 2])]


@pytest.mark.parametrize(("most", "lengths"), [(None, [3, 2, 1]), (2, [2, 1, 2, 1]), (1, [1] * 6)])
def test_runs_have_equal_numbers_and_keep_the_order(most: int | None, lengths: list[int]):
    runs = list(alike(ASKED, most))
    assert [len(run) for run in runs] == lengths
    assert [request for run in runs for request in run] == ASKED
    assert all(len({request.numbers for request in run}) == 1 for run in runs)


def test_nothing_asked_is_no_run():
    assert not list(alike([]))
