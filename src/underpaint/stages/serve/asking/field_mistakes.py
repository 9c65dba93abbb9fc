"""Mistakes of one request, gathered so that all of them are told at once, with the field and code of the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from underpaint.core.errors import FieldError, InputError
from underpaint.core.mistakes import in_a_line

T = TypeVar("T")


class _SeveralErrors(FieldError):
    """Several fields of a request cannot be used; the field and the code are those of the first mistake."""

    def __init__(self, message: str, each: list[str], *, param: str, code: str) -> None:
        super().__init__(message, param=param, code=code)
        self.each = each


def messages_of(error: FieldError) -> list[str]:
    """Return each mistake that an error tells."""
    return error.each if isinstance(error, _SeveralErrors) else [str(error)]


class FieldMistakes:
    """What was found wrong with fields so far; nothing is raised before ``tell``."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    def add(self, errors: Iterator[FieldError]) -> None:
        """Take mistakes down."""
        self._errors += errors

    def take(self, param: str, read: Callable[[], T], otherwise: T) -> T:
        """Return what a function reads, or something else if it refuses.

        Args:
            param: The field that it reads; an error that names another one keeps it.
            read: The function.
            otherwise: What to go on with, so that other mistakes are found too.
        """
        try:
            return read()
        except FieldError as error:
            self._errors.append(error)
        except InputError as error:
            self._errors.append(FieldError(str(error), param=param))
        return otherwise

    def tell(self) -> None:
        """Raise what was found; nothing if all is well.

        Raises:
            FieldError: There is a mistake: the only one as it was raised, or all of them in one message.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            first, each = self._errors[0], [*map(str, self._errors)]
            raise _SeveralErrors(in_a_line(each, len(each)), each, param=first.param, code=first.code)
