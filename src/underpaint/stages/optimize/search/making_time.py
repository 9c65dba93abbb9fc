"""How long making a candidate may take: what would take too long is not begun, and what does is ended."""

from __future__ import annotations

from underpaint.core.optimization import OptimizationRecipe
from underpaint.core.progress import Progress, Report
from underpaint.runtime.clock import Clock
from underpaint.stages.optimize.search.budget_words import LARGER, in_words
from underpaint.stages.optimize.search.drawing import CandidateFailed
from underpaint.stages.optimize.search.record import Base, Reason

MAKING_PICTURES: dict[tuple[str, str], int] = {
    ("engine.onnx", "int8"): 200,
    ("engine.openvino", "bf16"): 200,
    ("engine.openvino", "int8"): 3500,
    ("engine.openvino", "int8_bf16"): 3500,
}
"""What calibrating a graph takes besides a plain trial, in pictures of the model before, until one was made."""
TRAINED = ("recover", "train")
"""Parameters that are steps of training."""
TRAINED_PICTURES = 24
"""What a step of training costs, in pictures drawn."""
TRAINING_SHARE = 0.25
"""Share of the time left that one training may take."""
MAKING_SHARE = 0.3
"""Share of the time left that making one candidate may take, its training among it."""
LEAST_MAKING_S = 60.0


def making_s(recipe: OptimizationRecipe, base: Base) -> float:
    """Return about how long calibrating takes that a recipe asks for, until something like it was made."""
    pictures = sum(MAKING_PICTURES.get((step.name, str(step.params.get("precision"))), 0) for step in recipe.steps)
    return pictures * base.latency_ms / 1000


def limit_s(seconds_left: float) -> float:
    """Return the longest time that making a candidate may take.

    Args:
        seconds_left: Time left for trials.
    """
    return max(LEAST_MAKING_S, MAKING_SHARE * seconds_left)


def too_long(recipe: OptimizationRecipe, base: Base, seconds_left: float) -> Reason | None:
    """Say why a recipe's training or calibration does not fit the time left, if it does not.

    Args:
        recipe: The recipe.
        base: The model before.
        seconds_left: Time left for trials.
    """
    steps = sum(int(str(step.params.get(name, 0))) for step in recipe.steps for name in TRAINED)
    needed = steps * TRAINED_PICTURES * base.latency_ms / 1000
    if steps and needed > TRAINING_SHARE * seconds_left:
        text = (
            f"its {steps} steps of training take about {needed / 60:.0f} min, and one training may take a quarter of "
            f"the {max(0.0, seconds_left) / 60:.0f} min that are left for trials; {LARGER}"
        )
        return Reason(code="budget.training", text=text)
    making, most = making_s(recipe, base), limit_s(seconds_left)
    if making <= most:
        return None
    text = f"making it takes about {in_words(making)}, and now {in_words(most)} may be spent on that; {LARGER}"
    return Reason(code="budget.making", text=text)


def watched(report: Report, seconds: float, clock: Clock) -> Report:
    """Return what passes progress on, and ends what takes too long.

    Args:
        report: Receives progress.
        seconds: The longest time, from now on.
        clock: What time is read from.
    """
    began = clock.now()

    def passed_on(progress: Progress) -> None:
        if clock.now() - began > seconds:
            text = f"making it ({progress.task}) took longer than {seconds:.0f} s, {MAKING_SHARE:.0%} of the time left"
            raise CandidateFailed(f"{text}; {LARGER}", killed=True)
        report(progress)

    return passed_on
