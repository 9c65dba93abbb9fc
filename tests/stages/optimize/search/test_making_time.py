"""What takes long to make is begun where the time left holds it, by what was seen before."""

from __future__ import annotations

from underpaint.stages.optimize.search.making_time import limit_s, making_s, too_long
from underpaint.stages.optimize.search.record import Base
from underpaint.stages.optimize.transforms.checking import arranged, step_of

SLOW = arranged(step_of("engine.openvino", "pipeline", precision="int8"))
BASE = Base(latency_ms=70.0, cpu_ms=70.0, peak_rss_mb=1.0, disk_mb=1.0, values={}, limits={}, seconds=25.0)


def test_what_takes_long_to_make_is_begun_where_25_minutes_are_given_and_not_where_7_are() -> None:
    assert making_s(SLOW, BASE) > 60.0
    found = too_long(SLOW, BASE, seconds_left=240.0)
    assert found is not None and found.code == "budget.making"
    assert found.text.startswith("making it takes about") and found.text.endswith("give a larger --budget")
    assert too_long(SLOW, BASE, seconds_left=900.0) is None
    assert making_s(SLOW, BASE) < limit_s(900.0)


def test_what_is_planned_for_eight_bits_of_openvino_covers_what_they_took() -> None:
    """The longest that was seen before it was ended, on busy cores: 266 s, where a picture took 86.5 ms."""
    assert making_s(SLOW, BASE.model_copy(update={"latency_ms": 86.5})) > 266.0


def test_what_needs_no_training_is_looked_at_even_if_all_before_took_longer_than_planned() -> None:
    assert too_long(arranged(step_of("steps.count", "sampler", steps=1)), BASE, seconds_left=-30.0) is None
