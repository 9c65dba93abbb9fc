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
    metrics.set_troubles(["jobs: the disk is full"])
    return metrics.text().decode()


def test_what_happened_is_counted_under_its_name():
    lines = filled().splitlines()
    for line in (
        'underpaint_requests_total{route="/v1/models",status="200"} 1.0',
        'underpaint_pictures_total{model="tiny"} 2.0',
        'underpaint_model_loaded{model="tiny"} 1.0',
        'underpaint_waiting{job_class="interactive"} 1.0',
        "underpaint_backlog_seconds 2.5",
        "underpaint_troubles 1.0",
    ):
        assert line in lines


needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (runs/system-packages.sh)"
)


def said_by_promtool(numbers: str) -> tuple[int, str]:
    """Return what Prometheus' own program has to say about numbers."""
    command = ["promtool", "check", "metrics"]
    checked = subprocess.run(command, input=numbers, capture_output=True, text=True, check=False)
    return checked.returncode, checked.stdout + checked.stderr


@needs_promtool
def test_promtool_is_content():
    assert said_by_promtool(filled()) == (0, "")


@needs_promtool
def test_promtool_is_content_with_a_server_that_has_drawn_and_refused(client):
    assert client.post("/v1/images/generations", json={"prompt": "a cat"}).status_code == 200
    assert client.post("/v1/images/generations", json={"prompt": "a swastika"}).status_code == 400
    assert client.post("/api/v1/jobs", json={"request": {"prompt": "a cat"}}).status_code == 202
    scraped = client.get("/metrics").text
    for name in ("underpaint_pictures_total", "underpaint_prompts_total", "underpaint_troubles"):
        assert f"\n{name}" in scraped
    assert said_by_promtool(scraped) == (0, "")
