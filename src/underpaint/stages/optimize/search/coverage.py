"""What of the space a search covered: every transform in every slot, tried, refused, not to be made, or not reached.

"Nothing better was found" says something only with the list of what was looked at and what was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from underpaint.stages.optimize.search.frontier_file import Region
from underpaint.stages.optimize.search.record import Trial
from underpaint.stages.optimize.search.space import Axis, Space

BUDGET = "budget."
"""Beginning of the codes of reasons that a larger budget would change."""


def covered(space: Space, trials: Sequence[Trial]) -> tuple[Region, ...]:
    """Return what came of all that could have been varied, in the order of the table of transforms.

    Args:
        space: What may be varied, and what fits nowhere.
        trials: All of them.
    """
    fitting = [_region(axis, trials) for axis in space.axes]
    refused = [
        Region(
            transform=step.name,
            slot=step.slot,
            choices=0,
            looked=0,
            state="refused",
            reason=f"{refusal.reason} [{refusal.code}]",
        )
        for step, refusal in space.refused
    ]
    return (*fitting, *refused)


def _region(axis: Axis, trials: Sequence[Trial]) -> Region:
    tried = [
        (trial, step)
        for trial in trials
        for step in trial.recipe.steps
        if (step.name, step.slot) == (axis.name, axis.slot)
    ]
    looked = {str(step) for trial, step in tried if trial.cost is not None}
    of_axis = {"transform": axis.name, "slot": axis.slot, "choices": len(axis.options), "looked": len(looked)}
    if looked:
        return Region.model_validate({**of_axis, "state": "tried"})
    reasons = [trial.reason for trial, _ in tried if trial.reason is not None]
    told = [reason for reason in reasons if not reason.code.startswith(BUDGET)]
    if told:
        return Region.model_validate({**of_axis, "state": "failed", "reason": f"{told[-1].text} [{told[-1].code}]"})
    why = reasons[-1].text if reasons else "its turn did not come before the trials ended"
    return Region.model_validate({**of_axis, "state": "not_reached", "reason": why})


STATES = {
    "tried": "tried",
    "refused": "do not fit this model or machine",
    "failed": "could not be made",
    "not_reached": "not reached within the budget",
}


def counts_in_words(space: Sequence[Region]) -> str:
    """Say of how many transforms in their slots what came."""
    counts = {words: sum(region.state == state for region in space) for state, words in STATES.items()}
    return f"{len(space)} transforms in their slots: {', '.join(f'{count} {words}' for words, count in counts.items())}"


def space_in_words(space: Sequence[Region]) -> Iterator[str]:
    """Yield by name what was tried, what does not fit, what could not be made, and what was not reached."""
    for state, words in STATES.items():
        slots = dict[str, list[str]]()
        for region in space:
            if region.state == state:
                looked = f" ({region.looked} of {region.choices} choices)" if state == "tried" else ""
                slots.setdefault(region.transform, []).append(f"{region.slot}{looked}")
        if slots:
            named = [f"{name} of {' and '.join(places)}" for name, places in slots.items()]
            yield f"{words}: {', '.join(named)}"
