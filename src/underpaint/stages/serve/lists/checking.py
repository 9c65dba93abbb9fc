"""Checking a list as a whole: every row becomes a complete request, or a mistake with the number of its line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from underpaint.core.errors import FieldError
from underpaint.pipelines.limits import LIMITS, Limits
from underpaint.stages.serve.asking.body_mistakes import body_mistakes
from underpaint.stages.serve.asking.edit_request import from_form
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
from underpaint.stages.serve.asking.reading import Reading
from underpaint.stages.serve.asking.request import MAX_PICTURES, GenerationRequest
from underpaint.stages.serve.batches.input_file import LIST, Line, LineRequest, Mistake
from underpaint.stages.serve.engine.catalog import Served
from underpaint.stages.serve.lists.reading import Row, read_rows
from underpaint.stages.serve.service import Service

IN_MESSAGE = 20
"""Mistakes that the message of a refusal tells."""
MOST_HINTS = 100
"""Lines of which it is told how they are read."""


NUMBERS = {
    **{name: LIMITS[name] for name in ("seed", "steps", "guidance", "temperature")},
    "n": Limits(1, MAX_PICTURES, whole=True),
}
"""Columns of numbers, and where these must lie."""
MORE = "; write the line several times for more"
LINE = "line "
"""What the number of a line stands behind."""
LineCommon = dict[str, object]
"""Fields of a request that hold for rows that say nothing else."""


def unseen(_rows: int) -> None:
    """Let nobody know how far it is."""


@dataclass(frozen=True, kw_only=True)
class CheckedList:
    """A list that was looked through.

    Args:
        lines: Its good rows, in their order; each is called by the number of its line.
        mistakes: What is wrong with the others.
        num_rows: Rows in all.
        num_pictures: Pictures that the good rows mean.
        cost_s: Device-seconds that they will probably take.
        hints: How the first good rows are read of which there is something to say, with the numbers of their lines.
    """

    lines: list[Line]
    mistakes: list[Mistake]
    num_rows: int
    num_pictures: int
    cost_s: float
    hints: list[tuple[int, Reading]] = field(default_factory=list[tuple[int, Reading]])

    def refuse(self) -> None:
        """Refuse a list that has mistakes, or nothing in it.

        Raises:
            FieldError: It has; the message tells the first of them with their lines.
        """
        if not self.num_rows and not self.mistakes:
            raise FieldError("the list is empty; write a prompt a line", param="text")
        if self.mistakes:
            told = [f"line {one.line}: {one.message}" for one in self.mistakes[:IN_MESSAGE]]
            rest = len(self.mistakes) - IN_MESSAGE
            more = [f"and {rest:,} more"] if rest > 0 else []
            head = f"{len(self.mistakes):,} mistakes: " if len(self.mistakes) > 1 else ""
            raise FieldError(head + "; ".join([*told, *more]), param="text")


def checked(
    text: str, common: LineCommon, service: Service, owner: str, tell: Callable[[int], None] = unseen
) -> CheckedList:
    """Look through a list.

    Args:
        text: As ``read_rows`` takes it.
        common: What holds for rows that say nothing else.
        service: What knows the models and decides about prompts.
        owner: Whose list it is.
        tell: Told after each row how many there were; what it raises ends the work.

    Raises:
        FieldError: It has too many rows.
    """
    lines: list[Line] = []
    mistakes: list[Mistake] = []
    hints: list[tuple[int, Reading]] = []
    num_rows, cost_s = 0, 0.0
    for found in read_rows(text):
        num_rows += isinstance(found, Row)
        made = found if isinstance(found, Mistake) else _line(found, common, service, owner)
        if isinstance(made, Mistake):
            mistakes.append(made)
        else:
            line, served = made
            lines.append(line)
            cost_s += service.dispatcher.cost_s(served.name) * (line.body.n or 1)
            if len(hints) < MOST_HINTS:
                (reading,) = service.readers.read(served.model, [line.body.prompt])
                hints += [(int(line.custom_id.removeprefix(LINE)), reading)] if reading else []
        tell(num_rows)
    return CheckedList(
        lines=lines,
        mistakes=mistakes,
        num_rows=num_rows,
        num_pictures=sum(line.body.n or 1 for line in lines),
        cost_s=cost_s,
        hints=hints,
    )


def _line(row: Row, common: LineCommon, service: Service, owner: str) -> tuple[Line, Served] | Mistake:
    """Return a row as a complete request with the model that draws it, or what is wrong with it."""
    found = FieldMistakes()
    values = _within_limits({**common, **from_form(row.cells)}, found)
    try:
        body = LineRequest.model_validate(values)
        request = GenerationRequest(**body.model_dump(exclude_unset=True))
        wish = found.take(service.wish, request, owner, otherwise=None)
        found.tell()
        assert wish is not None
    except ValidationError as error:
        others = [*found.messages(), *service.rest_mistakes(values, error.errors())]
        wrong = body_mistakes(error.errors(), LineRequest, others)
        return Mistake(line=row.line, code=wrong.code, message=wrong.message, param=wrong.param)
    except FieldError as error:
        return Mistake(line=row.line, code=error.code, message=str(error), param=error.param)
    return Line(custom_id=f"{LINE}{row.line}", method="POST", url=LIST, body=body), wish.served


def _within_limits(values: LineCommon, found: FieldMistakes) -> LineCommon:
    """Return the fields of a row without the numbers that lie outside their limits, which are taken down."""
    kept = LineCommon()
    for name, value in values.items():
        limits = NUMBERS.get(name)
        if limits is None or (isinstance(value, int | float) and limits.hold(value)):
            kept[name] = value
        else:
            more = MORE if name == "n" and isinstance(value, int) and value > limits.high else ""
            found.add(FieldError(f"{name} must {limits}, got {value!r:.40}{more}", param=name))
    return kept
