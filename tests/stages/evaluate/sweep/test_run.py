from __future__ import annotations

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.evaluate.record import Measurement
from underpaint.stages.evaluate.sweep.record import Change, Point, front_of, quality_id, with_front
from underpaint.stages.evaluate.sweep.run import cells_of, label_of, latency_of, sampling_of, time_in_turn


def point(kid: float | None, ms: float, **settings: float) -> Point:
    metrics = [
        Measurement(id="kid@x:1", metric="kid", direction="lower", value=kid),
        Measurement(id="latency_p50_ms", metric="latency_p50_ms", direction="lower", value=ms),
    ]
    changes = [Change(id="kid@x:1", group="", delta=(kid or 0.0) - 0.1, se=0.01)] if settings else []
    return Point(settings=settings, label=label_of(settings), metrics=metrics, changes=changes)


def test_every_combination_comes_once_after_the_models_own_settings():
    cells = cells_of({"guidance": (1.0, 2.0), "steps": (0.0, 4.0, 8.0)})
    assert cells[0] == {} and len(cells) == 7 and len({label_of(c) for c in cells}) == 7


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({}, "nothing to vary"),
        ({"color": (1.0,)}, "cannot vary 'color'"),
        ({"guidance": tuple(float(n) for n in range(201))}, "201 combinations are more than the 200"),
    ],
)
def test_what_cannot_be_varied_is_refused(factors, message):
    with pytest.raises(InputError, match=message):
        cells_of(factors)


def test_steps_are_whole_numbers():
    assert sampling_of({"steps": 4.0, "guidance": 1.5}).described() == {"guidance": 1.5, "steps": 4}


def test_the_front_holds_what_nothing_beats_in_both():
    assert front_of([(1, 3), (2, 2), (3, 1), (3, 3), (1, 3)]) == [True, True, True, False, True]


def test_a_cell_without_a_number_is_not_on_the_front():
    points = with_front([point(0.1, 50.0), point(None, 40.0, steps=0), point(0.05, 60.0, steps=4)], "kid@x:1")
    assert [p.on_front for p in points] == [True, True, True]  # the fastest stays, whatever its quality
    points = with_front([point(0.1, 50.0), point(None, 50.0, steps=0)], "kid@x:1")
    assert [p.on_front for p in points] == [True, False]


def test_the_quality_of_the_front_must_have_been_measured():
    assert quality_id([point(0.1, 1.0)], "kid") == "kid@x:1"
    projected = [Measurement(id=f"{name}@x:1", metric=name, value=1.0) for name in ("fd", "fd_pca62")]
    cell = Point(settings={}, label="", metrics=projected)
    assert quality_id([cell], "fd_pca") == quality_id([cell], "fd_pca62") == "fd_pca62@x:1"
    assert quality_id([cell], "fd") == "fd@x:1"
    with pytest.raises(InputError, match=r"'fd' was not measured"):
        quality_id([Point(settings={}, label="", metrics=projected[1:])], "fd")
    with pytest.raises(InputError, match="was not measured"):
        quality_id([point(0.1, 1.0)], "fd")


class Ticking:
    """A clock that only moves when a subject draws."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_cells_take_turns_and_each_is_charged_its_own_time():
    from types import SimpleNamespace

    clock, order = Ticking(), []

    def subject(name: str, seconds: float):
        def draw(wishes):
            order.append(name)
            clock.sleep(seconds)
            return wishes

        return SimpleNamespace(subject=SimpleNamespace(draw=draw))

    cells = [subject("a", 0.01), subject("b", 0.03)]
    times = time_in_turn(cells, ["w"] * 4, 4, lambda progress: None, clock)  # pyright: ignore[reportArgumentType]
    assert times == [pytest.approx([10.0] * 4), pytest.approx([30.0] * 4)]
    assert order[2:] == ["a", "b", "b", "a", "a", "b", "b", "a"]


def test_a_median_of_few_calls_is_refused():
    assert latency_of([1.0, 2.0]).status == "too_few"
    assert latency_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).value == 4.0
