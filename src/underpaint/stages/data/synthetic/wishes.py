"""What is drawn for a data set: every prompt in a known style, and none whose words its style cannot show."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.core.config import digest_of
from underpaint.core.errors import InputError
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.planning import TRANSPARENT, Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings
from underpaint.stages.data.clean import COLORLESS_STYLES, names_color

FIRST_SEED = 0
MOST_PICTURES = 100_000


def plan_wishes(model: Model, rows: Sequence[PromptRow], options: Options) -> list[Settings]:
    """Return the settings of every picture that is asked for, each once.

    A prompt for which neither its row nor the options name a style is drawn in each of the model's styles, so that
    the style of every picture is known. Words of color are not drawn in a style without color.

    Args:
        model: Draws them.
        rows: What to draw.
        options: What holds for all of them; the background must be transparent.

    Raises:
        InputError: A prompt, style, seed, number or background cannot be used, or nothing or too many are asked for.
    """
    if options.background != TRANSPARENT:
        raise InputError(
            f"a data set is drawn on {TRANSPARENT} ground, not on {options.background!r:.40}; leave it out"
        )
    spread = [row.model_copy(update={"style": style}) for row in rows for style in styles_of(row, model, options)]
    planned = [one for one in plan(model, spread, options, first_seed=FIRST_SEED) if can_show(one)]
    if not planned:
        raise InputError(f"nothing is left to draw: {', '.join(COLORLESS_STYLES)} shows no color; choose other styles")
    if len(planned) > MOST_PICTURES:
        raise InputError(f"{len(planned):,} pictures are asked for, at most {MOST_PICTURES:,} are drawn; ask for fewer")
    return list({one.identity: one for one in planned}.values())


def styles_of(row: PromptRow, model: Model, options: Options) -> Sequence[str | None]:
    """Return the styles that a prompt is drawn in."""
    chosen = options.style if row.style is None else row.style
    return [chosen] if chosen is not None else model.styles or (None,)


def can_show(settings: Settings) -> bool:
    """Tell whether a style can show what the words say."""
    return settings.style not in COLORLESS_STYLES or not names_color(settings.caption)


def wishes_digest(planned: Sequence[Settings]) -> str:
    """Return the SHA-256 over all that is asked for, in order: what decides the pixels, and the words."""
    return digest_of([[one.identity, one.prompt] for one in planned])
