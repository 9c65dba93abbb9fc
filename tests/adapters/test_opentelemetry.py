"""Laws of spans: parts belong to their whole, the whole to its caller, and nothing else in the process is traced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from underpaint.adapters.opentelemetry import Span, Tracer

pytest.importorskip("opentelemetry.sdk.trace", reason="the extra otel is not installed")

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def sent() -> Any:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    return InMemorySpanExporter()


@pytest.fixture
def tracer(sent: Any) -> Iterator[Tracer]:
    made = Tracer("http://127.0.0.1:1/v1/traces", sent)
    yield made
    made.close()


def told(tracer: Tracer, sent: Any, **how: Any) -> tuple[Any, Any]:
    whole = Span(name="GET /x", began_at=10.0, ended_at=13.0, facts={"a": 1, "b": None})
    tracer.tell(whole, [Span(name="wait", began_at=11.0, ended_at=12.5)], **how)
    tracer._provider.force_flush()
    wait, request = sent.get_finished_spans()
    return request, wait


def test_a_part_belongs_to_its_whole_and_both_have_their_own_times(tracer, sent):
    request, wait = told(tracer, sent)
    assert (request.name, request.start_time, request.end_time) == ("GET /x", 10_000_000_000, 13_000_000_000)
    assert (wait.name, wait.start_time, wait.end_time) == ("wait", 11_000_000_000, 12_500_000_000)
    assert dict(request.attributes) == {"a": 1} and request.parent is None
    assert wait.parent.span_id == request.context.span_id
    assert request.resource.attributes["service.name"] == "underpaint"
    assert request.status.is_unset


def test_a_request_belongs_to_the_span_of_its_caller_if_it_names_one(tracer, sent):
    request, wait = told(tracer, sent, traceparent=CALLER, failed=True)
    assert f"{request.context.trace_id:032x}" == f"{wait.context.trace_id:032x}" == CALLER.split("-")[1]
    assert f"{request.parent.span_id:016x}" == CALLER.split("-")[2]
    assert not request.status.is_ok


@pytest.mark.parametrize("header", ["", "nonsense", CALLER.upper() + "x", "é"])
def test_a_header_that_names_no_span_is_passed_over(tracer, sent, header):
    assert told(tracer, sent, traceparent=header)[0].parent is None


def test_nothing_else_in_the_process_is_traced(tracer, sent):
    from opentelemetry import trace

    trace.get_tracer("other").start_span("other").end()
    assert [span.name for span in told(tracer, sent)] == ["GET /x", "wait"]
