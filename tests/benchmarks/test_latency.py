from __future__ import annotations

from types import ModuleType

import pytest

import underpaint


@pytest.fixture(scope="module")
def latency(load_benchmark) -> ModuleType:
    return load_benchmark("latency")


def test_a_model_with_random_weights_draws_at_128_pixels(latency: ModuleType) -> None:
    pipeline = latency.fresh("nano", underpaint.load(engine="torch"))
    assert all(pipeline.fit().values())
    (picture,) = pipeline.draw([latency.REQUESTS[0]])
    assert picture.shape == (128, 128, 4)


def test_random_weights_are_the_same_every_time(latency: ModuleType) -> None:
    words = underpaint.load(engine="torch")
    first, second = (latency.fresh("nano", words).transformer.state_dict() for _ in range(2))
    assert all(bool((first[name] == second[name]).all()) for name in first)
    assert any(float(values.float().std()) > 0 for values in first.values() if values.numel() > 1)


def test_cases_are_timed_equally_often_and_warm_ups_do_not_count(latency: ModuleType) -> None:
    drawn: list[str] = []

    class Noted(latency.Case):
        def draw(self, index: int) -> None:
            drawn.append(self.name)

    cases = [Noted(name=name, generator=None, threads=1, random=False) for name in ("a", "b")]
    times = latency.times_of(cases, 4)
    assert [len(one) for one in times] == [4, 4]
    assert drawn.count("a") == drawn.count("b") == 4 + latency.WARM_UPS
    assert drawn[:4] in (["a", "b", "b", "a"], ["b", "a", "a", "b"])
