"""Numbers about the server for Prometheus, fed by the same notices as the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)
MEDIA_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The numbers of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests answered", "route", "status")
        self._seconds = self._histogram("request_seconds", "Time of requests", SECONDS, "route")
        self._pictures = self._counter("pictures", "Pictures drawn", "model")
        self._device = self._counter("device_seconds", "Time that the device drew", "model")
        self._batches = self._histogram("batch_size", "Pictures in a batch", (1, 2, 3, 4, 6, 8, 12, 16), "model")
        self._lost = self._counter("engines_lost", "Engine processes that ended by themselves", "model")
        self._loaded = self._gauge("model_loaded", "Whether a model is in memory", "model")
        self._waiting = self._gauge("waiting", "Pictures that wait", "job_class")
        self._backlog = self._gauge("backlog_seconds", "Device-seconds that wait")
        self._prompts = self._counter("prompts", "Prompts that a rule of the policy was about", "action", "rule")
        self._jobs = self._gauge("jobs", "Durable jobs", "job_class", "state")
        self._troubles = self._gauge("troubles", "What keeps the server from doing all that it should; 0 is well")

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"underpaint_{name}", help_, labels, registry=self.registry)

    def _gauge(self, name: str, help_: str, *labels: str) -> Gauge:
        return Gauge(f"underpaint_{name}", help_, labels, registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"underpaint_{name}", help_, labels, buckets=buckets, registry=self.registry)

    def notice(self, event: str, **facts: Any) -> None:
        """Count something that happened."""
        match event:
            case "request":
                self._requests.labels(facts["route"], str(facts["status"])).inc()
                self._seconds.labels(facts["route"]).observe(facts["ms"] / 1000)
            case "batch":
                self._pictures.labels(facts["model"]).inc(facts["size"])
                self._device.labels(facts["model"]).inc(facts["seconds"])
                self._batches.labels(facts["model"]).observe(facts["size"])
            case "prompt":
                self._prompts.labels(facts["action"], facts["rule"]).inc()
            case "engine_lost":
                self._lost.labels(facts["model"]).inc()
                self._loaded.labels(facts["model"]).set(0)
            case "model_loaded" | "model_unloaded":
                self._loaded.labels(facts["model"]).set(event == "model_loaded")

    def set_waiting(self, waiting: dict[str, int], backlog_s: float, jobs: dict[str, dict[str, float]]) -> None:
        """Note what waits at this moment.

        Args:
            waiting: Class to pictures that wait in memory.
            backlog_s: Device-seconds of them.
            jobs: Class to state to durable jobs.
        """
        self._waiting.clear()
        self._jobs.clear()
        self._backlog.set(backlog_s)
        for job_class, pictures in waiting.items():
            self._waiting.labels(job_class).set(pictures)
        for job_class, states in jobs.items():
            for state in ("queued", "running", "held"):
                self._jobs.labels(job_class, state).set(states[state])

    def set_troubles(self, reasons: Sequence[str]) -> None:
        """Note how much is wrong at this moment."""
        self._troubles.set(len(reasons))

    def text(self) -> bytes:
        """Return all of them as Prometheus reads them."""
        return generate_latest(self.registry)
