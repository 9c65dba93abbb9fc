from __future__ import annotations

import time

import pytest
import torch

from underpaint.runtime.timing import Stopwatch


def test_stages_are_timed_apart_and_add_up():
    watch = Stopwatch(torch.device("cpu"))
    for _ in range(2):
        watch.mark("long")
        time.sleep(0.02)
        watch.mark("short")
    watch.stop()
    assert list(watch.totals_ms) == ["long", "short"]
    assert watch.totals_ms["long"] >= 40.0
    assert watch.totals_ms["short"] < 20.0


def test_time_outside_stages_is_not_counted():
    watch = Stopwatch()
    watch.stop()
    watch.mark("a")
    watch.stop()
    spent = watch.totals_ms["a"]
    time.sleep(0.01)
    watch.stop()
    assert watch.totals_ms == {"a": pytest.approx(spent)}
