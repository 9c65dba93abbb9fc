"""The policy of a gate: which numbers must not get worse, by how much, and how sure one must be.

Margins are set before the candidate is seen. A policy is strict: what it does not know, it refuses, since a key with a
typing mistake would be a check that silently does not happen.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, ValidationError, field_validator, model_validator

from underpaint.core.config import Config, in_words, shown
from underpaint.core.errors import PolicyError

SCHEMA = "underpaint.policy/1"
WORST = "worst"
NEXT = "mend the lines named above; docs/examples/policy.yaml is a whole policy to compare with"
"""The end of the message about a policy that is not sound."""
PAIRINGS = ((), ("prompt_id",), ("prompt_id", "seed"))

Tier = Literal["required", "supporting", "advisory"]
Mode = Literal["non_inferiority", "equivalence", "limit"]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
MetricId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.]+(@[A-Za-z0-9_.-]+(:[0-9a-f]{8})?)?$")]


class Margin(Config):
    """How much worse is still good enough; exactly one of the two.

    Args:
        relative: Share of the baseline's value, for example 0.10 for 10 %.
        absolute: In the metric's own unit.
    """

    relative: Annotated[Number, Field(gt=0, lt=1)] | None = None
    absolute: Annotated[Number, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.relative is None) == (self.absolute is None):
            raise ValueError("give exactly one of 'relative' and 'absolute'")
        return self


class MetricRule(Config):
    """What is asked of one metric.

    Args:
        id: ``metric@extractor:digest8``; without the digest it means the only extractor of that name, and a metric
            that no extractor has a part in is its name alone.
        group: Slice; empty for all samples, ``worst`` for every slice that the reports hold.
        tier: ``required`` decides, ``supporting`` must not fail, ``advisory`` is only shown.
        direction: Which way is better.
        mode: ``non_inferiority`` (not worse by the margin), ``equivalence`` (neither worse nor better by the margin),
            or ``limit`` (the candidate alone, against a number).
        margin: For the first two modes; an advisory metric may go without.
        limit: For ``limit``: the number, in the metric's unit.
        accept_methods: How energy may have been obtained; empty for any.
    """

    id: MetricId
    group: str = ""
    tier: Tier
    direction: Literal["lower", "higher"]
    mode: Mode = "non_inferiority"
    margin: Margin | None = None
    limit: Number | None = None
    accept_methods: tuple[Literal["counter", "sampled", "modelled"], ...] = ()

    @property
    def metric(self) -> str:
        """The metric's name without the extractor."""
        return self.id.partition("@")[0]

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Self:
        if self.mode == "limit":
            if self.limit is None or self.margin is not None:
                raise ValueError("mode 'limit' needs 'limit' and no 'margin'")
        elif self.limit is not None:
            raise ValueError(f"'limit' belongs to mode 'limit', but the mode is {self.mode!r}")
        elif self.margin is None and self.tier != "advisory":
            example = "margin: {relative: 0.10}"
            raise ValueError(f"a {self.tier} metric needs a margin, the largest loss that passes, as in {example}")
        return self


class NullControl(Config):
    """The baseline against itself with other seeds, which must pass.

    Args:
        seed_sets: How many other sets of seeds.
    """

    seed_sets: Annotated[int, Field(strict=True, ge=1, le=100)]


class Controls(Config):
    """Proofs that the policy can tell good from bad; what is named here must stand in the baseline's report.

    Args:
        null: The baseline against itself; None for no such proof.
        known_bad: Controls of which each must fail on some required metric.
    """

    null: NullControl | None = None
    known_bad: tuple[str, ...] = ()

    @field_validator("known_bad")
    @classmethod
    def _named_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        _refuse_twice(names, "control")
        return names


def _refuse_twice(names: Collection[str], what: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what} {twice[0]!r} stands twice; leave one")


class Policy(Config):
    """A gate's policy.

    Args:
        schema_id: Name and version of this format; ``schema`` in a file.
        name: For people.
        alpha: One-sided probability of a wrong pass of a required metric.
        min_power: Least probability that an equally good candidate passes with ``n_max`` pictures.
        looks: How often one may look on the way to ``n_max`` pictures.
        n_max: Most pictures that are drawn to decide.
        pair_on: What pictures of two models are paired on: prompt and seed, the prompt alone, or nothing.
        metrics: What is asked of each metric.
        controls: Proofs that the policy can tell good from bad.
    """

    schema_id: Literal["underpaint.policy/1"] = Field(alias="schema")
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    alpha: Annotated[Number, Field(gt=0, lt=0.5)] = 0.05
    min_power: Annotated[Number, Field(gt=0, lt=1)] = 0.8
    looks: Annotated[int, Field(strict=True, ge=1, le=3)] = 1
    n_max: Annotated[int, Field(strict=True, ge=1)] = 2000
    pair_on: tuple[Literal["prompt_id", "seed"], ...] = ("prompt_id", "seed")
    metrics: tuple[MetricRule, ...]
    controls: Controls = Controls()

    @field_validator("pair_on")
    @classmethod
    def _can_be_paired(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if keys not in PAIRINGS:
            raise ValueError("pair on [prompt_id, seed], on [prompt_id], or on nothing: []")
        return keys

    @field_validator("metrics")
    @classmethod
    def _decide_something(cls, metrics: tuple[MetricRule, ...]) -> tuple[MetricRule, ...]:
        if not any(rule.tier == "required" for rule in metrics):
            raise ValueError("no metric is required, so everything would pass; give one the tier 'required'")
        _refuse_twice([f"{rule.id} {rule.group}".strip() for rule in metrics], "metric")
        return metrics


_SECTIONS: dict[str, type[BaseModel]] = {
    "": Policy,
    "metrics": MetricRule,
    "margin": Margin,
    "controls": Controls,
    "null": NullControl,
}


def _named(given: Any) -> Any:
    """Return what a message shows of a value: of a metric its id, which finds the line in the file."""
    return given["id"] if isinstance(given, dict) and "id" in given else given


def _describe(problem: Any) -> str:
    """Return one problem of a validation: key, what is wrong, the value got, what is allowed."""
    where = ".".join(map(str, problem["loc"])) or "policy"
    got = "" if problem["type"] == "missing" else f" (got {shown(_named(problem['input']))})"
    if problem["type"] != "extra_forbidden":
        return f"{where}: {in_words(problem['type'], problem['msg'])}{got}"
    names = [part for part in problem["loc"] if isinstance(part, str)]
    fields = _SECTIONS[names[-2] if len(names) > 1 else ""].model_fields
    allowed = [field.alias or name for name, field in fields.items()]
    near = difflib.get_close_matches(names[-1], allowed, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{where}: there is no such key{got}; {hint}allowed are {', '.join(allowed)}"


def _is_known(metric: str, known: Collection[str]) -> bool:
    """Tell whether a name is in the list; ``<k>`` in a listed name stands for a number."""
    patterns = (re.sub(r"<\w+>", r"(\\d+(\\.\\d+)?|inf)", re.escape(name)) for name in known)
    return any(re.fullmatch(pattern, metric) for pattern in patterns)


def _check_metrics(policy: Policy, source: str, known: Collection[str]) -> None:
    for index, rule in enumerate(policy.metrics):
        if not _is_known(rule.metric, known):
            near = difflib.get_close_matches(rule.metric, known, n=1, cutoff=0.0)
            raise PolicyError(
                f"{source}: metrics.{index}.id: there is no metric {rule.metric!r:.60}; did you mean {near[0]!r}? "
                f"Known are {', '.join(sorted(known))}"
            )


def parse_policy(values: Any, *, source: str, known: Collection[str]) -> Policy:
    """Check a policy that came from outside.

    Args:
        values: What the file holds.
        source: The file; named in errors.
        known: Names of metrics; ``<k>`` in one stands for a number, as in ``fd_pca<k>``.

    Raises:
        PolicyError: A key is unknown or missing, a value is out of range, a metric does not exist, or none is required.
    """
    if not isinstance(values, dict):
        raise PolicyError(f"{source}: a policy is a mapping that begins with 'schema: {SCHEMA}', got {shown(values)}")
    try:
        policy = Policy.model_validate(values)
    except ValidationError as error:
        problems = [_describe(problem) for problem in error.errors()]
        raise PolicyError("\n  ".join([f"{source}: this is no sound policy", *problems, NEXT])) from None
    _check_metrics(policy, source, known)
    return policy
