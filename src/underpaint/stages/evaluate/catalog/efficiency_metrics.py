"""The catalog's half on machines: time, memory, energy, carbon, money."""

from __future__ import annotations

from underpaint.stages.evaluate.catalog.metric_info import MetricInfo

ORDER_STATISTICS = "order-statistic interval, distribution-free"


def _latency(title: str, minimum: int, explanation: str) -> MetricInfo:
    """Describe a latency with its order-statistic interval."""
    return MetricInfo(
        title=title,
        unit="ms",
        direction="lower",
        minimum=minimum,
        explanation=explanation,
        source=ORDER_STATISTICS,
    )


EFFICIENCY: dict[str, MetricInfo] = {
    "latency_cold_ms": _latency("Time to the first picture", 10, "From starting the program to its first picture."),
    "latency_p50_ms": _latency("Time a picture, typical", 6, "Half of all pictures are ready within this time."),
    "latency_p90_ms": _latency("Time a picture, 9 in 10", 29, "9 of 10 pictures are ready within this time."),
    "latency_p95_ms": _latency("Time a picture, 19 in 20", 59, "19 of 20 pictures are ready within this time."),
    "latency_p99_ms": _latency("Time a picture, 99 in 100", 299, "99 of 100 pictures are ready within this time."),
    "throughput_per_s": MetricInfo(
        title="Pictures a second",
        unit="1/s",
        direction="higher",
        minimum=6,
        explanation="Pictures drawn a second when one follows the other without a pause.",
        source="count over time of back-to-back calls",
    ),
    "throughput_at_slo_per_s": MetricInfo(
        title="Pictures a second, promptly",
        unit="1/s",
        direction="higher",
        minimum=59,
        explanation="The most requests a second, arriving at random, of which 19 in 20 are still answered in the time "
        "promised.",
        source="open-loop Poisson load (MLPerf Inference server scenario, arXiv 1911.02549)",
    ),
    "peak_rss_mb": MetricInfo(
        title="Peak memory",
        unit="MB",
        direction="lower",
        minimum=1,
        explanation="The most main memory that the program held at any moment while drawing.",
        source="VmHWM of a process of its own",
    ),
    "weights_mb": MetricInfo(
        title="Size of the weights",
        unit="MB",
        direction="lower",
        minimum=1,
        explanation="How much there is to download and keep on disk.",
        source="bytes of the files",
    ),
    "flops_per_image": MetricInfo(
        title="Arithmetic a picture",
        unit="FLOP",
        direction="lower",
        minimum=1,
        explanation="Additions and multiplications that one picture takes, whatever the machine.",
        source="counted, 2 per multiply-add",
    ),
    "fraction_of_peak": MetricInfo(
        title="Share of the machine's peak",
        direction="higher",
        minimum=6,
        explanation="How much of this machine's best measured speed the model reaches while it draws.",
        source="FLOPs over latency times measured peak; Williams et al., 2009 (roofline)",
    ),
    "energy_j_per_image": MetricInfo(
        title="Energy a picture",
        unit="J",
        direction="lower",
        minimum=5,
        explanation="Energy that one picture takes; boiling a cup of water takes about 80,000 J.",
        source="counter, sampled or modelled, as tagged; arXiv 2312.02741",
    ),
    "carbon_g_per_1000": MetricInfo(
        title="Carbon for 1,000 pictures",
        unit="g",
        direction="lower",
        minimum=5,
        explanation="Greenhouse gases of the electricity for 1,000 pictures; a car emits about 120 g a kilometer.",
        source="kWh times PUE times grid intensity",
    ),
    "cost_per_1000": MetricInfo(
        title="Cost of 1,000 pictures",
        direction="lower",
        minimum=5,
        explanation="Machine time and electricity for 1,000 pictures, at the prices named in the report.",
        source="hourly price over throughput at the promised time, plus electricity",
    ),
    "training_cost": MetricInfo(
        title="Cost of the training",
        direction="lower",
        minimum=1,
        explanation="What training the model once took, at the same prices.",
        source="machine hours times hourly price",
    ),
}
