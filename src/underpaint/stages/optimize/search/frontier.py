"""What of all trials is worth having: those that nothing beats in time and loss, and who is judged next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from underpaint.stages.optimize.search.record import Attempt, Cost, Quality, Ratio, Reason, Trial

COMPARED = 2
"""The rung at which trials are compared with each other."""


def by_processor(trials: Sequence[Trial]) -> bool:
    """Tell whether processor time ranks the trials: all by one clock, and one wall clock was disturbed."""
    return any(trial.cost is not None and trial.cost.noisy for trial in trials if trial.rung >= COMPARED)


def _ratio(trial: Trial, processor: bool) -> Ratio:
    assert trial.cost is not None, "feasible trials were timed"
    return trial.cost.cpu_ratio if processor else trial.cost.latency_ratio


def _loss(trial: Trial) -> float:
    assert trial.loss is not None, "feasible trials were looked at"
    return trial.loss


def beats(one: Trial, other: Trial, *, processor: bool) -> bool:
    """Tell whether a trial is better than another: faster and loses no more, or as fast, loses less, has no more steps.

    Trials whose intervals overlap are as fast as each other.

    Args:
        one: The trial that may be better.
        other: The trial that may be worse.
        processor: Compare processor times, not wall clocks.
    """
    mine, theirs = _ratio(one, processor), _ratio(other, processor)
    if mine[2] < theirs[1]:
        return _loss(one) <= _loss(other)
    shorter = len(one.recipe.steps) <= len(other.recipe.steps)
    return mine[1] <= theirs[2] and _loss(one) < _loss(other) and shorter


def front(trials: Sequence[Trial], refused: Sequence[str] = ()) -> list[Trial]:
    """Return the feasible trials that no other trial of the front beats, the fastest first.

    Args:
        trials: All trials; one clock ranks them.
        refused: Ids of trials that the judge refused, which beat nothing and are not on the front.
    """
    processor = by_processor(trials)
    best: list[Trial] = []
    feasible = [trial for trial in trials if trial.state in ("feasible", "accepted") and trial.id not in refused]
    for trial in sorted(feasible, key=lambda one: (_loss(one), _ratio(one, processor), one.id)):
        if not any(beats(other, trial, processor=processor) for other in best):
            best.append(trial)
    return list(_ranked(best, processor))


def _ranked(trials: Sequence[Trial], processor: bool) -> Iterator[Trial]:
    """Yield the fastest first; of those as fast as the fastest that with fewer steps, then with less loss."""
    left = sorted(trials, key=lambda one: (_ratio(one, processor), one.id))
    while left:
        upper = _ratio(left[0], processor)[2]
        equal = [trial for trial in left if _ratio(trial, processor)[1] <= upper]
        yield from sorted(equal, key=lambda one: (len(one.recipe.steps), _loss(one), one.id))
        left = [trial for trial in left if trial not in equal]


def next_judged(trials: Sequence[Trial], attempts: Sequence[Attempt], gain: float) -> Trial | None:
    """Return the trial that shall be judged next: the fastest that loses less than those that were refused.

    Args:
        trials: All trials.
        attempts: Judgements so far, none of which passed.
        gain: Largest ratio of times that counts as faster.
    """
    judged = [attempt.trial for attempt in attempts]
    refused = [trial.loss for trial in trials if trial.id in judged and trial.loss is not None]
    processor = by_processor(trials)
    for trial in front(trials, judged):
        if _ratio(trial, processor)[0] < gain and all(_loss(trial) < loss for loss in refused):
            return trial
    return None


def settled(trials: Sequence[Trial], attempts: Sequence[Attempt]) -> list[Trial]:
    """Return all trials as they ended: those that were judged with the verdict, those that are beaten as dominated.

    What only a refused candidate beats is beaten by nothing.
    """
    verdicts = {attempt.trial: attempt for attempt in attempts}
    refused = [attempt.trial for attempt in attempts if attempt.judgement.verdict != "pass"]
    best = {trial.id for trial in front(trials, refused)}
    return [
        _judged(trial, verdicts[trial.id]) if trial.id in verdicts else _placed(trial, on_front=trial.id in best)
        for trial in trials
    ]


def _judged(trial: Trial, attempt: Attempt) -> Trial:
    judgement = attempt.judgement
    accepted = judgement.verdict == "pass"
    text = "; ".join(judgement.reasons) or f"the judge says {judgement.verdict}"
    changes: dict[str, Quality] = {
        name: (change.delta, change.low, change.high, change.n) for name, change in judgement.quality.items()
    }
    return trial.model_copy(
        update={
            "rung": 3,
            "state": "accepted" if accepted else "rejected",
            "reason": Reason(code=f"judge.{judgement.verdict}", text=text),
            "quality": {**trial.quality, **changes},
            "seconds": trial.seconds + attempt.seconds,
        }
    )


def _placed(trial: Trial, *, on_front: bool) -> Trial:
    if trial.state != "feasible" or on_front:
        return trial
    text = "another candidate is as fast and loses as little, and is better in one of the two"
    return trial.model_copy(update={"state": "dominated", "reason": Reason(code="search.dominated", text=text)})


def cost_words(cost: Cost) -> str:
    """Say a ratio of times for people."""
    kind = "processor time" if cost.noisy else "time"
    estimate, low, high = cost.cpu_ratio if cost.noisy else cost.latency_ratio
    return f"{estimate:.2f} of the {kind} ({low:.2f} to {high:.2f})"
