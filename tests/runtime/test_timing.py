from __future__ import annotations

import time

import pytest
import torch

from underpaint.runtime.timing import Stopwatch


def test_stages_are_timed_apart_and_add_up(monkeypatch):
    now = 5.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    watch = Stopwatch(torch.device("cpu"))
    for _ in range(2):
        watch.mark("long")
        now += 0.5
        watch.mark("short")
        now += 0.125
    watch.stop()
    assert list(watch.totals_ms.items()) == [("long", 1000.0), ("short", 250.0)]


def test_time_outside_stages_is_not_counted():
    watch = Stopwatch()
    watch.stop()
    watch.mark("a")
    watch.stop()
    spent = watch.totals_ms["a"]
    time.sleep(0.01)
    watch.stop()
    assert watch.totals_ms == {"a": pytest.approx(spent)}
