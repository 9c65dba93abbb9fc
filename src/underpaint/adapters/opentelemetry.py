"""Spans for a collector of OpenTelemetry, over OTLP/HTTP: pieces of time that are told when they are over.

The library's global provider is left alone, so that nothing else in the process is traced with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from underpaint.adapters.require import require

EXTRA = "otel"
SERVICE = "underpaint"
TIMEOUT_S = 5.0
"""How long a collector may take to answer; nobody waits for it but a server that is stopped."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A piece of time.

    Args:
        name: What was done.
        began_at: When, in seconds since 1970.
        ended_at: The same.
        facts: About it; None is left out.
    """

    name: str
    began_at: float
    ended_at: float
    facts: Mapping[str, str | int | float | None] = field(default_factory=dict)


class Tracer:
    """Sends spans in the background.

    Args:
        address: Where the collector listens, as ``http://localhost:4318/v1/traces``; headers come from the
            environment (``OTEL_EXPORTER_OTLP_HEADERS``).
        exporter: What sends; None for OTLP/HTTP.

    Raises:
        MissingDependency: The library is not installed.
    """

    def __init__(self, address: str, exporter: Any = None) -> None:
        sdk = require("opentelemetry.sdk.trace", extra=EXTRA)
        resources = require("opentelemetry.sdk.resources", extra=EXTRA)
        sending = require("opentelemetry.sdk.trace.export", extra=EXTRA)
        otlp = require("opentelemetry.exporter.otlp.proto.http.trace_exporter", extra=EXTRA)
        self._api = require("opentelemetry.trace", extra=EXTRA)
        self._provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": SERVICE}))
        exporter = exporter or otlp.OTLPSpanExporter(endpoint=address, timeout=TIMEOUT_S)
        self._provider.add_span_processor(sending.BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(SERVICE)

    def tell(
        self, whole: Span, parts: Sequence[Span] = (), *, traceparent: str | None = None, failed: bool = False
    ) -> None:
        """Send what a request took, and its parts.

        Args:
            whole: The request.
            parts: What it waited for; they may overlap.
            traceparent: The caller's own span, as the header of that name says.
            failed: Whether it was the server's fault that it failed.
        """
        outer = self._begun(whole, self._context(traceparent), self._api.SpanKind.SERVER)
        inner = self._api.set_span_in_context(outer)
        for part in parts:
            self._begun(part, inner, self._api.SpanKind.INTERNAL).end(_ns(part.ended_at))
        if failed:
            outer.set_status(self._api.StatusCode.ERROR)
        outer.end(_ns(whole.ended_at))

    def _begun(self, span: Span, context: Any, kind: Any) -> Any:
        facts = {name: fact for name, fact in span.facts.items() if fact is not None}
        return self._tracer.start_span(
            span.name, context=context, kind=kind, attributes=facts, start_time=_ns(span.began_at)
        )

    def _context(self, traceparent: str | None) -> Any:
        context = require("opentelemetry.context", extra=EXTRA).Context()
        propagation = require("opentelemetry.trace.propagation.tracecontext", extra=EXTRA)
        carrier = {} if traceparent is None else {"traceparent": traceparent}
        return propagation.TraceContextTextMapPropagator().extract(carrier, context)

    def close(self) -> None:
        """Send what is left, and end."""
        self._provider.shutdown()


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
