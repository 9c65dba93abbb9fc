"""The records of an evaluation: what ``report.json`` is made of.

Every number carries how many samples it rests on, its interval, the method, and who measured it with what. Two numbers
may be compared only when their comparison keys are equal.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from underpaint.core.config import Config

SCHEMA = "underpaint.evaluation/1"

Status = Literal["ok", "too_few", "degenerate", "not_applicable", "failed"]
Direction = Literal["lower", "higher", "none"]
Method = Literal["counter", "sampled", "modelled"]
Verdict = Literal["pass", "fail", "indeterminate"]


class Bounds(Config):
    """A confidence interval; an end is None where it is open.

    Args:
        low: Lower end.
        high: Upper end.
        level: Nominal coverage.
        method: How it was made.
        conditional_on: What was held fixed; empty if nothing.
    """

    low: float | None
    high: float | None
    level: float = 0.95
    method: str
    conditional_on: str = ""


class Measurement(Config):
    """One number of a report.

    Args:
        id: ``metric@extractor:digest8``, or the metric alone if no extractor has a part in it.
        metric: Key of ``catalog.METRICS``, with parameters filled in (``fd_pca62``).
        extractor: ``name:digest8`` of the extractor's card; empty if none.
        version: Version of the metric's definition; raised when the same samples would give another number.
        group: Slice that it was measured on, as ``level=role_tone`` or ``style=flat``; empty for all samples.
        value: The number; None unless ``status`` is ``ok``.
        value_debiased: The number with its bias removed; None if there is none to remove.
        unit: ``ms``, ``MB``, ``J``, ``g``, ...; empty for pure numbers.
        direction: Which way is better.
        n: Generated samples.
        m: Reference samples; None if there is no reference.
        num_clusters: Independent clusters among the samples.
        se: Standard error.
        interval: Confidence interval.
        status: Anything but ``ok`` has no value, and is never a pass.
        message: Why there is no value, or what a reader must know.
        dropped_dims: Feature dimensions left out because the reference does not vary in them.
        ceiling: The same score on real held-out pictures, where that is the best that can be expected.
        energy_method: How energy was obtained; None for other numbers.
        reference: Digest of the reference that it was measured against; empty if none.
        seconds: Time it took to compute.
    """

    id: str
    metric: str
    extractor: str = ""
    version: int = 1
    group: str = ""
    value: float | None = None
    value_debiased: float | None = None
    unit: str = ""
    direction: Direction = "none"
    n: int = 0
    m: int | None = None
    num_clusters: int | None = None
    se: float | None = None
    interval: Bounds | None = None
    status: Status = "ok"
    message: str = ""
    dropped_dims: int = 0
    ceiling: float | None = None
    energy_method: Method | None = None
    reference: str = ""
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What two numbers must share (besides the protocol) to be compared: id, group, version, reference."""
        return self.id, self.group, self.version, self.reference


class Curve(Config):
    """Points with intervals, for a plot.

    Args:
        id: Unique name.
        kind: ``n``, ``steps``, ``guidance``, ``reliability``, ``load``, ...
        title: What it shows.
        x_label: Name and unit of x.
        y_label: Name and unit of y.
        x: Positions.
        y: Values.
        low: Lower ends of the intervals; empty if unknown.
        high: Upper ends.
    """

    id: str
    kind: str
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    x: list[float]
    y: list[float]
    low: list[float] = []
    high: list[float] = []


class SubjectRecord(Config):
    """What was evaluated, or against what.

    Args:
        name: For people.
        identity: SHA-256: of a model's manifest, of a folder's pictures, of a reference's features.
        kind: ``model``, ``folder``, ``callable`` or ``reference``.
        n: Number of pictures; 0 if it draws as many as asked for.
        license: SPDX expression, if known.
        lineage: Role to digest of its ancestors.
        figures: Further facts, for example parameters and the cost of its training.
    """

    name: str
    identity: str
    kind: Literal["model", "folder", "callable", "reference"]
    n: int = 0
    license: str = ""
    lineage: dict[str, str] = {}
    figures: dict[str, Any] = {}


class Protocol(Config):
    """How pictures were asked for; numbers of two protocols are not compared.

    Args:
        prompts_digest: SHA-256 of the prompts with styles and seeds.
        num_prompts: Number of different prompts.
        num_seeds: Pictures a prompt.
        suite: Name of the suite.
        size: Side of the pictures in pixels.
    """

    prompts_digest: str
    num_prompts: int
    num_seeds: int
    suite: str
    size: int


class PictureRecord(Config):
    """One evaluated picture: a line of ``per_sample.jsonl``.

    Args:
        image_id: Name of the picture inside ``samples/`` without suffix.
        prompt_id: The prompt; pictures of one prompt differ in their seed.
        prompt: Its words.
        style: The style asked for; None for none.
        seed: The seed; None for a folder of pictures.
        cluster: Pictures that are not independent share it (all drawings of one concept); ``prompt_id`` if empty.
        part: The part of the protocol it belongs to: ``main``, ``composition``, ``seen``, ``varied``, ``null-1``, ...
        sha256: SHA-256 of its RGBA pixels.
        file: POSIX path inside the artifact; empty if the picture is not kept.
        scores: Score to value, for example ``same_caption_cosine@evaluator-64:1a2b3c4d``.
        reason: Why it failed, in words ("tone: expected dark, found medium"); empty if it did not.
        nearest_train: Id of the nearest training picture; empty if not looked for.
        nearest_ratio: Its distance over that of its neighborhood; None if not looked for.
        reference_file: POSIX path inside the artifact of the real picture of the same prompt; empty if none.
    """

    image_id: str
    prompt_id: str
    prompt: str
    style: str | None = None
    seed: int | None = None
    cluster: str = ""
    part: str = "main"
    sha256: str
    file: str = ""
    scores: dict[str, float] = {}
    reason: str = ""
    nearest_train: str = ""
    nearest_ratio: float | None = None
    reference_file: str = ""


class ControlRecord(Config):
    """How far a metric moved in a control: the model against itself, or against a copy that is known to be bad.

    Args:
        control: ``null-1``, ``jpeg_10``, ``shuffled_prompts``, ...
        kind: ``null`` or ``known_bad``.
        id: The metric.
        group: Slice.
        delta: Control minus model.
        se: Standard error of the paired difference.
        n: Pictures on each side.
    """

    control: str
    kind: Literal["null", "known_bad"]
    id: str
    group: str = ""
    delta: float
    se: float
    n: int


class Report(Config):
    """A whole evaluation, as ``report.json`` holds it; identical inputs differ in ``created`` and timings alone.

    Args:
        schema_id: Name and version of this format.
        created: UTC time in ISO 8601.
        command: The command that makes it again.
        subject: What was evaluated.
        reference: What it was compared with; None if nothing.
        protocol: How pictures were asked for.
        environment: Processor, cores, memory, load, versions, ``noisy``.
        extractors: Cards of the extractors, by ``name:digest8``.
        metrics: The numbers.
        curves: Plots.
        controls: Null and known-bad controls.
        efficiency: Details behind the efficiency numbers (parts of the latency, load test, prices, intensities).
        findings: What the numbers say, in plain words, the most important first.
    """

    schema_id: Literal["underpaint.evaluation/1"] = SCHEMA
    created: str
    command: str
    subject: SubjectRecord
    reference: SubjectRecord | None = None
    protocol: Protocol
    environment: dict[str, Any] = {}
    extractors: dict[str, dict[str, Any]] = {}
    metrics: list[Measurement]
    curves: list[Curve] = []
    controls: list[ControlRecord] = []
    efficiency: dict[str, Any] = {}
    findings: list[str] = Field(default_factory=list)
