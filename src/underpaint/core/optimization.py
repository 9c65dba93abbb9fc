"""An optimization as data: named steps in the slots of a pipeline, in order, with one digest for equal recipes.

    {"schema_version": 1, "steps": [{"op": "steps.count@1", "slot": "sampler", "params": {"steps": 8}}]}

A step names a transform and its version; its parameters are written out, defaults too, so that a new default never
changes an old recipe. Steps stand in the order in which they are applied, which is the order of their stages.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Literal, Protocol, Self

from pydantic import Field, JsonValue, model_validator

from underpaint.core.config import Config, canonical_json, parse_json
from underpaint.core.errors import InputError
from underpaint.core.progress import Report

OP = r"^[a-z]+\.[a-z0-9_]+@[1-9][0-9]*$"
SLOT = r"^[a-z][a-z0-9_]*$"


class Stage(IntEnum):
    """When a transform is applied: what changes networks comes before what changes numbers, graphs and sampling."""

    STRUCTURE = 0
    WEIGHTS = 1
    GRAPH = 2
    SAMPLER = 3


class Step(Config):
    """One transform of one slot.

    Args:
        op: Transform and version, as ``quant.int8_dynamic@1``.
        slot: Part of the pipeline, as ``denoiser`` or ``sampler``.
        params: The transform's parameters, defaults written out.
    """

    op: str = Field(pattern=OP)
    slot: str = Field(pattern=SLOT)
    params: dict[str, JsonValue] = {}

    @property
    def name(self) -> str:
        """The transform, as ``quant.int8_dynamic``."""
        return self.op.partition("@")[0]

    @property
    def family(self) -> str:
        """What kind of transform it is, as ``quant``."""
        return self.op.partition(".")[0]

    @property
    def version(self) -> int:
        """The transform's version."""
        return int(self.op.partition("@")[2])

    def __str__(self) -> str:
        """Say it on one line, as ``steps.count@1 of sampler (steps=8)``."""
        params = ", ".join(f"{name}={canonical_json(value)}" for name, value in sorted(self.params.items()))
        return f"{self.op} of {self.slot}" + (f" ({params})" if params else "")


class OptimizationRecipe(Config):
    """Steps in the order in which they are applied; no code, no weights.

    Args:
        steps: The steps; none leaves a pipeline as it is.
    """

    schema_version: Literal[1] = 1
    steps: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _finite(self) -> Self:
        canonical_json(self.model_dump(mode="json"))  # refuses NaN and infinity, which have no canonical form
        return self

    @property
    def name(self) -> str:
        """A short name: ``o-`` and 16 characters of the digest."""
        return f"o-{self.digest()[:16]}"

    def before(self, index: int) -> OptimizationRecipe:
        """Return the recipe of the steps before one.

        Args:
            index: Of the step.
        """
        return OptimizationRecipe(steps=self.steps[:index])

    def to_json(self) -> str:
        """Return the canonical JSON: equal recipes give equal bytes."""
        return canonical_json(self.model_dump(mode="json"))

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Self:
        """Read a recipe.

        Args:
            text: JSON from outside.
            source: Where it came from; named in the error.

        Raises:
            InputError: It is no recipe.
        """
        try:
            values = parse_json(text)
        except ValueError as error:
            raise InputError(f"{source} is no recipe of an optimization: {error}") from None
        if not isinstance(values, dict):
            raise InputError(f"{source} is no recipe of an optimization: it holds no JSON object")
        return cls.parse(values, source=source)


class Refusal(Config):
    """Why a transform is not applied.

    Args:
        code: A word for programs, as ``host.cuda``.
        reason: What is the matter, as a clause for people.
        remedy: What to do instead.
    """

    code: str = Field(pattern=r"^[a-z]+\.[a-z0-9_]+$")
    reason: str
    remedy: str

    def __str__(self) -> str:
        """Say it in a sentence."""
        return f"{self.reason} [{self.code}]; {self.remedy}"


Verdict = Literal["pass", "fail", "indeterminate"]


class Change(Config):
    """How far a candidate is from the model before in one metric; above 0 is worse.

    Args:
        delta: The difference.
        low: Lower bound.
        high: Upper bound.
        n: Pictures on each side.
        margin: The largest difference that is good enough; None where none is set.
    """

    delta: float = Field(allow_inf_nan=False)
    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    n: int
    margin: float | None = None


class Judgement(Config):
    """What a judge says about a whole candidate.

    Args:
        verdict: ``pass`` alone accepts.
        reasons: Why, the most important first.
        quality: Metric to change.
        document: All that the judge found, as plain values.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    quality: dict[str, Change] = {}
    document: dict[str, JsonValue] = {}


class Readiness(Config):
    """Whether a judge can tell good from bad at all.

    Args:
        problems: Why it could accept nothing, whatever came; empty if it could.
        planted: Optimization that is known to be bad to what the judge says about it.
    """

    problems: tuple[str, ...] = ()
    planted: dict[str, Verdict] = {}


class Effort(Config):
    """Pictures that a judge draws.

    Args:
        base: To know the model before and its controls; those that lie in a cache are not counted.
        each: For each candidate.
    """

    base: int
    each: int


class Judge(Protocol):
    """Decides whether a candidate may take the place of the model before, on prompts that no search saw.

    The command line passes the gate of the evaluation in: stages do not know each other.
    """

    @property
    def identity(self) -> str:
        """Digest of everything that decides a verdict: policy, prompts, metrics."""
        ...

    def groups(self) -> frozenset[str]:
        """Return names of concepts and captions that it judges on, which a search must not see."""
        ...

    def effort(self) -> Effort:
        """Say how many pictures it draws."""
        ...

    def prepare(self, report: Report) -> Readiness:
        """Look at the model before and at controls that are known to be bad."""
        ...

    def judge(self, candidate: Path, report: Report) -> Judgement:
        """Judge a candidate.

        Args:
            candidate: The folder of the whole model, drawn by the engine that ships.
            report: Receives progress.
        """
        ...
