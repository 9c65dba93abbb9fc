"""What a request was busy with, as spans: the whole of it, and of each picture the wait and the drawing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import Request

from underpaint.adapters.opentelemetry import Span, Tracer
from underpaint.stages.serve.dispatch.ticket import Ticket

TICKETS = "tickets"
"""Under this name the state of a request holds what it waits for."""


def remember(request: Request, tickets: Sequence[Ticket]) -> None:
    """Note what a request waits for."""
    request.scope.setdefault("state", {})[TICKETS] = tickets


def trace(tracer: Tracer, facts: Mapping[str, Any], state: Mapping[str, Any], traceparent: str | None) -> None:
    """Tell of a request that was answered just now.

    Args:
        tracer: Whom.
        facts: About the request, as they are logged; never a prompt or a key.
        state: That of the request.
        traceparent: The caller's own span, as the header of that name says.
    """
    now = time.time()
    whole = Span(
        name=f"{facts['method']} {facts['route']}",
        began_at=now - facts["ms"] / 1000,
        ended_at=now,
        facts={
            "http.request.method": facts["method"],
            "http.route": facts["route"],
            "http.response.status_code": facts["status"],
            "underpaint.request_id": facts["request_id"],
            "underpaint.key": facts["key"],
        },
    )
    parts = [span for ticket in state.get(TICKETS, ()) for span in spans_of(ticket)]
    tracer.tell(whole, parts, traceparent=traceparent, failed=facts["status"] >= 500)


def spans_of(ticket: Ticket) -> Iterator[Span]:
    """Yield the wait of a picture, and its drawing, as far as they are over."""
    settings = ticket.asked.order.settings
    facts = {"underpaint.model": ticket.asked.model, "underpaint.seed": settings.seed, "underpaint.tries": ticket.tries}
    until = ticket.started_at or ticket.finished_at
    if until is not None:
        yield Span(name="wait", began_at=ticket.created_at, ended_at=until, facts=facts)
    if ticket.started_at is not None and ticket.finished_at is not None:
        yield Span(name="draw", began_at=ticket.started_at, ended_at=ticket.finished_at, facts=facts)
