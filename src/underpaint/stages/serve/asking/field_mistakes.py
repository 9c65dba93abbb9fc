"""Mistakes of one request, gathered so that all of them are told at once, with the field and code of the first."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.core.errors import FieldError, InputError
from underpaint.core.mistakes import Mistakes, SeveralErrors, errors_of, in_a_line


class _SeveralFields(SeveralErrors, FieldError):
    """Several fields of a request cannot be used; the field and the code are those of the first mistake."""

    def __init__(self, each: Sequence[InputError]) -> None:
        first, messages = each[0], [*map(str, each)]
        assert isinstance(first, FieldError)
        FieldError.__init__(self, in_a_line(messages, len(each)), param=first.param, code=first.code)
        self.each = [*each]


def messages_of(error: FieldError) -> list[str]:
    """Return each mistake that an error tells."""
    return [*map(str, errors_of(error))]


class FieldMistakes(Mistakes):
    """What was found wrong with fields so far: where a mistake is, is its field, and all are told in one line."""

    def _placed(self, error: InputError, source: str) -> FieldError:
        return error if isinstance(error, FieldError) else FieldError(str(error), param=source)

    def _together(self, each: Sequence[InputError]) -> SeveralErrors:
        return _SeveralFields(each)
