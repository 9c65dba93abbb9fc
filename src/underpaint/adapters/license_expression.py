"""SPDX license expressions by license-expression."""

from __future__ import annotations

import functools
from typing import Any

from underpaint.adapters.require import require

Expression = str | tuple[str, tuple["Expression", ...]]
"""A license key, or ``("and" | "or", parts)``."""


@functools.cache
def _licensing() -> Any:
    return require("license_expression", extra="data").get_spdx_licensing()


def parse(expression: str) -> Expression:
    """Parse an SPDX expression.

    Args:
        expression: For example ``MIT OR (Apache-2.0 AND Unicode-3.0)``.

    Returns:
        A key such as ``MIT`` (exceptions included: ``GPL-2.0-only WITH Classpath-exception-2.0``), or a nested pair.

    Raises:
        ValueError: It is empty, malformed, or names a key that SPDX does not know.
    """
    module = require("license_expression", extra="data")
    try:
        parsed = _licensing().parse(expression, validate=True, strict=True)
    except module.ExpressionError as error:
        raise ValueError(str(error)) from None
    if parsed is None:
        raise ValueError("the expression is empty")
    return _nested(parsed)


def _nested(node: Any) -> Expression:
    operator = {"AND": "and", "OR": "or"}.get(type(node).__name__)
    if operator is None:
        return str(node)
    return operator, tuple(_nested(part) for part in node.args)


def join(expressions: list[str]) -> str:
    """Return the simplified conjunction of SPDX expressions, for example ``Apache-2.0 AND MIT``."""
    parsed = _licensing().parse(" AND ".join(f"({expression})" for expression in sorted(set(expressions))))
    return str(parsed.simplify())
