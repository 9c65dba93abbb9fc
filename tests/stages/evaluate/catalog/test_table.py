from __future__ import annotations

import re

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.evaluate.catalog.table import FAMILIES, METRICS, info_of

NAMES = tuple(
    """
fd fd_pca kid cmmd cmmd_v mmd_rbf mind precision recall density coverage inception_score vendi_q1 vendi_within_prompt
pairwise_distance_within_prompt psnr ssim ms_ssim feature_distance lpips authenticity nearest_ratio_flagged novelty
clip_score r_precision attribute_accuracy concept_accuracy style_accuracy tone_accuracy gender_accuracy color_accuracy
direction_accuracy composition_accuracy composition_gap colorfulness_w1 sharpness_w1 contrast_w1 fractal_dimension_w1
naturalness naturalness_w1 latency_cold_ms latency_p50_ms latency_p90_ms latency_p95_ms latency_p99_ms throughput_per_s
throughput_at_slo_per_s peak_rss_mb weights_mb flops_per_image fraction_of_peak energy_j_per_image carbon_g_per_1000
cost_per_1000 training_cost
""".split()  # noqa: SIM905
)


def test_the_catalog_holds_every_metric_of_the_plan() -> None:
    assert set(METRICS) == set(NAMES)
    assert [name for family in FAMILIES.values() for name in family] == list(METRICS)


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_has_words(name: str) -> None:
    info = METRICS[name]
    assert info.title and info.source and info.minimum >= 1 and info.version >= 1
    assert re.search(r"[a-z]{3}.*\.$", info.explanation) and len(info.explanation) <= 240
    assert "FID" not in info.title + info.explanation


def test_units_in_names_are_the_units() -> None:
    for name, info in METRICS.items():
        unit = {"ms": "ms", "mb": "MB", "s": "1/s"}.get(name.rsplit("_", 1)[-1])
        assert unit is None or info.unit == unit


@pytest.mark.parametrize(
    ("name", "entry"),
    [("fd_pca62", "fd_pca"), ("vendi_q2", "vendi_q1"), ("vendi_qinf", "vendi_q1"), ("kid", "kid")],
)
def test_parameters_are_resolved(name: str, entry: str) -> None:
    assert info_of(name) is METRICS[entry]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("kidd", "kid"),
        ("fd_pca0", "fd_pca"),
        ("latency_p95", "latency_p95_ms"),
        ("kid@pixels:12345678", "kid"),
        ("", ""),
    ],
)
def test_an_unknown_metric_is_refused_with_the_nearest_name(name: str, near: str) -> None:
    with pytest.raises(InputError, match=f"no metric {re.escape(repr(name))}; did you mean '{near}"):
        info_of(name)
