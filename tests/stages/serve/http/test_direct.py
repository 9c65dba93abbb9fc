"""The short way to the endpoint that is called most answers as the framework's way does."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from underpaint.core.errors import DiskFull
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.http import direct
from underpaint.stages.serve.http.app import Application
from underpaint.stages.serve.http.direct import Direct
from underpaint.stages.serve.http.generations import PATH
from underpaint.stages.serve.http.logs import LOGGER

KEY = "a-key-of-thirty-two-characters-00"
JSON = {"content-type": "application/json"}
HELD = {**JSON, "authorization": f"Bearer {KEY}"}
ANSWERED: list[tuple[dict[str, str], bytes]] = [
    (JSON, b'{"prompt": "a cat"}'),
    (JSON | {"authorization": "Bearer other"}, b'{"prompt": "a cat"}'),
    (HELD, b""),
    (HELD, b"{"),
    (HELD, b'"x"'),
    (HELD, b"[]"),
    (HELD, b"null"),
    (HELD, b"{}"),
    (HELD, b'{"prompt": 3}'),
    (HELD, b'{"prompt": "a cat", "n": 11, "body": 1, "qualty": "high"}'),
    (HELD, b'{"prompt": "a cat", "n": "2", "guidance": NaN}'),
    (HELD, b'{"prompt": "a cat", "stream": true, "n": 2}'),
    (HELD, b'{"prompt": "a cat", "style": "none such"}'),
    (HELD, b'{"prompt": "a naked child"}'),
    (HELD | {"content-type": "text/plain"}, b"x"),
    (HELD | {"content-type": "application/merge-patch+json; charset=utf-8"}, b'{"prompt": "a cat", "n": 0}'),
    ({name: HELD[name] for name in ("authorization",)}, b'{"prompt": "a cat"}'),
]


async def asked(app: ASGIApp, headers: dict[str, str], body: bytes, *, cut: bool = False) -> tuple[int, Any]:
    """Return status and body of an answer."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": cut}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": raw, "query_string": b"", "root_path": ""}
    await app(scope | {"state": {}, "asgi": {"version": "3.0"}, "http_version": "1.1"}, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Answers of the short way and of the framework's, and those to requests that only the short way takes down."""
    config = ServeConfig(state=tmp_path_factory.mktemp("state"), api_key=KEY)

    async def all_answers() -> tuple[list[Any], list[Any], list[Any]]:
        application = Application(config)
        framework = application.framework
        await application.backend.start()
        short = Direct(framework)
        try:
            by_short, by_framework = [[await asked(app, *one) for one in ANSWERED] for app in (short, framework)]
            odd = [
                await asked(short, HELD, b"\xff"),
                await asked(short, HELD, b'{"prompt":' + b"[" * 100_000),
                await asked(short, HELD, b'{"prompt"', cut=True),
                await asked(short, HELD | {"idempotency-key": "a b"}, b'{"prompt": "a cat"}'),
            ]
            application.backend.drain()
            odd += [await asked(app, HELD, b'{"prompt": "a cat"}') for app in (short, framework)]
        finally:
            await application.backend.stop()
        return by_short, by_framework, odd

    return asyncio.run(all_answers())


def test_what_is_wrong_is_told_in_the_same_words(both):
    short, framework, _ = both
    assert short == framework
    assert {status for status, _ in short} == {400, 401, 415}


def test_who_has_no_key_is_told_so_whatever_the_body_is(both):
    assert [status for status, _ in both[0][:2]] == [401, 401]


def test_a_body_that_cannot_be_read_is_a_400_that_says_why(both):
    reasons = [body["error"]["message"] for status, body in both[2][:3] if status == 400]
    assert "no UTF-8" in reasons[0] and "nested too deeply" in reasons[1] and "cut off" in reasons[2]


@pytest.mark.parametrize(
    ("error", "event", "code"),
    [
        (DiskFull("/data is full"), "unstored", "storage_full"),
        (OSError(errno.ENOSPC, "No space left on device"), "unstored", "storage_full"),
        (OSError(errno.EMFILE, "Too many open files"), "defect", "internal"),
        (KeyError("x"), "defect", "internal"),
    ],
)
def test_what_the_disk_is_the_reason_for_is_written_down_as_that(monkeypatch, error, event, code):
    async def failing(_request: object) -> None:
        raise error

    async def no_app(*_: object) -> None: ...

    written: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: written.append(record.getMessage())
    monkeypatch.setattr(direct, "_generated", failing)
    with monkeypatch.context() as patch:
        # Whatever a server of another test has made of the log.
        for name, value in {"handlers": [handler], "propagate": False, "disabled": False}.items():
            patch.setattr(LOGGER, name, value)
        patch.setattr(LOGGER, "level", logging.INFO)
        LOGGER.manager._clear_cache()  # pyright: ignore[reportAttributeAccessIssue]
        _, body = asyncio.run(asked(Direct(no_app), JSON, b"{}"))  # pyright: ignore[reportArgumentType]
    assert body["error"]["code"] == code
    assert written == [event]


def test_a_key_with_spaces_is_named(both):
    status, body = both[2][3]
    assert (status, body["error"]["param"]) == (400, "Idempotency-Key")


def test_a_server_that_is_stopped_says_so(both):
    assert both[2][4] == both[2][5] and both[2][4][0] == 503
