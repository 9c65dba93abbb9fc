"""The gate of the evaluation as the judge of a search, which does not know the evaluation itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from underpaint.core.optimization import Change, Effort, Judgement, Readiness, Verdict
    from underpaint.core.policy import Policy
    from underpaint.core.progress import Report
    from underpaint.pipelines.model_folder import Model
    from underpaint.stages.evaluate.config import EvaluateConfig
    from underpaint.stages.evaluate.drawing.wishes import Wish
    from underpaint.stages.evaluate.gate.verdict import GateResult, Outcome
    from underpaint.stages.evaluate.seeing.sets import DataSet

PLANTED = "int3_round_to_nearest"
PLANTED_HYBRID = "skip_last_scale"
HYBRID = "HybridPipeline"
TRIED = "the policy's controls and planted bad optimizations were tried before: readiness in frontier.json"


def planted_for(model: Model) -> tuple[str, ...]:
    """Return the optimizations that are known to be bad and fit a model."""
    return (PLANTED, PLANTED_HYBRID) if model.index.pipeline == HYBRID else (PLANTED,)


@dataclass(kw_only=True)
class GateJudge:
    """Judges by a policy, on held-out captions, with the controls of the policy and with planted bad optimizations.

    Args:
        base: Address of the model before.
        policy: What must not get worse.
        written: When the policy was written.
        suite: What is drawn and measured.
        data: The data set.
        work: Where evaluations are kept.
        planted: Names of bad optimizations.
    """

    base: str
    policy: Policy
    written: datetime
    suite: EvaluateConfig
    data: DataSet
    work: Path
    planted: tuple[str, ...]
    _latest: list[Path] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """Digest of policy, suite, data set and planted optimizations."""
        from underpaint.core.config import digest_of

        return digest_of([self.policy.digest(), self.suite.digest(), self.data.digest, list(self.planted)])

    def groups(self) -> frozenset[str]:
        """Return names of all that it judges on, and of all else that no model was trained on."""
        from underpaint.stages.optimize.search.prompts import all_groups

        wished = [wish.sample for wish in self._wishes(self._whole) if wish.sample is not None]
        held_out = [sample for sample in self.data.samples if sample.split != "train"]
        return all_groups([*wished, *held_out])

    @cached_property
    def _strict(self) -> Policy:
        """The policy that asks for the planted optimizations among its known-bad controls."""
        controls = self.policy.controls
        names = tuple(dict.fromkeys((*controls.known_bad, *self.planted)))
        return self.policy.model_copy(update={"controls": controls.model_copy(update={"known_bad": names})})

    @cached_property
    def _whole(self) -> EvaluateConfig:
        """The suite with the pictures of the last look, and all controls."""
        from underpaint.stages.evaluate.drawing.wishes import reference_samples
        from underpaint.stages.evaluate.gate.models import for_policy, plan_looks, sized, with_controls

        plan = plan_looks(self.policy, len(reference_samples(self.data.samples, self.suite)))
        size = sized(for_policy(self.suite, self.policy), *plan[self.policy.n_max])
        return with_controls(size, self._strict)

    def _wishes(self, config: EvaluateConfig) -> list[Wish]:
        from underpaint.stages.evaluate.drawing.wishes import plan_wishes

        return plan_wishes(self.data.samples, config)

    def effort(self) -> Effort:
        """Say how many pictures it draws."""
        from underpaint.core.optimization import Effort
        from underpaint.stages.evaluate.gate.models import without_controls

        each = len(self._wishes(without_controls(self._whole)))
        return Effort(base=sum(1 for _ in self._missing()), each=each)

    def _missing(self) -> Iterator[Wish]:
        """Yield what of the model before and of its altered copies lies in no cache."""
        from underpaint.core.cache import cache_folder
        from underpaint.stages.evaluate.drawing.cached import picture_path
        from underpaint.stages.evaluate.drawing.subjects import altered, open_subject
        from underpaint.stages.evaluate.drawing.wishes import without_styles
        from underpaint.stages.evaluate.run import REPEATED
        from underpaint.stages.evaluate.scores.controls import ALTERATIONS

        subject = open_subject(self.base)
        wishes = without_styles(self._wishes(self._whole), subject.styles)
        repeated = [wish for wish in wishes if wish.part in REPEATED]
        names = [name for name in self._whole.known_bad if name in ALTERATIONS]
        asked = [(subject, wishes), *((altered(subject, name, ALTERATIONS[name]), repeated) for name in names)]
        for source, wanted in asked:
            paths = ((wish, picture_path(cache_folder() / "evaluate", source.identity, wish)) for wish in wanted)
            yield from (wish for wish, path in paths if not path.is_file())

    def prepare(self, report: Report) -> Readiness:
        """Evaluate the model before with all controls, and see whether good and bad are told apart."""
        from underpaint.core.optimization import Readiness
        from underpaint.stages.evaluate.gate.models import evaluate_into
        from underpaint.stages.evaluate.gate.run import run_gate

        base = evaluate_into(self.base, self._whole, self.data, self.work, report)
        result = run_gate(base, base, self._strict, look=self.policy.looks, policy_written=self.written, report=report)
        return Readiness(
            problems=tuple(_problems(result)),
            planted={name: _verdict_on(name, result) for name in self.planted},
        )

    def judge(self, candidate: Path, report: Report) -> Judgement:
        """Judge a candidate; the controls were judged before."""
        from underpaint.core.optimization import Judgement
        from underpaint.core.policy import Controls
        from underpaint.stages.evaluate.gate.models import evaluate_into, sized, without_controls
        from underpaint.stages.evaluate.gate.run import gate_by_looks

        bare_policy = self.policy.model_copy(update={"controls": Controls()})
        plan = self._looks()

        def at(n: int) -> tuple[Path, Path]:
            size = sized(self._whole, *plan[n])
            bare = without_controls(size)
            pair = [evaluate_into(name, bare, self.data, self.work, report) for name in (str(candidate), self.base)]
            self._latest[:] = pair
            return pair[0], pair[1]

        result = gate_by_looks(at, bare_policy, policy_written=self.written, report=report)
        return Judgement(
            verdict=result.verdict,
            reasons=result.reasons,
            quality={outcome.name: change for outcome in result.outcomes if (change := _change(outcome)) is not None},
            document=_told(result),
        )

    def _looks(self) -> dict[int, tuple[int, int]]:
        from underpaint.stages.evaluate.drawing.wishes import reference_samples
        from underpaint.stages.evaluate.gate.models import plan_looks

        return plan_looks(self.policy, len(reference_samples(self.data.samples, self.suite)))


def _told(result: GateResult) -> dict[str, Any]:
    """Return a result as a document, which says where the controls are that were tried before all candidates."""
    from underpaint.stages.evaluate.gate.run import NO_CONTROLS

    notes = tuple(TRIED if note == NO_CONTROLS else note for note in result.notes)
    return result.model_copy(update={"notes": notes}).model_dump(mode="json")


def _change(outcome: Outcome) -> Change | None:
    """Return what was decided about a metric as a search keeps it; None where there is no number."""
    from underpaint.core.optimization import Change

    numbers = (outcome.delta, outcome.low, outcome.high)
    if any(number is None or not math.isfinite(number) for number in numbers):
        return None
    return Change.model_validate(
        {"delta": outcome.delta, "low": outcome.low, "high": outcome.high, "n": outcome.n, "margin": outcome.margin}
    )


def _problems(result: GateResult) -> Iterator[str]:
    """Yield why nothing could be accepted: chance alone fails, or a bad copy is not seen or not drawn."""
    controls = result.controls
    if controls.untrusted:
        yield f"with other seeds the model does not pass against itself on {', '.join(controls.untrusted)}"
    if controls.insensitive:
        yield f"no required metric fails on {', '.join(controls.insensitive)}"
    if controls.missing:
        yield f"the controls {', '.join(controls.missing)} could not be drawn"


def _verdict_on(control: str, result: GateResult) -> Verdict:
    """Return what the policy says about a planted optimization: it passes if every required metric does."""
    required = {(outcome.id, outcome.group) for outcome in result.outcomes if outcome.tier == "required"}
    found = [
        outcome.verdict
        for outcome in result.controls.outcomes
        if outcome.control == control and (outcome.id, outcome.group) in required
    ]
    if not found or "fail" in found:
        return "fail" if found else "indeterminate"
    return "pass" if all(verdict == "pass" for verdict in found) else "indeterminate"
