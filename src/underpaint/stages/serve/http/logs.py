"""Lines in the log: what happened and facts about it, for people or as JSON; never a prompt and never a key."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection
from functools import lru_cache
from typing import Any, Literal

from underpaint.stages.serve.security.redaction import RedactingFormatter

LOGGER = logging.getLogger("underpaint.serve")
SERIOUS = {"engine_lost", "model_unavailable", "defect", "keys_unread", "trouble", "unstored"}
"""What an operator should look at."""


def log(event: str, **facts: Any) -> None:
    """Write a line; who wrote it is not looked for, which would cost more than the line.

    Args:
        event: What happened, in one word.
        facts: About it; None is left out.
    """
    level = logging.WARNING if event in SERIOUS else logging.INFO
    if LOGGER.isEnabledFor(level):
        told = {"facts": {name: fact for name, fact in facts.items() if fact is not None}}
        LOGGER.handle(LOGGER.makeRecord(LOGGER.name, level, "", 0, event, (), None, extra=told))


def log_defect(error: BaseException, request_id: str | None) -> None:
    """Write down what nobody expected.

    Args:
        error: It, with its traceback.
        request_id: Name of the request that met it.
    """
    LOGGER.error("defect", exc_info=error, extra={"facts": {"request_id": request_id}})


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line."""
        facts = getattr(record, "facts", {})
        line = {"at": _time(record), "level": record.levelname.lower(), "event": record.getMessage(), **facts}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextLines(logging.Formatter):
    """One line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, with a traceback below it where there is one."""
        facts = " ".join(f"{name}={fact}" for name, fact in getattr(record, "facts", {}).items())
        line = f"{_time(record)} {record.getMessage()} {facts}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _time(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03d}Z"


@lru_cache(maxsize=2)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def set_up_log(form: Literal["text", "json"], *, quiet: bool = False, secrets: Collection[str] = ()) -> None:
    """Write the server's log to stderr.

    Args:
        form: Lines for people, or JSON.
        quiet: Only what an operator should look at.
        secrets: Of this server, left out wherever they stand.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(JsonLines() if form == "json" else TextLines(), secrets))
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(logging.WARNING if quiet else logging.INFO)
    LOGGER.propagate = False
    logging.getLogger("uvicorn").handlers[:] = [handler]
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
