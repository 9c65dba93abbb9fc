"""What of all trials is worth having: those that nothing beats in time and loss, and who is judged next."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.stages.optimize.search.record import Attempt, Cost, Quality, Reason, Trial


def beats(one: Trial, other: Trial) -> bool:
    """Tell whether a trial is as fast and loses as little as another, and is better in one of the two."""
    if one.cost is None or other.cost is None or one.loss is None or other.loss is None:
        return False
    mine, theirs = (one.cost.ratio, one.loss), (other.cost.ratio, other.loss)
    return mine != theirs and mine[0] <= theirs[0] and mine[1] <= theirs[1]


def front(trials: Sequence[Trial]) -> list[Trial]:
    """Return the feasible trials that no other feasible one beats, the fastest first."""
    feasible = [trial for trial in trials if trial.state in ("feasible", "accepted")]
    best = [trial for trial in feasible if not any(beats(other, trial) for other in feasible)]
    return sorted(best, key=_time)


def _time(trial: Trial) -> tuple[float, str]:
    assert trial.cost is not None, "feasible trials were timed"
    return trial.cost.ratio, trial.id


def next_judged(trials: Sequence[Trial], attempts: Sequence[Attempt], gain: float) -> Trial | None:
    """Return the trial that shall be judged next: the fastest that loses less than those that were refused.

    Args:
        trials: All trials.
        attempts: Judgements so far, none of which passed.
        gain: Largest ratio of times that counts as faster.
    """
    judged = {attempt.trial for attempt in attempts}
    refused = [trial.loss for trial in trials if trial.id in judged and trial.loss is not None]
    for trial in front(trials):
        assert trial.cost is not None
        assert trial.loss is not None
        if trial.id not in judged and trial.cost.ratio < gain and all(trial.loss < loss for loss in refused):
            return trial
    return None


def settled(trials: Sequence[Trial], attempts: Sequence[Attempt]) -> list[Trial]:
    """Return all trials as they ended: those that were judged with the verdict, those that are beaten as dominated."""
    verdicts = {attempt.trial: attempt for attempt in attempts}
    best = {trial.id for trial in front(trials)}
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
