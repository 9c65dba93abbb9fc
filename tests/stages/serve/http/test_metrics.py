"""The numbers are in Prometheus' form, as its own program says."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from underpaint.stages.serve.http.metrics import Metrics


def filled() -> str:
    """Return the numbers of a server to which everything has happened."""
    metrics = Metrics()
    metrics.notice("request", route="/v1/models", status=200, ms=3.0)
    metrics.notice("batch", model="tiny", size=2, seconds=0.1)
    metrics.notice("prompt", action="block", rule="nudity")
    metrics.notice("engine_lost", model="tiny")
    metrics.notice("model_loaded", model="tiny")
    metrics.set_waiting({"interactive": 1}, 2.5, {"batch": {"queued": 3, "running": 1, "held": 0, "waiting_s": 4.0}})
    return metrics.text().decode()


def test_what_happened_is_counted_under_its_name():
    lines = filled().splitlines()
    for line in (
        'underpaint_requests_total{route="/v1/models",status="200"} 1.0',
        'underpaint_pictures_total{model="tiny"} 2.0',
        'underpaint_model_loaded{model="tiny"} 1.0',
        'underpaint_waiting{job_class="interactive"} 1.0',
        "underpaint_backlog_seconds 2.5",
    ):
        assert line in lines


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (the package prometheus)")
def test_promtool_is_content():
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=filled(), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
