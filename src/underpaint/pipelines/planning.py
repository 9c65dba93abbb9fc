"""From wishes to complete settings: which pictures will be drawn, each with its own seed; nothing is loaded for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from underpaint import __version__
from underpaint.core.errors import InputError, PromptError
from underpaint.core.mistakes import Mistakes
from underpaint.core.text import canonicalize
from underpaint.pipelines.limits import SEED_MAX, within
from underpaint.pipelines.model_folder import Model, check_style
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings

TRANSPARENT = "transparent"
COLORS = {"white": "#ffffff", "black": "#000000"}
RANDOM_BITS = 32
"""Bits of a seed that nobody chose: short enough to be typed again."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What holds for all pictures of one call; None leaves it to the row or to the model.

    Args:
        style: A style of the model.
        seed: Seed of the first picture of each prompt.
        n: Pictures per prompt.
        guidance: Strength of guidance, 0 to 20.
        temperature: Factor on the sampling temperatures, 0 to 10.
        steps: Steps of the refiner or of the flow.
        background: ``transparent``, ``white``, ``black`` or ``#rrggbb``.
    """

    style: str | None = None
    seed: int | None = None
    n: int = 1
    guidance: float | None = None
    temperature: float | None = None
    steps: int | None = None
    background: str = TRANSPARENT


def normalize_background(background: str) -> str:
    """Return ``transparent`` or a color as ``#rrggbb`` in lower case.

    Raises:
        InputError: It is neither.
    """
    value = background.strip().casefold()
    value = COLORS.get(value, value)
    digits = value[1:]
    if value != TRANSPARENT and not (value[:1] == "#" and len(digits) == 6 and set(digits) <= set("0123456789abcdef")):
        raise InputError(f"unknown background {background!r:.40}; use transparent, white, black or a color as #ffcc00")
    return value


def read_prompt(prompt: str) -> str:
    """Return a prompt's canonical form.

    Raises:
        PromptError: It is empty, too long, or holds characters that the model cannot read.
    """
    if "\0" in prompt:
        raise PromptError(f"the prompt holds a NUL character at position {prompt.index(chr(0)) + 1}; remove it")
    return canonicalize(prompt)


def random_seed() -> int:
    """Draw a seed from the system's source of randomness."""
    return secrets.randbits(RANDOM_BITS)


def check_seeds(first: int, count: int) -> int:
    """Return the first of ``count`` seeds in a row.

    Raises:
        InputError: They do not all lie between 0 and ``SEED_MAX``.
    """
    within(first, "seed")
    if first > SEED_MAX - count + 1:
        raise InputError(
            f"the seeds {first} to {first + count - 1} cannot all be used; a seed lies between 0 and {SEED_MAX}"
        )
    return first


Called = Callable[[str], str]
"""Name of a number in ``Options`` to what the user calls it."""


def usable(options: Options, found: Mistakes, called: Called = str) -> Options:
    """Return options with those left at their default that cannot be used whatever the model is.

    Args:
        options: What was asked for.
        found: Takes down what is wrong.
        called: What the user calls each number.
    """
    kept: dict[str, Any] = {"background": found.take(normalize_background, options.background, otherwise=TRANSPARENT)}
    for name in ("seed", "n", "guidance", "temperature", "steps"):
        if (value := getattr(options, name)) is not None:
            kept[name] = found.take(partial(within, value, name, called(name)), otherwise=getattr(Options, name))
    return replace(options, **kept)


class _Seeds:
    """Gives every prompt its first seed, and lets a repeated prompt go on where it stopped."""

    def __init__(self, start: int | None) -> None:
        self._start = start
        self._next: dict[tuple[str, str | None], int] = {}

    def first(self, caption: str, style: str | None, own: int | None, count: int) -> int:
        """Return the first of ``count`` seeds."""
        if own is not None:
            return check_seeds(own, count)
        if self._start is None:
            return random_seed()
        seed = check_seeds(self._next.get((caption, style), self._start), count)
        self._next[caption, style] = seed + count
        return seed


def guides(model: Model) -> bool:
    """Tell whether guidance changes what a model draws: it knows one, and a share of it at some scale."""
    sampling = model.index.sampling
    return sampling.get("guidance") is not None and any(sampling.get("guidance_shape", (1.0,)))


def _common(model: Model, options: Options) -> dict[str, Any]:
    """Return the settings that all pictures of a call share, the model's defaults filled in."""
    sampling = model.index.sampling
    own = sampling["guidance"] if guides(model) else None
    return {
        "guidance": own if options.guidance is None else options.guidance,
        "temperature": 1.0 if options.temperature is None else options.temperature,
        "steps": sampling.get(model.steps or "") if options.steps is None else options.steps,
        "size": model.size,
        "background": options.background,
        "model": model.name,
        "model_sha256": model.digest,
        "version": __version__,
    }


def plan(
    model: Model,
    rows: Sequence[PromptRow],
    options: Options,
    *,
    first_seed: int | None = None,
    called: Called = str,
) -> list[Settings]:
    """Return the settings of every picture that shall be drawn, in order.

    Picture k of a prompt has the seed ``first + k``. The first seed is the row's own, else the option's, else
    ``first_seed``, else random. A prompt that comes again without a seed of its own goes on where it stopped, so that
    repeating a prompt gives other pictures.

    Args:
        model: Draws them.
        rows: What to draw.
        options: What holds for all of them.
        first_seed: First seed of prompts without any; None draws one at random for each.
        called: What the user calls each of the options, for messages.

    Raises:
        InputError: A prompt, style, seed or number cannot be used; all mistakes are listed, those of a file with their
            rows.
    """
    found = Mistakes()
    planned = plan_usable(model, rows, usable(options, found, called), found, first_seed=first_seed)
    found.tell()
    return planned


def plan_usable(
    model: Model, rows: Sequence[PromptRow], options: Options, found: Mistakes, *, first_seed: int | None = None
) -> list[Settings]:
    """Return the settings of every picture that can be drawn; see ``plan``.

    Args:
        model: Draws them.
        rows: What to draw.
        options: From ``usable``.
        found: Takes down what is wrong with rows, and what this model cannot do.
        first_seed: As in ``plan``.
    """
    options = _for_model(model, options, found)
    common = _common(model, options)
    seeds = _Seeds(first_seed if options.seed is None else options.seed)
    planned: list[Settings] = []
    for row in rows:
        planned += _plan_row(model, row, options, seeds, common, found)
    return planned


def _for_model(model: Model, options: Options, found: Mistakes) -> Options:
    """Return options with those left at their default that this model cannot do."""
    style = found.take(check_style, options.style, model, otherwise=None)
    steps = options.steps
    if steps is not None and model.steps is None:
        found.add(InputError(f"{model.name} draws without a diffusion part, so it takes no steps; leave the steps out"))
        steps = None
    return replace(options, style=style, steps=steps)


def _plan_row(
    model: Model, row: PromptRow, options: Options, seeds: _Seeds, common: dict[str, Any], found: Mistakes
) -> list[Settings]:
    """Return the settings of one row's pictures; none if something is wrong with it."""
    before = len(found)
    caption = found.take(read_prompt, row.prompt, otherwise="", source=row.source)
    style = options.style if row.style is None else row.style
    style = found.take(check_style, style, model, otherwise=None, source=row.source)
    count = options.n if row.n is None else row.n
    seed = found.take(seeds.first, caption, style, row.seed, count, otherwise=0, source=row.source)
    if len(found) > before:
        return []
    own = {"prompt": row.prompt, "caption": caption, "style": style, "seed": seed}
    first = Settings.parse({**own, **common}, source=row.source or "options")
    return [first.model_copy(update={"seed": first.seed + k}) for k in range(count)]
