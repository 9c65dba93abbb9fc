"""What surrounds every request: a name for it, whether it may come from there, how long it may be, a line in the log.

A server without keys on the loopback trusts this machine. A web page that somebody looks at runs on this machine too,
so names and origins that are not this server's own are refused.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from underpaint.stages.serve.http.errors import ApiError, api_error, respond

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
"""Headers of every answer that does not set its own."""
RAW_SECURITY = {name.encode(): (name.encode(), value.encode()) for name, value in SECURITY.items()}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SCHEMES = ("http", "https")
"""How a page of this server was called; by ``https`` where something before it speaks TLS."""
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:]+)(:[0-9]+)?")


Trace = Callable[[Mapping[str, Any], Mapping[str, Any], str | None], None]
"""Told facts about a request, its state, and its header ``traceparent``."""


def untraced(_facts: Mapping[str, Any], _state: Mapping[str, Any], _traceparent: str | None) -> None:
    """Trace nothing."""


def host_name(host: str) -> str | None:
    """Return the name in a ``Host`` header, or None if it is none."""
    match = HOST.fullmatch(host.strip().lower())
    return match[1] if match else None


class _Answer:
    """Where an answer is sent; it adds its headers and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self.request_id = send, request_id
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            add_headers(message, self.request_id)
        await self._send(message)


def _facts(scope: Scope, answer: _Answer) -> dict[str, Any]:
    route = getattr(scope.get("route"), "path", None)
    return {
        "request_id": answer.request_id,
        "method": scope["method"],
        "route": route or "(none)",
        "status": 500 if answer.status is None else answer.status,
        "key": scope["state"].get("key_id"),
    }


class Guard:
    """An application around another.

    Args:
        app: What answers.
        hosts: Names under which it may be called; empty for any.
        max_body: From method and path to the most bytes of a body.
        log: Told of every request that was answered.
        trace: Told the same facts, and with them the state of the request and its header ``traceparent``.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str],
        max_body: Callable[[str], int],
        log: Callable[..., None],
        trace: Trace = untraced,
    ) -> None:
        self._app, self._hosts, self._max_body, self._log, self._trace = app, hosts, max_body, log, trace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, request_id = time.perf_counter(), f"req_{secrets.token_hex(12)}"
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id)
        try:
            await self._answered(scope, receive, answer)
        except Exception as error:
            if answer.status is None:
                await respond(api_error(error))(scope, receive, answer)
        finally:
            facts = {**_facts(scope, answer), "ms": round(1000 * (time.perf_counter() - began), 1)}
            self._log("request", **facts)
            self._trace(facts, scope["state"], Headers(scope=scope).get("traceparent"))

    async def _answered(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is not None:
            await respond(refusal)(scope, receive, answer)
        else:
            await self._app(scope, limited(receive, self._max_body(scope["path"])), answer)

    def _refusal(self, scope: Scope, headers: Headers) -> ApiError | None:
        if self._hosts:
            host, origin = headers.get("host", ""), headers.get("origin")
            if host_name(host) not in self._hosts:
                return ApiError(403, "foreign_host", f"this server is not called {host!r:.80}; see --allow-host")
            if origin is not None and origin.lower() not in {f"{scheme}://{host.lower()}" for scheme in SCHEMES}:
                return ApiError(403, "foreign_origin", f"pages of {origin!r:.80} may not use this server")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_body(scope["path"]):
            return too_large(self._max_body(scope["path"]))
        return None


def add_headers(message: Message, request_id: str) -> None:
    """Add the request's name and the security headers to the beginning of an answer."""
    headers = message.setdefault("headers", [])
    own = {name for name, _ in headers}
    headers.append((b"x-request-id", request_id.encode()))
    headers.extend(pair for name, pair in RAW_SECURITY.items() if name not in own)


def too_large(limit: int) -> ApiError:
    """Return the answer to a body that is too large."""
    return ApiError(413, "body_too_large", f"the body has more than the {limit:,} bytes allowed; send less")


def limited(receive: Receive, limit: int) -> Receive:
    """Return a source of a body that raises when it becomes too large, whatever its header says."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise too_large(limit)
        return message

    return counted
