"""A policy tried on prompts: what it decides, what it takes, and how often a disguise gets a prompt past it."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.errors import InputError, PromptError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import SAMPLES, iterate_samples
from underpaint.metrics.interval import wilson
from underpaint.pipelines.prompts import FORMATS, read_prompts
from underpaint.stages.serve.security.disguises import ALL
from underpaint.stages.serve.security.prompt_filter import Decision, PromptFilter

REPORT_EVERY = 200
UNREADABLE = "refused"
"""Instead of an action: no model could read the prompt, so it is refused whatever the policy says."""


@dataclass(frozen=True, kw_only=True)
class Passed:
    """How often a disguise gets prompts past a policy that blocks them as they are.

    Args:
        name: The disguise.
        passed: Prompts that are drawn in it.
        tried: Prompts that are blocked as they are.
    """

    name: str
    passed: int
    tried: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share, after Wilson."""
        found = wilson(self.passed, self.tried)
        return found.low, found.high


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a policy does with some prompts.

    Args:
        prompts: The prompts.
        decisions: What is decided about each; None for one that no model could read.
        seconds: Processor time of all decisions.
    """

    prompts: tuple[str, ...]
    decisions: tuple[Decision | None, ...]
    seconds: float

    @property
    def actions(self) -> Counter[str]:
        """How many prompts each action is for."""
        return Counter(map(action_of, self.decisions))

    @property
    def rules(self) -> Counter[str]:
        """How many prompts each rule holds for."""
        return Counter(hit.rule for decision in self.decisions if decision is not None for hit in decision.hits)


def action_of(decision: Decision | None) -> str:
    """Return what is done with a prompt."""
    return UNREADABLE if decision is None else decision.action


def prompts_of(path: Path) -> list[str]:
    """Return the prompts of a file, or the captions of a data set, each once.

    Args:
        path: As ``underpaint generate --prompts`` takes it, or a data set.

    Raises:
        InputError: It does not exist, is a folder without a data set, cannot be read, or holds mistakes.
        DataError: The data set's table is damaged.
    """
    if not path.exists() and path.suffix.lower() not in FORMATS:
        build = shlex.join(["underpaint", "data", "build", "stickers", "--out", str(path)])
        raise InputError(f"{path} does not exist; check the path, or build the data set first, such as by: {build}")
    if path.is_dir() and not (path / SAMPLES).is_file():
        raise InputError(
            f"{path} is a folder without {SAMPLES}, so it is no data set; name a folder that 'underpaint data build' "
            f"wrote, or a file of prompts ({', '.join(FORMATS)})"
        )
    if (path / SAMPLES).is_file():
        return list(dict.fromkeys(sample.caption for sample in iterate_samples(path)))
    return list(dict.fromkeys(row.prompt for row in read_prompts(path)))


def try_policy(prompt_filter: PromptFilter, prompts: Sequence[str], *, report: Report = silent) -> Trial:
    """Decide about prompts.

    Args:
        prompt_filter: The policy.
        prompts: The prompts.
        report: Receives progress.
    """
    decisions: list[Decision | None] = []
    seconds = 0.0
    for number, prompt in enumerate(prompts, 1):
        began = time.process_time()
        decisions.append(_decided(prompt_filter, prompt))
        seconds += time.process_time() - began
        if number % REPORT_EVERY == 0 or number == len(prompts):
            report(Progress(task="decide", done=number, total=len(prompts), unit="prompts"))
    return Trial(prompts=tuple(prompts), decisions=tuple(decisions), seconds=seconds)


def try_disguises(prompt_filter: PromptFilter, prompts: Sequence[str], *, report: Report = silent) -> list[Passed]:
    """Return how often each disguise gets prompts past a policy; none without a prompt that it blocks.

    Args:
        prompt_filter: The policy.
        prompts: Prompts; those that are blocked as they are count.
        report: Receives progress.
    """
    blocked = [prompt for prompt in prompts if action_of(_decided(prompt_filter, prompt)) == "block"]
    if not blocked:
        return []
    found: list[Passed] = []
    for name, disguise in ALL.items():
        actions = Counter(action_of(_decided(prompt_filter, disguise(prompt))) for prompt in blocked)
        passed = len(blocked) - actions["block"] - actions[UNREADABLE]
        found.append(Passed(name=name, passed=passed, tried=len(blocked)))
        report(Progress(task="disguise", done=len(found), total=len(ALL), unit="disguises"))
    return found


def _decided(prompt_filter: PromptFilter, prompt: str) -> Decision | None:
    try:
        return prompt_filter.decide(prompt)
    except PromptError:
        return None
