"""What never stands in a log: keys, signatures and passwords, in whatever text they come.

The line is cleaned after it is whole, so that nothing gets around it: not the arguments of a message, not a traceback.
Each pattern is a fixed beginning and one run of characters, so that a line takes time in proportion to its length.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection

HIDDEN = "***"
LONGEST = 64 * 2**10
"""Longest line that is looked through; the rest of a longer one is left out."""
LEAST_SECRET = 8
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bup_([0-9a-f]{12})_[A-Za-z0-9_-]{8,}"), rf"up_\1_{HIDDEN}"),
    (re.compile(r"\b(bearer|basic) +[A-Za-z0-9._~+/=-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\b(sk|rk|ghp|hf)[-_][A-Za-z0-9_-]{16,}"), rf"\1-{HIDDEN}"),
    (re.compile(r"://[^/\s\"'@]*@"), f"://{HIDDEN}@"),
    (
        re.compile(
            r"\b((?:x-)?api[_-]?key|password|passwd|secret|token|signature|cookie|set-cookie)"
            r"(\\?[\"']?[:=] ?\\?[\"']?)[^\s\"'&,;}\\)\]]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*"), f"-----PRIVATE KEY {HIDDEN}-----"),
)

PARTS = ("up_", "bearer", "basic", "sk-", "sk_", "rk-", "rk_", "ghp", "hf-", "hf_", "://", "api", "passw", "secret")
PARTS += ("token", "signature", "cookie", "-----begin")
"""Parts, in small letters, one of which stands in whatever fits a pattern; where there is none, no pattern is tried."""


def redacted(text: str, known: Collection[str] = ()) -> str:
    """Return a text without secrets.

    Args:
        text: Any text.
        known: Secrets of this server, of eight characters at least, wherever they stand.
    """
    kept = text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text):,} characters)"
    for secret in known:
        if len(secret) >= LEAST_SECRET:
            kept = kept.replace(secret, HIDDEN)
    if kept.isascii() and not any(map(kept.lower().__contains__, PARTS)):
        return kept
    for pattern, replacement in PATTERNS:
        kept = pattern.sub(replacement, kept)
    return kept


class RedactingFormatter(logging.Formatter):
    """Writes lines as another formatter does, without secrets.

    Args:
        inner: What writes them.
        known: Secrets of this server.
    """

    def __init__(self, inner: logging.Formatter, known: Collection[str] = ()) -> None:
        super().__init__()
        self._inner, self._known = inner, tuple(known)

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, its traceback included."""
        return redacted(self._inner.format(record), self._known)
