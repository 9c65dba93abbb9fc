from __future__ import annotations

import json
import subprocess
import sys

import pytest

import underpaint
from underpaint.core import installing
from underpaint.core.errors import InputError, MetricError, SetupError, TooFewSamples
from underpaint.core.progress import Progress
from underpaint.metrics.estimate import Interval
from underpaint.runtime.flops import Flops
from underpaint.runtime.peak import Peak
from underpaint.stages.evaluate.catalog.table import info_of
from underpaint.stages.evaluate.efficiency import compute, memory, session
from underpaint.stages.evaluate.efficiency.measure import marked, measure, measure_callable
from underpaint.stages.evaluate.efficiency.outcome import guarded, measured, refused
from underpaint.stages.evaluate.efficiency.plan import PLANS, plan_named
from underpaint.stages.evaluate.efficiency.prices import read_prices


def test_every_number_is_there_or_says_why_not(tiny_model, monkeypatch, requests, tiny_plan):
    monkeypatch.setattr(session.energy, "find_rapl", list)
    reports: list[Progress] = []
    result = measure(underpaint.load(tiny_model), requests, tiny_plan, read_prices(), reports.append)
    found = {one.metric: one for one in result.measurements}
    assert set(found) == {metric for metrics, _ in session.PARTS.values() for metric in metrics}
    for one in found.values():
        assert one.direction == info_of(one.metric).direction
        assert (one.value is None) == (one.status != "ok") and (one.status == "ok" or one.message)
    left_out = {"latency_cold_ms", "peak_rss_mb", "training_cost"}
    assert left_out == {name for name, one in found.items() if one.status == "not_applicable"}
    assert found["latency_p99_ms"].status == "too_few" and found["latency_p95_ms"].status == "ok"
    assert found["energy_j_per_image"].energy_method == "modelled"
    assert set(result.details["latency"]["parts_ms"]) == {"text", "transformer", "residual", "decoder"}
    assert (reports[-1].done, reports[-1].total) == (len(session.PARTS), len(session.PARTS))
    json.dumps(result.details, allow_nan=False)
    json.dumps(result.environment, allow_nan=False)
    assert isinstance(result.environment["noisy"], bool)


@pytest.mark.slow
def test_new_processes_draw_and_tell_their_memory(tiny_model, requests):
    generator = underpaint.load(tiny_model)
    cold = session.latency.cold(generator, requests, 1)
    assert len(cold.details["cold_runs_ms"]) == 1 and cold.details["cold_runs_ms"][0] > 100.0
    part = memory.measure_memory(generator, requests, 1)
    (one,) = part.measurements
    assert one.value is not None and one.value > part.details["imported_mb"] > 50.0
    assert one.interval is None and "no interval" in one.message


def test_six_peaks_have_an_interval():
    peaks = [{"peak": mega * 10**6} for mega in (100, 101, 102, 103, 104, 105)]
    one = memory.peak_of(peaks)
    assert one.value == 102.5 and one.interval is not None
    assert (one.interval.low, one.interval.high) == (100.0, 105.0)
    assert memory.peak_of(peaks[:5]).interval is None


def test_a_process_that_dies_is_an_error(tiny_model, monkeypatch, requests):
    monkeypatch.setattr(memory, "PROBE", "underpaint.no_such_module")
    with pytest.raises(MetricError, match="no_such_module"):
        memory.run_probe(underpaint.load(tiny_model), requests)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TooFewSamples("more"), "too_few"),
        (SetupError("install"), "not_applicable"),
        (MetricError("why"), "failed"),
        (ZeroDivisionError(), "failed"),
    ],
)
def test_an_error_becomes_the_message_of_what_it_prevented(error, status):
    def fail():
        raise error

    (one,) = guarded(["weights_mb"], fail).measurements
    assert (one.status, one.value) == (status, None) and one.message in (str(error), type(error).__name__)


def test_a_report_says_how_to_install_what_is_missing_without_the_folder_that_underpaint_came_from(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(installing, "_noted", lambda: json.dumps({"url": tmp_path.as_uri()}))

    def fail():
        raise SetupError(f"install it with: pip install '{tmp_path}[openvino]'")

    (one,) = guarded(["weights_mb"], fail).measurements
    assert one.message == "install it with: pip install '.[openvino]'"


def test_noise_is_said_where_it_matters():
    interval = Interval(low=1.0, high=2.0, level=0.95, method="test")
    slow = measured("latency_p50_ms", 1.5, n=6, interval=interval)
    assert marked(slow, []) == slow
    assert (
        marked(slow, ["busy"]).message == "measured on a noisy machine (busy)" and marked(slow, ["busy"]).value == 1.5
    )
    size = measured("weights_mb", 1.5, n=1, interval=interval)
    assert marked(size, ["busy"]) == size
    none = refused("latency_p99_ms", "too_few", "few")
    assert marked(none, ["busy"]) == none


def test_the_share_of_the_peak_is_as_unsure_as_the_latency():
    flops = Flops(total=1000, by_operator={}, not_counted={}, missed=(), traffic_bytes=10)
    peak = Peak(flops_per_s=10_000.0, bytes_per_s=1e9, by_side={}, dtype="float32", num_threads=1)
    interval = Interval(low=200.0, high=500.0, level=0.95, method="order-statistics")
    one = compute.fraction(flops, peak, measured("latency_p50_ms", 250.0, n=9, interval=interval))
    assert one.value == pytest.approx(0.4) and "compute" in one.message
    assert one.interval is not None
    assert (one.interval.low, one.interval.high) == (pytest.approx(0.2), pytest.approx(0.5))
    missing = compute.fraction(flops, peak, refused("latency_p50_ms", "too_few", "5 calls"))
    assert missing.status == "too_few" and "5 calls" in missing.message


def test_a_function_has_its_warm_latency_measured(clock, tiny_plan):
    result = measure_callable(clock.taking(0.02), tiny_plan, clock=clock)
    values = {one.metric: one.value for one in result.measurements}
    assert values["latency_p50_ms"] == pytest.approx(20.0) and values["latency_p99_ms"] is None


def test_a_function_that_fails_says_so(clock, tiny_plan):
    def broken(index: int) -> None:
        raise RuntimeError("no such picture")

    result = measure_callable(broken, tiny_plan, clock=clock)
    assert {(one.status, one.message) for one in result.measurements} == {("failed", "no such picture")}


def test_nothing_to_draw_is_refused(tiny_plan):
    with pytest.raises(InputError, match="at least one picture"):
        measure(None, [], tiny_plan, read_prices())  # pyright: ignore[reportArgumentType]


def test_plans_grow_and_load_no_torch():
    assert list(PLANS) == ["quick", "standard", "full"]
    for smaller, larger in (("quick", "standard"), ("standard", "full")):
        for name in ("cold_runs", "warm_calls", "batches", "load_seconds", "energy_windows", "energy_window_s"):
            assert getattr(PLANS[smaller], name) <= getattr(PLANS[larger], name)
    with pytest.raises(InputError, match="choose one of quick"):
        plan_named("thorough")
    code = (
        "import sys, underpaint.stages.evaluate.efficiency.plan, underpaint.stages.evaluate.efficiency.prices; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
