"""Mistakes of one command or one file, gathered so that all of them are told at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from underpaint.core.errors import FieldError, InputError

T = TypeVar("T")
SHOWN = 10
"""Most mistakes that are told; the rest is counted."""


def in_a_line(messages: Sequence[str], shown: int = SHOWN) -> str:
    """Return several mistakes in one line: their number, and each with its own, since they may hold semicolons.

    Args:
        messages: What is wrong, at least one; the only one is told as it is.
        shown: Most that are told; the rest is counted.
    """
    if len(messages) == 1:
        return messages[0]
    told = [f"({number}) {message}" for number, message in enumerate(messages[:shown], 1)]
    more = [f"and {len(messages) - shown:,} more"] if len(messages) > shown else []
    return f"{len(messages):,} mistakes: " + "; ".join([*told, *more])


class SeveralErrors(InputError):
    """Several things are wrong.

    Args:
        message: All of them.
        each: One error each.
    """

    def __init__(self, message: str, each: Sequence[InputError]) -> None:
        super().__init__(message)
        self.each = list(each)


def errors_of(error: InputError) -> list[InputError]:
    """Return each mistake that an error tells."""
    return error.each if isinstance(error, SeveralErrors) else [error]


class Mistakes:
    """What was found wrong so far, each once; nothing is raised before ``tell``.

    Args:
        shown: Most mistakes that are told.
    """

    def __init__(self, shown: int = SHOWN) -> None:
        self._errors: dict[tuple[str, str], InputError] = {}
        self._shown = shown

    def __len__(self) -> int:
        return len(self._errors)

    def messages(self) -> list[str]:
        """Return what was found."""
        return [*map(str, self._errors.values())]

    def add(self, error: InputError, source: str = "") -> None:
        """Take down a mistake, or each of several.

        Args:
            error: What is wrong.
            source: Where, for example file and row; empty if the message says it.
        """
        for one in errors_of(error):
            placed = self._placed(one, source)
            field = placed.param if isinstance(placed, FieldError) else ""
            self._errors.setdefault((field, str(placed)), placed)

    def take(self, read: Callable[..., T], *given: object, otherwise: T, source: str = "") -> T:
        """Return what a function reads, or something else if it refuses.

        Args:
            read: The function.
            given: Its arguments.
            otherwise: What to go on with, so that other mistakes are found too.
            source: As in ``add``.
        """
        try:
            return read(*given)
        except InputError as error:
            self.add(error, source)
            return otherwise

    def sort(self, place: Callable[[InputError], int | None]) -> None:
        """Put mistakes of one file into its order; the others stay where they are.

        Args:
            place: From a mistake to where it is in the file, or to None if it is elsewhere.
        """
        each = [(place(error), key, error) for key, error in self._errors.items()]
        ordered = iter(sorted((one for one in each if one[0] is not None), key=lambda one: one[0] or 0))
        self._errors = {key: error for _, key, error in (one if one[0] is None else next(ordered) for one in each)}

    def tell(self) -> None:
        """Raise what was found; nothing if all is well.

        Raises:
            InputError: There is a mistake: the only one as it was raised, or all of them in one.
        """
        each = [*self._errors.values()]
        if each:
            raise each[0] if len(each) == 1 else self._together(each)

    def _placed(self, error: InputError, source: str) -> InputError:
        """Return a mistake that says where it is."""
        return InputError(f"{source}: {error}") if source else error

    def _together(self, each: Sequence[InputError]) -> SeveralErrors:
        """Return several mistakes as one: their number, and one a line."""
        rest = len(each) - self._shown
        more = [f"and {rest:,} more"] if rest > 0 else []
        lines = [*map(str, each[: self._shown]), *more]
        return SeveralErrors(f"{len(each):,} mistakes:" + "".join(f"\n  {line}" for line in lines), each)
