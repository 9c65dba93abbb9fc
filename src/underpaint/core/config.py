"""Configuration: frozen, unknown keys rejected, and one digest for equal settings."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from underpaint.core.errors import InputError


def canonical_json(value: Any) -> str:
    """Serialize to JSON in one canonical form: sorted keys, no spaces, no NaN, UTF-8 kept.

    Args:
        value: Anything made of dicts, lists, strings, finite numbers, booleans and None.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, as 64 hexadecimal characters."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def problems_of(error: ValidationError) -> str:
    """Return all problems of a failed validation on one line: where, what, and the value got.

    What is wrong with several settings together names them itself, and the whole is not shown.
    """
    return "; ".join(map(_on_one_line, error.errors()))


def _on_one_line(problem: Mapping[str, Any]) -> str:
    words = in_words(problem["type"], problem["msg"])
    if problem["type"] == "value_error" and not problem["loc"]:
        return words
    got = "" if problem["type"] == "missing" else f" (got {shown(problem['input'])})"
    return f"{'.'.join(map(str, problem['loc'])) or 'settings'}: {words}{got}"


def shown(value: object, most: int = 80) -> str:
    """Return a value as messages show it; a long one is cut, and three dots say so.

    Args:
        value: What was got.
        most: Most characters that are shown, the dots among them.
    """
    return cut(repr(value), most)


def cut(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters; of a longer one the beginning, and three dots."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def in_words(kind: str, message: str) -> str:
    """Return pydantic's message as the rest of a sentence that begins with the setting's name."""
    words = {"missing": "is missing", "extra_forbidden": "is unknown"}
    return words.get(kind) or re.sub(r"^\w+ should ", "must ", message.removeprefix("Value error, "))


def parse_json(text: str) -> Any:
    """Parse JSON from outside strictly: no key may stand twice, and NaN and Infinity are no numbers.

    Raises:
        ValueError: The text is not such JSON; the message says why.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands twice")
    return values


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def is_none(value: object) -> bool:
    """Tell whether a setting that came later is not used: so left out, older settings keep their digests."""
    return value is None


def is_zero(value: float) -> bool:
    """Tell the same of a number."""
    return value == 0


def is_default(default: object) -> Callable[[object], bool]:
    """Return what tells the same of any other value: whether it is the default."""
    return lambda value: value == default


class Config(BaseModel):
    """Base of every configuration in underpaint."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def digest(self) -> str:
        """Return the SHA-256 of the settings; equal settings have equal digests on every machine."""
        return digest_of(self.model_dump(mode="json"))

    @classmethod
    def parse(cls, values: dict[str, Any], *, source: str) -> Self:
        """Validate a dict that came from outside.

        Args:
            values: The settings as read from JSON.
            source: Where they came from; named in the error.

        Raises:
            InputError: A key is unknown or missing, or a value is out of range; the message lists all of them.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InputError(f"{source}: invalid settings: {problems_of(error)}") from None
