"""What a search shows about its rivals: a model that is faster and passed the gate, or that nothing better was found.

Time is that of the race, in which candidate and rival drew in turn; faster is what has its whole interval below 1. An
interval that holds 1 since the race ended early shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from underpaint.core.optimization import Verdict
from underpaint.stages.optimize.search.budget_words import LARGER
from underpaint.stages.optimize.search.coverage import counts_in_words
from underpaint.stages.optimize.search.frontier_file import Outcome, Region
from underpaint.stages.optimize.search.record import Attempt, Ratio, Rival, Timer, Trial

CLOCKS: dict[Timer, str] = {"wall": "time", "processor": "processor time"}
VERDICTS: dict[Verdict | None, str] = {
    "pass": "passed",
    "fail": "failed",
    "indeterminate": "undecided",
    None: "not asked",
}


def outcome_of(
    rival: Rival,
    chosen: Trial | None,
    trials: Sequence[Trial],
    attempts: Sequence[Attempt],
    space: Sequence[Region],
    timer: Timer,
    absent: Sequence[str] = (),
    missed_starts: int = 0,
) -> Outcome:
    """Return what is shown about a rival.

    Args:
        rival: The rival.
        chosen: The trial that was accepted, if one was.
        trials: All of them.
        attempts: What was judged.
        space: What was covered.
        timer: The clock that ranks.
        absent: Trials that should have run in the race and did not: memory was short, or a process was lost.
        missed_starts: Starts of the race that no time was left for.
    """
    ratio = rival.beside[chosen.id].by(timer) if chosen is not None and chosen.id in rival.beside else None
    if ratio is not None and ratio[2] < 1.0:
        text = f"faster than the exported {rival.name}: {in_words(ratio, timer)}, gate passed"
        return Outcome(rival=rival.name, finding="faster", ratio=ratio, text=text)
    verdicts: dict[str, Verdict] = {attempt.trial: attempt.judgement.verdict for attempt in attempts}
    looked = sum(trial.cost is not None for trial in trials)
    why = _unknown(rival, chosen, verdicts, timer, absent) or _too_wide(rival, verdicts, timer, missed_starts)
    if not why and not looked:
        why = "no recipe got as far as to be timed; a larger --budget may reach more"
    if why:
        text = f"nothing is shown about the exported {rival.name}: {why}"
        return Outcome(rival=rival.name, finding="unknown", ratio=ratio, text=text)
    text = (
        f"nothing better than the exported {rival.name} was found in this space: {_why_not(rival, verdicts, timer)}; "
        f"recipes looked at: {looked}; {counts_in_words(space)}"
    )
    return Outcome(rival=rival.name, finding="nothing_better", ratio=ratio, text=text)


def _unknown(
    rival: Rival, chosen: Trial | None, verdicts: Mapping[str, Verdict], timer: Timer, absent: Sequence[str]
) -> str:
    """Say why nothing is shown, if so: times are missing, or the gate was not asked about who is faster."""
    if rival.reason is not None:
        return f"it could not be timed ({rival.reason.text})"
    if chosen is not None and chosen.id not in rival.beside:
        return f"{chosen.id}, which was accepted, was not timed beside it"
    unasked = [
        f"{name} takes {in_words(beside.by(timer), timer)}"
        for name, beside in rival.beside.items()
        if beside.by(timer)[2] < 1.0 and name not in verdicts
    ]
    if unasked:
        return f"{', '.join(unasked)}, and the gate was not asked"
    untimed = [name for name in absent if name not in verdicts]
    return f"{', '.join(untimed)} could not run beside it" if untimed else ""


def _too_wide(rival: Rival, verdicts: Mapping[str, Verdict], timer: Timer, missed_starts: int) -> str:
    """Say who might be faster, if the race ended before that was told; who was refused is no better however fast."""
    near = [
        f"{name} takes {in_words(beside.by(timer), timer)}"
        for name, beside in rival.beside.items()
        if beside.by(timer)[1] <= 1.0 <= beside.by(timer)[2] and verdicts.get(name, "pass") == "pass"
    ]
    if not missed_starts or not near or rival.cost is None:
        return ""
    had = rival.cost.starts
    return f"{', '.join(near)}, and the race had {had} of {had + missed_starts} starts; {LARGER}"


def _why_not(rival: Rival, verdicts: Mapping[str, Verdict], timer: Timer) -> str:
    """Say how near the candidates came that ran beside a rival, and which the gate refused that did not run."""
    said = [
        f"{name} takes {in_words(beside.by(timer), timer)}, gate {VERDICTS[verdicts.get(name)]}"
        for name, beside in rival.beside.items()
    ]
    refused = [name for name in verdicts if name not in rival.beside]
    said += [f"{name} did not run beside it, gate {VERDICTS[verdicts[name]]}" for name in refused]
    return ", ".join(said) or "no candidate that draws well enough is faster than the model before"


def in_words(ratio: Ratio, timer: Timer) -> str:
    """Say a ratio of times: ``0.94 of its time (0.93 to 0.95)``."""
    return f"{ratio[0]:.3f} of its {CLOCKS[timer]} ({ratio[1]:.3f} to {ratio[2]:.3f})"
