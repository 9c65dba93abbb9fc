"""What can be asked of an edit, apart from the picture and its mask."""

from __future__ import annotations

from underpaint.core.config import Config


class EditRequest(Config):
    """An edit that is asked for; ranges are checked when it is planned, against the model that shall draw.

    Args:
        prompt: What to draw, in English; None for the words that the picture was drawn from, if underpaint drew it, and
            for no words otherwise.
        style: One of the model's styles; None for the picture's own, if underpaint drew it, or for none in particular.
        strength: How much is drawn anew, from 0 to 1; None for what suits (``planning.suitable_strength``).
        seed: Seed of the first picture, the next ones count up; None draws one at random.
        n: Pictures, 1 to 1000.
        guidance: Pull towards the prompt, 0 to 20; None for the model's default.
        temperature: Factor on the sampling temperatures, 0 to 10; None for 1.
        steps: Steps of the residual refiner; None for the model's default.
        negative: What is drawn away from, in place of a picture without words; needs guidance.
        mix: A second prompt, whose meaning is mixed with the first one's.
        mix_share: Share of the second prompt, 0 to 1.
        seam: Pixels inside a mask over which what is drawn fades in; None for ``planning.SEAM``.
    """

    prompt: str | None = None
    style: str | None = None
    strength: float | None = None
    seed: int | None = None
    n: int = 1
    guidance: float | None = None
    temperature: float | None = None
    steps: int | None = None
    negative: str | None = None
    mix: str | None = None
    mix_share: float = 0.5
    seam: int | None = None
