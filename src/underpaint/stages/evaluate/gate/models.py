"""The gate for models that are not evaluated yet: evaluations are made on the way, as large as the look asks for."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from underpaint.core.artifact import MANIFEST, read_manifest
from underpaint.core.config import digest_of
from underpaint.core.errors import InputError
from underpaint.core.policy import Policy
from underpaint.core.progress import Report, silent
from underpaint.stages.evaluate.catalog.efficiency_metrics import EFFICIENCY
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.wishes import reference_samples
from underpaint.stages.evaluate.opening import open_data, open_source
from underpaint.stages.evaluate.run import parents_of, run
from underpaint.stages.evaluate.seeing.sets import DataSet
from underpaint.stages.evaluate.writing import KIND


def is_evaluation(folder: Path) -> bool:
    """Tell whether a folder is an evaluation."""
    return (folder / MANIFEST).is_file() and read_manifest(folder).kind == KIND


def plan_looks(policy: Policy, available: int) -> dict[int, tuple[int, int]]:
    """Return prompts and seeds a prompt for the number of pictures of each look.

    Looks are equally far apart in pictures, as their bounds ask for, and each holds the pictures of the one before:
    neither prompts nor seeds become fewer. More seeds of the same prompts tell less than as many prompts would, so the
    early looks hold a larger part of all information than their bounds assume, which errs on the safe side.

    Args:
        policy: Says how many looks and pictures.
        available: Prompts that there are.
    """
    plan, most = {}, available
    for number in range(policy.looks, 0, -1):
        n = math.ceil(policy.n_max * number / policy.looks)
        repeats = math.ceil(n / most)
        most = math.ceil(n / repeats)
        plan[n] = most, repeats
    return plan


def sized(config: EvaluateConfig, prompts: int, repeats: int) -> EvaluateConfig:
    """Return the suite with so many prompts in the main part, and so many seeds of each."""
    return config.model_copy(update={"main": prompts, "repeats": repeats})


def with_controls(config: EvaluateConfig, policy: Policy) -> EvaluateConfig:
    """Return the suite with the controls that a policy asks for."""
    null, known_bad = policy.controls.null, policy.controls.known_bad
    return config.model_copy(update={"null_sets": null.seed_sets if null else 0, "known_bad": known_bad})


def without_controls(config: EvaluateConfig) -> EvaluateConfig:
    """Return the suite without controls: they are the baseline's affair."""
    return config.model_copy(update={"null_sets": 0, "known_bad": ()})


def for_policy(config: EvaluateConfig, policy: Policy) -> EvaluateConfig:
    """Return the suite without what no metric of a policy needs: timing takes minutes."""
    asked = {metric.id.partition("@")[0] for metric in policy.metrics}
    return config if asked & EFFICIENCY.keys() else config.model_copy(update={"efficiency": ""})


def evaluate_into(name: str, config: EvaluateConfig, data: DataSet, work: Path, report: Report = silent) -> Path:
    """Evaluate a model or a folder of pictures, unless the very same evaluation lies in ``work`` already.

    Args:
        name: The model or folder.
        config: The suite.
        data: The data set.
        work: Where evaluations are kept.
        report: Receives progress.
    """
    source = open_source(name, data, config, report)
    out = work / digest_of([config.digest(), parents_of(source, data)])[:24]
    run(config, source, data, out, report, command=f"underpaint evaluate {name}")
    return out


def evaluated_at(
    candidate: str,
    baseline: str,
    policy: Policy,
    config: EvaluateConfig,
    dataset: Path,
    work: Path,
    report: Report = silent,
) -> Callable[[int], tuple[Path, Path]]:
    """Return what evaluates two models with the pictures of a look, for ``gate_by_looks``.

    The baseline is evaluated with the policy's controls, the candidate without.

    Args:
        candidate: A model, a folder of pictures, or a finished evaluation.
        baseline: Likewise.
        policy: Says which controls.
        config: The suite.
        dataset: The data set.
        work: Where evaluations are kept.
        report: Receives progress.

    Raises:
        InputError: One is an evaluation and the other is not.
    """
    finished = [is_evaluation(Path(name)) for name in (candidate, baseline)]
    if any(finished):
        known, other = (candidate, baseline) if finished[0] else (baseline, candidate)
        raise InputError(f"{known} is an evaluation and {other} a model; evaluate it first, with the same suite")
    data = open_data(dataset, config)
    plan = plan_looks(policy, len(reference_samples(data.samples, config)))

    def at(n: int) -> tuple[Path, Path]:
        size = sized(for_policy(config, policy), *plan[n])
        return (
            evaluate_into(candidate, without_controls(size), data, work, report),
            evaluate_into(baseline, with_controls(size, policy), data, work, report),
        )

    return at
