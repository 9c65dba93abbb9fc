"""Plain words: what a number is called, what it means, and how it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from underpaint.core.errors import InputError
from underpaint.stages.evaluate.catalog.table import METRICS, info_of
from underpaint.stages.evaluate.page import numbers
from underpaint.stages.evaluate.record import Measurement, Report

OFFICIAL_INCEPTION = "6726825d"
"""First digits of the SHA-256 of the official Inception weights, by which its file is named everywhere."""

SHARES = frozenset(
    {"precision", "recall", "coverage", "authenticity", "nearest_ratio_flagged", "r_precision", "fraction_of_peak"}
    | {name for name in METRICS if name.endswith("_accuracy") or name == "composition_gap"}
)
"""Metrics that are shares, shown in percent."""
DIFFERENCES = frozenset({"composition_gap"})

STATUS = {
    "ok": "measured",
    "too_few": "too few samples",
    "degenerate": "not defined here",
    "not_applicable": "does not apply",
    "failed": "failed",
}
DIRECTIONS = {"lower": "lower is better", "higher": "higher is better", "none": "neither way is better"}
VERDICTS = {"pass": "Pass", "fail": "Fail", "indeterminate": "Undecided"}
METHODS = {"counter": "read from a counter", "sampled": "sampled", "modelled": "modelled, not measured"}

UNITS = {"1/s": "per s"}
"""Units that read better otherwise."""
SCORES = {
    "caption_cosine": "fit of words and picture",
    "same_caption_cosine": "fit of words and picture",
    "attribute_accuracy": "share of parts right",
    "clip_score": "fit of words and picture",
}
"""What scores of single pictures are called."""
SENTENCES = {
    "r_precision": "Among 100 captions, the one that was asked for is recognized in {} of the pictures",
    "composition_accuracy": "New combinations come out right in {} of the pictures",
    "attribute_accuracy": "Of what was asked for, {} is found in the pictures",
    "clip_score": "Words and pictures fit with {} of 100 points",
    "fd": "The pictures lie {} from real ones by {label}",
    "fd_pca": "The pictures lie {} from real ones by {label}",
    "kid": "The pictures lie {} from real ones by {label}",
    "latency_p50_ms": "A picture takes {}",
}
"""Key figures that can be said in a sentence."""

KEY_FIGURES = (
    "r_precision", "composition_accuracy", "fd_pca", "fd", "nearest_ratio_flagged", "latency_p50_ms", "peak_rss_mb",
    "attribute_accuracy", "clip_score", "kid", "throughput_per_s", "cost_per_1000", "energy_j_per_image", "recall",
    "precision", "coverage", "density", "vendi_q1",
)  # fmt: skip
"""Metrics in the order in which they are worth a card."""
MOST_CARDS = 6


def readable(name: str) -> str:
    """Turn a name of the program into words."""
    return name.replace("_", " ").strip()


def base_of(metric: str) -> str:
    """Return a metric's name without its parameters: ``fd_pca`` of ``fd_pca62``."""
    for base in ("fd_pca", "vendi_q"):
        if metric.startswith(base):
            return {"vendi_q": "vendi_q1"}.get(base, base)
    return metric


def score_text(name: str) -> str:
    """Return what the score of a single picture is called."""
    bare = name.partition("@")[0]
    return SCORES.get(bare, readable(bare))


def extractor_name(extractor: str) -> str:
    """Return an extractor's name without its digest."""
    return extractor.partition(":")[0]


def is_official_inception(card: Mapping[str, Any]) -> bool:
    """Tell whether a card is that of the Inception network that the name FID stands for."""
    return str(card.get("weights_sha256", "")).startswith(OFFICIAL_INCEPTION)


def title_of(metric: str) -> str:
    """Return a metric's title; one that the catalog does not know is called by its name."""
    try:
        return info_of(metric).title
    except InputError:
        return readable(metric)


def explanation_of(metric: str) -> str:
    """Return what a metric means; empty for one that the catalog does not know."""
    try:
        return info_of(metric).explanation
    except InputError:
        return ""


def label(metric: str, extractor: str, extractors: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what a number is called: FID with the official network alone, else FD with its extractor's name.

    Args:
        metric: Its name, with parameters filled in.
        extractor: ``name:digest8``; empty if none.
        extractors: Cards, by ``name:digest8``.
    """
    name = extractor_name(extractor)
    if metric == "fd" and is_official_inception(extractors.get(extractor, {})):
        return "FID"
    if metric == "fd":
        return f"FD ({name})"
    if metric.startswith("fd_pca"):
        directions = metric.removeprefix("fd_pca")
        return f"FD, {directions or 'main'} directions ({name})"
    return f"{title_of(metric)} ({name})" if name else title_of(metric)


def label_of(m: Measurement, extractors: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what a number is called, as ``label`` does."""
    return label(m.metric, m.extractor, extractors)


def heading_of(m: Measurement, extractors: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what a number is called where its extractor is named elsewhere; a Fréchet distance keeps it."""
    return label_of(m, extractors) if m.metric.startswith("fd") else title_of(m.metric)


def is_share(metric: str) -> bool:
    """Tell whether a metric is shown in percent."""
    return metric in SHARES


def factor_of(m: Measurement) -> tuple[float, str]:
    """Return what a value is multiplied by to be shown, and the unit that follows it."""
    if is_share(m.metric):
        return 100.0, "%"
    if m.unit == "FLOP" and m.value:
        factor, prefix = numbers.prefixed(m.value)
        return 1 / factor, f"{prefix}FLOP"
    return 1.0, UNITS.get(m.unit, m.unit)


def _scaled(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor


def _error(m: Measurement, factor: float) -> float | None:
    low, high = (m.interval.low, m.interval.high) if m.interval else (None, None)
    return _scaled(numbers.error_of(m.se, low, high), factor)


def center_of(m: Measurement) -> float:
    """Return the number that the interval is about: the one with its bias removed, where there is one.

    Raises:
        ValueError: There is no number.
    """
    center = m.value if m.value_debiased is None else m.value_debiased
    if center is None:
        raise ValueError(f"{m.id} has no value ({m.status})")
    return center


def with_unit(text: str, unit: str) -> str:
    """Put a unit behind a number."""
    return f"{text}\N{NO-BREAK SPACE}{unit}" if unit else text


def unbroken(sentence: str) -> str:
    """Keep percent signs on the line of their numbers."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def number_text(m: Measurement) -> str:
    """Write a number with its error and unit, as in ``34.2 ± 1.6 %``; why there is none, if there is none."""
    if m.value is None:
        return STATUS[m.status]
    factor, unit = factor_of(m)
    error = _error(m, factor) if unit == "%" else _scaled(m.se, factor)
    if not numbers.is_error(m.se) and unit != "%":
        return value_text(m)
    return with_unit(numbers.with_error(center_of(m) * factor, error), unit)


def value_text(m: Measurement) -> str:
    """Write a number without its error."""
    if m.value is None:
        return STATUS[m.status]
    factor, unit = factor_of(m)
    return with_unit(numbers.value_alone(center_of(m) * factor, _error(m, factor)), unit)


def interval_text(m: Measurement) -> str:
    """Write the interval of a number; empty if it has none."""
    if m.value is None or m.interval is None:
        return ""
    if m.interval.low == m.interval.high:
        return "exact"
    factor, unit = factor_of(m)
    low, high = (_scaled(end, factor) for end in (m.interval.low, m.interval.high))
    text = numbers.span(low, high, _error(m, factor))
    return with_unit(text, unit) if text else ""


def level_text(m: Measurement) -> str:
    """Write the coverage of a number's interval, as in ``95 %``."""
    return f"{numbers.plain(round((m.interval.level if m.interval else 0.95) * 100, 3))} %"


def uncorrected_text(m: Measurement) -> str:
    """Write the number as papers give it, where the one shown has its bias removed; else nothing."""
    if m.value is None or m.value_debiased is None:
        return ""
    factor, unit = factor_of(m)
    return with_unit(numbers.value_alone(m.value * factor, _error(m, factor)), unit)


def ceiling_text(m: Measurement) -> str:
    """Write what real pictures score; empty if that is unknown."""
    if m.ceiling is None:
        return ""
    factor, unit = factor_of(m)
    return with_unit(numbers.value_alone(m.ceiling * factor, _error(m, factor)), unit)


def group_text(group: str) -> str:
    """Turn a slice into words: ``level=role_tone`` into ``role tone``."""
    return readable(group.partition("=")[2] or group) or "all"


def measured(metrics: Iterable[Measurement]) -> list[Measurement]:
    """Return the numbers over all samples that there are."""
    return [m for m in metrics if not m.group and m.value is not None]


def key_figures(report: Report) -> list[Measurement]:
    """Return the numbers worth a card: at most one of a kind, the first extractor's, and one Fréchet distance."""
    found: list[Measurement] = []
    for name in KEY_FIGURES:
        for m in measured(report.metrics):
            if base_of(m.metric) == name and not (
                name == "fd" and any(other.metric.startswith("fd") for other in found)
            ):
                found.append(m)
                break
    return found[:MOST_CARDS]


def summary(report: Report) -> str:
    """Say the first key figure in a sentence with its interval."""
    figures = key_figures(report)
    if not figures:
        return "No number could be measured; the table below says why."
    m = figures[0]
    interval = interval_text(m)
    bounds = f" ({level_text(m)} interval {interval})" if interval else ""
    real = f"; for real pictures it is {ceiling_text(m)}" if m.ceiling is not None else ""
    label = label_of(m, report.extractors)
    said = SENTENCES.get(base_of(m.metric), "{label}: {}").format(value_text(m), label=label)
    return unbroken(f"{said}{bounds}{real}.")


def listing(parts: Sequence[str]) -> str:
    """Join words as a sentence does."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
