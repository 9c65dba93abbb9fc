"""A server tells a collector of its requests, and only if it is told of one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.serve.sources import read_config

pytest.importorskip("opentelemetry.sdk.trace", reason="the extra otel is not installed")

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector(BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    bodies: list[bytes] = []

    def do_POST(self) -> None:
        Collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[str]:
    Collector.bodies.clear()
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces"
        server.shutdown()
        thread.join()


def spans() -> list[Any]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found: list[Any] = []
    for body in Collector.bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                found += scope.spans
    return found


@pytest.mark.slow
def test_a_request_its_wait_and_its_drawing_are_told_and_what_was_asked_for_is_not(start_server, tmp_path, collector):
    server = start_server(tmp_path, UNDERPAINT_SERVE_TRACES=collector).wait_until_ready()
    with server.client() as client:
        body = {"prompt": "a secret heart", "n": 2, "seed": 5}
        answer = client.post("/v1/images/generations", json=body, headers={"traceparent": CALLER})
        assert client.post("/v1/images/generations", json={}).status_code == 400
    assert server.end() == 0
    found = spans()
    whole = next(span for span in found if span.trace_id.hex() == CALLER.split("-")[1] and span.name.startswith("POST"))
    assert (whole.name, whole.parent_span_id.hex()) == ("POST /v1/images/generations", CALLER.split("-")[2])
    facts = {fact.key: fact.value for fact in whole.attributes}
    assert facts["underpaint.request_id"].string_value == answer.headers["x-request-id"]
    assert facts["http.response.status_code"].int_value == 200
    parts = [span for span in found if span.parent_span_id == whole.span_id]
    assert sorted(span.name for span in parts) == ["draw", "draw", "wait", "wait"]
    for part in parts:
        assert whole.start_time_unix_nano <= part.start_time_unix_nano <= part.end_time_unix_nano
        assert part.end_time_unix_nano <= whole.end_time_unix_nano
    assert len([span for span in found if span.name == whole.name]) == 2
    assert not any(b"secret" in body for body in Collector.bodies)


def test_an_address_that_is_none_or_holds_a_password_is_refused():
    for address in ("collector:4318", "http://ann:secret@collector/v1/traces", "http://"):
        with pytest.raises(InputError) as error:
            read_config({"traces": address}, {})
        assert "traces" in str(error.value) and "secret" not in str(error.value)
    assert read_config({}, {})[0].traces is None
