"""Mistakes of one request, gathered so that all of them are told at once, with the field and code of the first."""

from __future__ import annotations

from underpaint.core.errors import FieldError, InputError
from underpaint.core.mistakes import Mistakes, SeveralErrors, errors_of, in_a_line


class _SeveralFields(SeveralErrors, FieldError):
    """Several fields of a request cannot be used; the field and the code are those of the first mistake."""

    def __init__(self, each: list[FieldError]) -> None:
        messages = [*map(str, each)]
        FieldError.__init__(self, in_a_line(messages, len(each)), param=each[0].param, code=each[0].code)
        self.each = list[InputError](each)


def messages_of(error: FieldError) -> list[str]:
    """Return each mistake that an error tells."""
    return [*map(str, errors_of(error))]


class FieldMistakes(Mistakes):
    """What was found wrong with fields so far; nothing is raised before ``tell``, and nothing told twice."""

    def __init__(self) -> None:
        super().__init__()
        self._fields: dict[tuple[str, str], FieldError] = {}

    def __len__(self) -> int:
        return len(self._fields)

    def add(self, error: InputError, source: str = "") -> None:
        """Take down a mistake, or each of several.

        Args:
            error: What is wrong; one that names its field keeps it.
            source: The field otherwise.
        """
        for one in errors_of(error):
            field = one if isinstance(one, FieldError) else FieldError(str(one), param=source)
            self._fields.setdefault((field.param, str(one)), field)

    def messages(self) -> list[str]:
        """Return what was found."""
        return [message for _, message in self._fields]

    def tell(self) -> None:
        """Raise what was found; nothing if all is well.

        Raises:
            FieldError: There is a mistake: the only one as it was raised, or all of them in one message.
        """
        each = [*self._fields.values()]
        if len(each) == 1:
            raise each[0]
        if each:
            raise _SeveralFields(each)
