"""What of all trials is worth having: those that nothing beats in time and loss, and who is judged next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from underpaint.stages.optimize.search.config import ATTEMPTS
from underpaint.stages.optimize.search.record import Attempt, Quality, Raced, Ratio, Reason, Timer, Trial

COMPARED = 2
"""The rung at which trials are compared with each other."""
EQUALS = 2
"""Most trials besides the first of the front that run in the race."""


def timer_of(trials: Sequence[Trial], race: Raced | None = None) -> Timer:
    """Return the clock that ranks all trials and rivals: that on the wall, unless it was disturbed for one of them.

    Args:
        trials: All trials.
        race: The race of the best; None before it.
    """
    rivals = race.rivals if race is not None else ()
    timed = [trial.cost for trial in trials if trial.rung >= COMPARED] + [rival.cost for rival in rivals]
    return "processor" if any(cost is not None and cost.noisy for cost in timed) else "wall"


def ratio_of(trial: Trial, timer: Timer) -> Ratio:
    """Return the ratio of a timed trial by the clock that ranks all."""
    assert trial.cost is not None, "feasible trials were timed"
    return trial.cost.by(timer)


def raced(trials: Sequence[Trial], race: Raced | None) -> list[Trial]:
    """Return all trials, those that were in the race of the best with what they cost in it."""
    costs = {} if race is None else race.costs
    return [trial.model_copy(update={"cost": costs[trial.id]}) if trial.id in costs else trial for trial in trials]


def runners(trials: Sequence[Trial], gain: float) -> list[Trial]:
    """Return the trials that run in the race of the best: the first of the front, and others that may be as fast.

    Two that could not be told apart by their trials may well be told apart in one run, so not all of the front's equals
    are left out. Trials at different times err by more than their intervals where other programs run beside, so places
    that are left go to the fastest others that gain something over those.

    Args:
        trials: All trials.
        gain: Largest ratio of times that counts as faster.
    """
    timer = timer_of(trials)
    first = _turns(front(trials), timer, gain)[:ATTEMPTS]
    if not first:
        return []
    upper = min(ratio_of(trial, timer)[2] for trial in first)
    feasible = [trial for trial in trials if trial.state == "feasible" and trial not in first]
    others = sorted(feasible, key=lambda one: (ratio_of(one, timer), one.id))
    near = [trial for trial in others if ratio_of(trial, timer)[1] <= upper and ratio_of(trial, timer)[0] < gain]
    entered = [*first, *near[:EQUALS]]
    more = [trial for trial in _turns([*entered, *others], timer, gain) if trial not in entered]
    return [*entered, *more][: ATTEMPTS + EQUALS]


def _loss(trial: Trial) -> float:
    assert trial.loss is not None, "feasible trials were looked at"
    return trial.loss


def beats(one: Trial, other: Trial, timer: Timer) -> bool:
    """Tell whether a trial is better than another: faster and loses no more, or as fast, loses less, has no more steps.

    Trials whose intervals overlap are as fast as each other.

    Args:
        one: The trial that may be better.
        other: The trial that may be worse.
        timer: The clock that ranks all.
    """
    mine, theirs = ratio_of(one, timer), ratio_of(other, timer)
    if mine[2] < theirs[1]:
        return _loss(one) <= _loss(other)
    shorter = len(one.recipe.steps) <= len(other.recipe.steps)
    return mine[1] <= theirs[2] and _loss(one) < _loss(other) and shorter


def front(trials: Sequence[Trial], refused: Sequence[str] = (), timer: Timer | None = None) -> list[Trial]:
    """Return the feasible trials that no other trial of the front beats, the fastest first.

    Args:
        trials: All trials; one clock ranks them.
        refused: Ids of trials that the judge refused, which beat nothing and are not on the front.
        timer: The clock that ranks; None for the one that these trials ask for.
    """
    timer = timer or timer_of(trials)
    best: list[Trial] = []
    feasible = [trial for trial in trials if trial.state in ("feasible", "accepted") and trial.id not in refused]
    for trial in sorted(feasible, key=lambda one: (_loss(one), ratio_of(one, timer), one.id)):
        if not any(beats(other, trial, timer) for other in best):
            best.append(trial)
    return list(_ranked(best, timer))


def _ranked(trials: Sequence[Trial], timer: Timer) -> Iterator[Trial]:
    """Yield the fastest first; of those as fast as the fastest that with fewer steps, then with less loss."""
    left = sorted(trials, key=lambda one: (ratio_of(one, timer), one.id))
    while left:
        upper = ratio_of(left[0], timer)[2]
        equal = [trial for trial in left if ratio_of(trial, timer)[1] <= upper]
        yield from sorted(equal, key=lambda one: (len(one.recipe.steps), _loss(one), one.id))
        left = [trial for trial in left if trial not in equal]


def _turns(ranked: Sequence[Trial], timer: Timer, gain: float) -> list[Trial]:
    """Return those that are faster than the model before and gain something over all before them in this order.

    So a step that changes neither time nor pictures takes no turn before the judge.
    """
    chosen: list[Trial] = []
    for trial in ranked:
        if ratio_of(trial, timer)[0] < gain and not any(_replaces(other, trial, timer) for other in chosen):
            chosen.append(trial)
    return chosen


def _replaces(one: Trial, other: Trial, timer: Timer) -> bool:
    """Tell whether a trial is as fast as another or faster, loses no more, and has no more steps."""
    as_fast = ratio_of(one, timer)[1] <= ratio_of(other, timer)[2]
    return as_fast and _loss(one) <= _loss(other) and len(one.recipe.steps) <= len(other.recipe.steps)


def outrunning(trials: Sequence[Trial], race: Raced | None, timer: Timer) -> list[Trial]:
    """Return the trials whose candidates are faster than every rival, with the whole interval; none without rivals."""
    rivals = [rival for rival in race.rivals if rival.cost is not None] if race is not None else []
    over = {trial.id: [rival.beside[trial.id] for rival in rivals if trial.id in rival.beside] for trial in trials}
    return [
        trial
        for trial in trials
        if over[trial.id]
        and len(over[trial.id]) == len(rivals)
        and all(beside.by(timer)[2] < 1.0 for beside in over[trial.id])
    ]


def ladder(trials: Sequence[Trial], gain: float, race: Raced | None = None) -> list[Trial]:
    """Return the trials that may be judged, from what loses least on; it follows from trials and race alone.

    They are the fastest of the front, as many as there is time to judge, and of those that ran in the race, if there
    was one. What is faster than every rival comes before all others: two whose times overlap may stand on both sides of
    a rival.

    Args:
        trials: All trials.
        gain: Largest ratio of times that counts as faster.
        race: The race of the best.
    """
    timer = timer_of(trials, race)
    ran = [trial for trial in trials if race is None or not race.costs or trial.id in race.costs]
    ranked = {one.id: one for one in (*front(outrunning(ran, race, timer), (), timer), *front(ran, (), timer))}
    fastest = _turns([*ranked.values()], timer, gain)[: ATTEMPTS if race is None else race.looks]
    return sorted(fastest, key=lambda one: (_loss(one), ratio_of(one, timer), one.id))


def left_out(trials: Sequence[Trial], gain: float, race: Raced | None) -> list[Trial]:
    """Return the trials that would have been judged too, had there been time, from what loses least on.

    Args:
        trials: All trials.
        gain: Largest ratio of times that counts as faster.
        race: The race of the best.
    """
    if race is None:
        return []
    asked = {trial.id for trial in ladder(trials, gain, race)}
    unhurried = ladder(trials, gain, race.model_copy(update={"looks": ATTEMPTS}))
    return [trial for trial in unhurried if trial.id not in asked]


def next_judged(
    trials: Sequence[Trial], attempts: Sequence[Attempt], gain: float, race: Raced | None = None
) -> Trial | None:
    """Return the trial that shall be judged next: the next of the ladder, as long as all before it passed.

    In a fixed sequence that ends at the first that does not pass, each may be judged with the policy's whole error, and
    a worse model is still accepted no more often than that.

    Args:
        trials: All trials.
        attempts: Judgements so far.
        gain: Largest ratio of times that counts as faster.
        race: The race of the best.

    Source: Maurer, Hothorn and Lehmacher 1995, Multiple comparisons in drug clinical trials and preclinical assays:
    a-priori ordered hypotheses.
    """
    if any(attempt.judgement.verdict != "pass" for attempt in attempts):
        return None
    judged = [attempt.trial for attempt in attempts]
    return next((trial for trial in ladder(trials, gain, race) if trial.id not in judged), None)


def accepted(trials: Sequence[Trial], attempts: Sequence[Attempt], race: Raced | None = None) -> Attempt | None:
    """Return the judgement of the candidate that is handed out, the best of those that passed; None if none did.

    One that is faster than every rival comes first, then the fastest; of those as fast as it, as in ``front``.

    Args:
        trials: All trials, with what they cost in the race.
        attempts: What was judged.
        race: The race of the best.
    """
    timer = timer_of(trials, race)
    passed = {attempt.trial: attempt for attempt in attempts if attempt.judgement.verdict == "pass"}
    worthy = [trial for trial in trials if trial.id in passed]
    ranked = (*_ranked(outrunning(worthy, race, timer), timer), *_ranked(worthy, timer))
    return next((passed[trial.id] for trial in ranked), None)


def settled(trials: Sequence[Trial], attempts: Sequence[Attempt], timer: Timer | None = None) -> list[Trial]:
    """Return all trials as they ended: those that were judged with the verdict, those that are beaten as dominated.

    What only a refused candidate beats is beaten by nothing.

    Args:
        trials: All trials.
        attempts: What was judged.
        timer: As in ``front``.
    """
    verdicts = {attempt.trial: attempt for attempt in attempts}
    refused = [attempt.trial for attempt in attempts if attempt.judgement.verdict != "pass"]
    best = {trial.id for trial in front(trials, refused, timer)}
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
