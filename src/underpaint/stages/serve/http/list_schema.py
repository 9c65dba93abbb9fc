"""A list of what to draw as callers see it: what they hand in, how it was read, and how far it is."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from underpaint.core.config import Config
from underpaint.stages.serve.asking.request import MAX_PICTURES, Background
from underpaint.stages.serve.batches.records import BatchRecord, Outcome, Status
from underpaint.stages.serve.engine.orders import Format
from underpaint.stages.serve.http.batches import Counts
from underpaint.stages.serve.http.job_schema import JobView
from underpaint.stages.serve.http.prompts import ReadingView
from underpaint.stages.serve.lists.checking import CheckedList
from underpaint.stages.serve.lists.handing_in import facts_of
from underpaint.stages.serve.lists.reading import MAX_ROWS

LIST_BYTES = 8 * 2**20
"""Most bytes of a body with a list."""
SHOWN_MISTAKES = 1000
SHOWN_ROWS = 20


class Common(Config):
    """What holds for rows that say nothing else; as in a request for pictures."""

    model_config = ConfigDict(strict=True)

    style: str | None = Field(default=None, max_length=100)
    n: int | None = Field(default=None, ge=1, le=MAX_PICTURES)
    seed: int | None = Field(default=None, ge=0)
    model: str | None = Field(default=None, max_length=200)
    steps: int | None = Field(default=None, ge=0, le=1000)
    guidance: float | None = Field(default=None, ge=0, le=20, allow_inf_nan=False)
    temperature: float | None = Field(default=None, ge=0, le=10, allow_inf_nan=False)
    background: Background | None = None
    output_format: Format | None = None


class ListRequest(Config):
    """A list.

    Args:
        text: A prompt a line; or a table whose first line names its columns, ``prompt`` among them.
        name: What you call it.
        common: What holds for rows that say nothing else.
    """

    model_config = ConfigDict(strict=True)

    text: str = Field(max_length=LIST_BYTES)
    name: str = Field(default="", max_length=200)
    common: Common = Common()

    def nameless(self) -> str:
        """Return the digest of what is drawn, however it is called."""
        return self.model_copy(update={"name": ""}).digest()


class MistakeView(BaseModel):
    """What is wrong with a line."""

    line: int | None
    code: str
    message: str
    param: str | None


class HintView(ReadingView):
    """How a line is read."""

    line: int


class ListCheck(BaseModel):
    """A list as it was read.

    Args:
        rows: How many there are.
        pictures: How many pictures the good ones mean.
        cost_ms: Milliseconds of the device that they will probably take.
        num_mistakes: How many mistakes there are.
        mistakes: The first 1,000 of them.
        first: What the first good rows ask for.
        hints: How the first 100 good rows are read of which there is something to say.
        max_rows: The most that a list may have.
    """

    object: Literal["list.check"] = "list.check"
    rows: int
    pictures: int
    cost_ms: int
    num_mistakes: int
    mistakes: list[MistakeView]
    first: list[dict[str, Any]]
    hints: list[HintView]
    max_rows: int = MAX_ROWS


def check_view(found: CheckedList) -> ListCheck:
    """Return a list as it was read.

    Args:
        found: The list.
    """
    return ListCheck(
        rows=found.num_rows,
        pictures=found.num_pictures,
        cost_ms=round(1000 * found.cost_s),
        num_mistakes=len(found.mistakes),
        mistakes=[MistakeView(**mistake.as_data()) for mistake in found.mistakes[:SHOWN_MISTAKES]],
        first=[line.body.model_dump(mode="json", exclude_unset=True) for line in found.lines[:SHOWN_ROWS]],
        hints=[HintView(line=line, **vars(ReadingView.of(reading))) for line, reading in found.hints],
    )


class ListView(BaseModel):
    """A list that was handed in.

    Args:
        status: As that of a batch.
        counts: Rows in all, completed, failed.
        pictures: How many pictures it means.
        in_line: How many of its rows have been put in line so far.
        eta_ms: Milliseconds of the device that the rest will probably take; null if it is over.
        errors: Why it failed.
    """

    object: Literal["list"] = "list"
    id: str
    name: str
    status: Status
    created_at: int
    finished_at: int | None
    expires_at: int
    counts: Counts
    pictures: int
    in_line: int
    eta_ms: int | None
    errors: list[dict[str, Any]]


class Lists(BaseModel):
    """Some lists, the latest first."""

    object: Literal["list"] = "list"
    data: list[ListView]
    has_more: bool


class RowView(BaseModel):
    """A row of a list that became a job.

    Args:
        row: Its number among the rows, from 1.
        line: Where it stands in what was handed in.
        outcome: Null as long as it is not over.
        job: Its job; null when that is kept no longer.
    """

    row: int
    line: int
    outcome: Outcome | None
    job: JobView | None


class Rows(BaseModel):
    """Some rows, in their order; ``next`` is the ``after`` of the next page."""

    object: Literal["list"] = "list"
    data: list[RowView]
    has_more: bool
    next: int | None


class ListArchive(Config):
    """The pictures of a list that are wanted in one file.

    Args:
        form: ``zip`` or ``sheet``; ``as`` in JSON.
    """

    model_config = ConfigDict(strict=True)

    form: Literal["zip", "sheet"] = Field(default="zip", alias="as")


OVER: tuple[Status, ...] = ("failed", "completed", "expired", "cancelled")


def list_view(batch: BatchRecord, counts: dict[str, int]) -> ListView:
    """Return a list as callers see it.

    Args:
        batch: The list.
        counts: What became of its rows.
    """
    facts, is_over = facts_of(batch), batch.status in OVER
    open_rows = facts.num_rows - counts["completed"] - counts["failed"]
    return ListView(
        id=batch.id,
        name=facts.name,
        status=batch.status,
        created_at=batch.created_at,
        finished_at=batch.times.get(batch.status) if is_over else None,
        expires_at=batch.expires_at,
        counts=Counts(**{**counts, "total": facts.num_rows}),
        pictures=facts.num_pictures,
        in_line=counts["total"],
        eta_ms=None if is_over else round(1000 * facts.cost_s * open_rows / facts.num_rows),
        errors=batch.errors or [],
    )
