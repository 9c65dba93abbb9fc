"""A request for a sheet: what it may hold, and the plan that it means, or all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field, WithJsonSchema

from underpaint.core.config import Config
from underpaint.core.errors import FieldError, InputError
from underpaint.core.mistakes import errors_of
from underpaint.pipelines.settings import SEED_MAX
from underpaint.pipelines.stickers.moods import USUAL
from underpaint.pipelines.stickers.own_moods import OWN_CHARACTERS
from underpaint.pipelines.stickers.series import SAME
from underpaint.stages.serve.asking.edit_planning import check_served
from underpaint.stages.serve.asking.field_mistakes import FieldMistakes
from underpaint.stages.serve.asking.planning import wish_of
from underpaint.stages.serve.asking.request import GenerationRequest
from underpaint.stages.serve.asking.rest_mistakes import ANYTHING, fitting
from underpaint.stages.serve.service import Service
from underpaint.stages.serve.sheets.handing_in import seed_of
from underpaint.stages.serve.sheets.plan import MOST_MOODS, Drawn, SheetPlan, pictures_of

SUBJECT_CHARACTERS = 200
PRINTED = r"^[^\x00-\x1f]*$"
"""What words of one line look like."""


OwnMood = Annotated[
    str, WithJsonSchema({"type": "string", "maxLength": OWN_CHARACTERS, "pattern": PRINTED, "title": "A line"})
]
"""A line that ``check_own`` looks at, since what is wrong with it shall be told as its writer sees it."""


class SheetRequest(Config):
    """A sheet to draw.

    Args:
        subject: One thing or person, such as ``a cat``.
        moods: Names from the capabilities; without them, and without words of your own, eight that are usual.
        own: Moods in words of your own, a picture each: ``{}`` stands for the subject, which goes before words that
            name it nowhere. Empty ones are passed over, and moods that mean the same picture are drawn once and count
            once.
        model: A served name or a release; null for the default.
        style: One of the model's styles; null for any.
        seed: Of all pictures; drawn at random if it is missing.
        guidance: Pull towards the words.
        same: How much of the first picture stays in the others, from 0 to 1.
    """

    model_config = ConfigDict(strict=True)

    subject: str = Field(min_length=1, max_length=SUBJECT_CHARACTERS, pattern=PRINTED)
    moods: list[Annotated[str, Field(max_length=40)]] | None = Field(default=None, max_length=MOST_MOODS)
    own: list[OwnMood] = Field(default=[], exclude_if=lambda own: not own, json_schema_extra={"maxItems": MOST_MOODS})
    model: str | None = Field(default=None, max_length=200)
    style: str | None = Field(default=None, max_length=100)
    seed: int | None = Field(default=None, ge=0, le=SEED_MAX)
    guidance: float | None = Field(default=None, ge=0, le=20, allow_inf_nan=False)
    same: float = Field(default=SAME, ge=0, le=1, allow_inf_nan=False)

    def own_words(self) -> list[str]:
        """Return its own words as pictures are called by them: bare of blanks around, and none that are empty."""
        return [words.strip() for words in self.own if words.strip()]

    def all_moods(self) -> list[str]:
        """Return the moods that are meant."""
        if self.moods is None:
            return [] if self.own_words() else [*USUAL]
        return self.moods

    @classmethod
    def besides(cls, body: Any, problems: Sequence[Mapping[str, Any]], service: Service) -> list[str]:
        """Return what else is wrong with a body whose form is wrong, whatever may be drawn for whom.

        Args:
            body: As it came.
            problems: What pydantic found; each place begins in the body.
            service: What knows the models.
        """
        asked, found = fitting(cls, body, problems, words="subject"), FieldMistakes()
        if asked is not None:
            if any("own" in problem["loc"][:1] for problem in problems) and not asked.moods:
                asked = asked.model_copy(update={"moods": None})  # the moods were in what is wrong
            found.take(plan_of, asked, service, "", lambda one: wish_of(one, service.catalog), otherwise=None)
        return found.messages()


STAND_INS = (Drawn(mood=None, prompt=ANYTHING),)
"""Pictures in the place of some that have no words, so that other mistakes are found too."""


def plan_of(
    asked: SheetRequest, service: Service, sheet_id: str, look: Callable[[GenerationRequest], object]
) -> SheetPlan:
    """Return what is drawn.

    Args:
        asked: The request.
        service: What knows the models.
        sheet_id: The sheet's id, which its seed comes from where none is asked for.
        look: Refuses words and settings of one picture that must not be drawn, or cannot.

    Raises:
        FieldError: A field cannot be used, the model cannot edit, or a prompt must not be drawn; the message says all
            that is wrong.
    """
    served, found = service.catalog.find(asked.model), FieldMistakes()
    found.take(check_served, served, otherwise=None)
    plan = SheetPlan(
        subject=asked.subject.strip(),
        pictures=found.take(pictures_of, asked.subject, asked.all_moods(), asked.own, otherwise=STAND_INS),
        model=served.release,
        style=asked.style,
        seed=seed_of(sheet_id) if asked.seed is None else asked.seed,
        guidance=asked.guidance,
        same=asked.same,
    )
    for wanted, request in plan.each_alone():
        found.take(_of_sheet, look, request, wanted, asked, otherwise=None)
    found.tell()
    return plan


def _of_sheet(
    look: Callable[[GenerationRequest], object], request: GenerationRequest, wanted: Drawn, asked: SheetRequest
) -> None:
    """Look at a picture; what is wrong with its words is a mistake of the sheet's own field.

    Raises:
        FieldError: It must not be drawn, or cannot.
    """
    found = FieldMistakes()
    try:
        look(request)
    except FieldError as error:
        for one in errors_of(error):
            found.add(_at_home(one, wanted, asked))
    found.tell()


def _at_home(error: InputError, wanted: Drawn, asked: SheetRequest) -> InputError:
    """Return a mistake of a picture's words as one of the field that they came from; others are the sheet's as well."""
    if not isinstance(error, FieldError) or error.param != "prompt":
        return error
    is_own = wanted.mood is not None and wanted.mood in asked.own_words()
    words = f"{wanted.mood!r:.60}: {error}" if is_own else str(error)
    return FieldError(words, param="own" if is_own else "subject", code=error.code)
