from __future__ import annotations

import subprocess
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from underpaint.core.errors import MetricError
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.evaluate.efficiency import latency


def test_warming_up_ends_when_three_calls_agree(clock):
    warmup = latency.warm_up(clock.taking(3.0, 1.0, 1.04, 1.01, 9.0), clock, 30)
    assert warmup.settled and warmup.times_ms == pytest.approx([3000.0, 1000.0, 1040.0, 1010.0])


def test_calls_that_never_agree_are_said_not_to(clock):
    part = latency.warm(clock.taking(1.0, 2.0), 60, 1e9, 7, clock)
    assert part.details["warmup"] == {"calls": 7, "settled": False, "first_ms": pytest.approx(1000.0)}
    assert "did not agree" in part.measurements[0].message


def test_measuring_stops_at_its_time_limit(clock):
    assert len(latency.repeat(clock.taking(1.0), 100, 4.5, clock)) == 5
    assert len(latency.repeat(clock.taking(1.0), 100, 0.0, clock)) == 1


@pytest.mark.parametrize(
    ("calls", "given"),
    [(5, []), (6, ["p50"]), (29, ["p50", "p90"]), (59, ["p50", "p90", "p95"]), (299, ["p50", "p90", "p95", "p99"])],
)
def test_a_percentile_is_given_from_its_fewest_calls_on(clock, calls, given):
    part = latency.warm(clock.taking(0.01), calls, 1e9, 3, clock)
    by_status = {one.metric.split("_")[1]: one for one in part.measurements}
    assert [name for name, one in by_status.items() if one.status == "ok"] == given
    for name, one in by_status.items():
        assert one.n == calls
        assert (one.value is not None and one.interval is not None) == (name in given)
        assert name in given or (one.status == "too_few" and "needs" in one.message)


def test_intervals_hold_the_true_quantile_as_often_as_they_say():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        one = latency.percentile("latency_p90_ms", rng.exponential(1.0, 100).tolist(), 0.9)
        assert one.interval is not None and one.interval.low is not None and one.interval.high is not None
        hits += one.interval.low <= np.log(10.0) <= one.interval.high
    assert hits / 400 > 0.925


def test_throughput_is_the_batch_over_its_median_time(clock):
    sizes: list[int] = []
    work = clock.taking(1.0, 2.0, 4.0, 2.0, 2.0, 2.0)

    def draw(batch: Sequence[DrawRequest]) -> None:
        sizes.append(len(batch))
        work()

    requests = [DrawRequest(caption="a cat", seed=seed) for seed in range(3)]
    (one,) = latency.throughput(draw, requests, batch_size=8, batches=6, limit_s=99.0, clock=clock).measurements
    assert sizes == [8] * 6 and one.value == 4.0 and one.n == 6
    assert one.interval is not None and (one.interval.low, one.interval.high) == (2.0, 8.0)


def test_under_six_new_processes_give_no_number():
    few, enough = latency.cold_from([2.0] * 5, 9.0), latency.cold_from([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 9.0)
    assert few.measurements[0].status == "too_few" and few.details["cold_runs_ms"] == [2.0] * 5
    assert enough.measurements[0].value == 3.5
    assert enough.details["cold_ms"] == {"value": 3.5, "low": 1.0, "high": 6.0, "n": 6}


def fake_generator(folder) -> SimpleNamespace:
    model = SimpleNamespace(address=str(folder))
    return SimpleNamespace(pipeline=SimpleNamespace(threads=1, device="cpu"), model=model)


def test_a_cold_start_asks_for_the_same_picture(tmp_path):
    request = DrawRequest(caption="a cat", style="flat", seed=2**63 + 5, steps=0)
    command = latency.cold_command(fake_generator(tmp_path), request, "out")  # pyright: ignore[reportArgumentType]
    assert command[1:5] == ["-m", "underpaint", "generate", "a cat"]
    options = dict(zip(command[6::2], command[7::2], strict=False))
    assert options["--model"] == str(tmp_path) and options["--style"] == "flat" and options["--steps"] == "0"
    assert int(options["--seed"]) < 2**53 and "--guidance" not in command


def test_a_cold_start_takes_guidance_and_steps_and_owns_up_to_the_temperature(monkeypatch, tmp_path, clock):
    request = DrawRequest(caption="a cat", seed=1, guidance=2.5, steps=4, temperature=0.5)
    commands: list[list[str]] = []
    monkeypatch.setattr(latency, "_run", lambda command: (commands.append(command), clock.sleep(1.0)))
    generator = fake_generator(tmp_path)
    (number,) = latency.cold(generator, [request], 6, clock).measurements  # pyright: ignore[reportArgumentType]
    options = dict(zip(commands[0][6::2], commands[0][7::2], strict=False))
    assert options["--guidance"] == "2.5" and options["--steps"] == "4"
    assert number.value == pytest.approx(1000.0) and number.message.endswith(latency.unasked(request))
    assert "own temperature instead of 0.5" in number.message
    (plain,) = latency.cold(generator, [DrawRequest(caption="a cat", seed=1)], 6, clock).measurements  # pyright: ignore[reportArgumentType]
    assert "temperature" not in plain.message


def test_a_process_that_cannot_draw_is_an_error(monkeypatch, tmp_path):
    failed = subprocess.CompletedProcess([], 4, "", "the model is damaged")
    monkeypatch.setattr(latency.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(MetricError, match=r"exit code 4.*damaged"):
        latency.cold(fake_generator(tmp_path), [DrawRequest(caption="a cat", seed=1)], 1)  # pyright: ignore[reportArgumentType]
