"""What is written down of networks that learned to draw in fewer calls: what was taken in, and how long they trained.

Opening a saved one does nothing of it again: settings of network and pipeline say what the network knows.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from underpaint.core.config import Config

Strength = Field(default=None, ge=0.0, le=20.0)


class Distilled(Config):
    """What all have.

    Args:
        guidance: Strength of the guidance that is taken in; None for the pipeline's own.
        train: Steps of training.
    """

    guidance: float | None = Strength
    train: int = Field(default=4000, ge=1, le=10_000_000)


class DistilledGuidance(Distilled):
    """Parameters of ``distill.guidance``.

    Args:
        guidance: As in ``Distilled``.
        train: As in ``Distilled``.
    """


class DistilledSteps(Distilled):
    """Parameters of ``distill.steps``.

    Args:
        guidance: As in ``Distilled``.
        train: As in ``Distilled``.
        finest: Steps of the finest form, a power of two; the others halve it, down to one step.
        steps: Steps by default, one of these.
        teacher_share: Share of each batch that learns the finest steps from the teacher; the rest learns coarser ones
            from the student itself.
    """

    finest: int = Field(default=8, ge=1, le=64)
    steps: int = Field(default=4, ge=1, le=64)
    teacher_share: float = Field(default=0.5, gt=0.0, le=1.0)

    @property
    def step_counts(self) -> tuple[int, ...]:
        """The numbers of steps that the student can take, many to few."""
        return tuple(self.finest >> level for level in range(self.finest.bit_length()))

    @model_validator(mode="after")
    def _powers(self) -> DistilledSteps:
        if self.finest & (self.finest - 1):
            raise ValueError(f"finest must be a power of two, not {self.finest}")
        if self.steps not in self.step_counts:
            raise ValueError(f"steps must be one of {', '.join(map(str, self.step_counts))}, not {self.steps}")
        return self
