"""What a graph is calibrated with: the inputs of pictures of many prompts.

A graph has its sampler unrolled and takes its noise as an input. So running it with the inputs of a picture visits
exactly the states that drawing this picture visits: every scale, guided or not, and every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from underpaint.core.config import digest_of
from underpaint.core.errors import InputError
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import DrawRequest

LEAST_PROMPTS = 16
"""Fewest different prompts: the pictures of one prompt look alike, and so do their activations."""
LEAST_PICTURES = 64
"""Fewest pictures; prompts that do not say how many they want are drawn as often as it takes."""
FIRST_SEED = 7_000_000
"""First seed of prompts that name none."""
CAPTIONS = (
    "grinning face with a party hat",
    "orange cat sleeping",
    "two red cherries on a stem",
    "blue sailboat on waves",
    "yellow taxi",
    "purple grapes",
    "cactus in a pot",
    "pizza slice with olives",
    "astronaut waving",
    "green frog with big eyes",
    "snowman with a scarf",
    "steaming cup of coffee",
    "guitar with flames",
    "penguin holding a heart",
    "old wooden treasure chest",
    "rainbow over clouds",
    "crying baby face",
    "pink donut with sprinkles",
    "chef with medium skin tone holding a pan",
    "police car with blue lights",
    "owl reading a book",
    "black spider on a web",
    "golden crown with rubies",
    "sunflower in the sun",
    "robot with a smile",
    "strawberry ice cream cone",
    "full moon with stars",
    "red sports shoe",
    "angry bull",
    "tent under a tree",
    "magic wand with sparkles",
    "woman dancing in a red dress",
)
"""Prompts by default; none is the caption of a picture in a set that models are evaluated on."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The pictures that a graph is calibrated with.

    Args:
        prompts: Number of different prompts.
        requests: The pictures, at least ``LEAST_PICTURES``.
    """

    prompts: int
    requests: tuple[DrawRequest, ...]

    @property
    def digest(self) -> str:
        """What identifies the pictures: captions, styles, seeds and numbers."""
        return digest_of([vars(request) for request in self.requests])

    def others(self, number: int) -> list[DrawRequest]:
        """Return other pictures of the same prompts, spread over them evenly: seeds beyond those of the calibration."""
        beyond = max(request.seed for request in self.requests) + 1
        chosen = [self.requests[index * len(self.requests) // number] for index in range(number)]
        return [replace(request, seed=beyond + index) for index, request in enumerate(chosen)]


def plan_calibration(model: Model, rows: Sequence[PromptRow] | None, steps: int | None) -> Calibration:
    """Return what a model's graph is calibrated with.

    Pictures whose row names no style take turns in having none and each of the model's.

    Args:
        model: The model.
        rows: Prompts of a file; None for ``CAPTIONS``.
        steps: Steps that the graph is unrolled for; None for the model's own.

    Raises:
        InputError: There are too few prompts or pictures, or a row cannot be used.
    """
    rows = [PromptRow(prompt=caption) for caption in CAPTIONS] if rows is None else rows
    each = -(-LEAST_PICTURES // len(rows))
    planned = plan(model, rows, Options(n=each, steps=steps), first_seed=FIRST_SEED)
    prompts = len({settings.caption for settings in planned})
    check_enough(prompts, len(planned))
    styles = (None, *model.styles)
    requests = tuple(
        DrawRequest(caption=one.caption, style=one.style or styles[index % len(styles)], seed=one.seed, steps=steps)
        for index, one in enumerate(planned)
    )
    return Calibration(prompts=prompts, requests=requests)


def check_enough(prompts: int, pictures: int) -> None:
    """Refuse a calibration that would fit the ranges of numbers to a few pictures.

    Raises:
        InputError: There are too few prompts or pictures.
    """
    if prompts < LEAST_PROMPTS:
        raise InputError(
            f"fewer bits are calibrated or measured with at least {LEAST_PROMPTS} different prompts, got {prompts}; "
            f"add {LEAST_PROMPTS - prompts} to the file, or leave --prompts out for a list that comes with underpaint"
        )
    if pictures < LEAST_PICTURES:
        raise InputError(
            f"fewer bits are calibrated or measured with at least {LEAST_PICTURES} pictures, got {pictures}; raise the "
            "column n, or leave it out and each prompt is drawn as often as it takes"
        )
