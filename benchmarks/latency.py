"""How long one picture takes on a CPU in plain torch, and in what memory: batch 1, one and two threads, 64 and 128 px.

Besides saved models, fresh hybrid models of the recipes' architectures for 128 pixels are timed: their weights are
random, which speeds do not depend on, so they say how long a trained one would take, never how it draws. All cases are
timed in turn, picture by picture, so that a disturbance hits all; peak memory is read in processes of their own. The
share of the peak is that of matrix products measured on the same machine with as many threads. Several threads wait for
each other, so on a busy machine they are far slower than one: look at the loads that are recorded.

    python benchmarks/latency.py --model stickers-64 --work DIR [--rival FOLDER] [--threads 1 2]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from machine import print_table, write_document

from underpaint.core.errors import InputError
from underpaint.learning.seeding import initialized_by
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.pipelines.generator import Generator, load
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.hybrid_config import HybridConfig
from underpaint.pipelines.saved import save_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.recipes import sticker_64, sticker_128
from underpaint.runtime.clock import SystemClock
from underpaint.runtime.host import describe_host, noise
from underpaint.runtime.memory import MB
from underpaint.runtime.peak import Peak, measure_peak
from underpaint.stages.evaluate.efficiency.compute import count, fraction
from underpaint.stages.evaluate.efficiency.latency import PERCENTILES, percentile, timed_ms
from underpaint.stages.evaluate.efficiency.memory import run_probe
from underpaint.stages.evaluate.record import Measurement
from underpaint.stages.train.conditions import STYLES
from underpaint.stages.train.networks import build_networks
from underpaint.stages.train.recipe import HybridRecipe


def tiny_at_128() -> HybridRecipe:
    """Return the ``tiny`` tier with the scales of 128 pixels, which no recipe trains yet."""
    base, larger = sticker_64.tiny(), sticker_128.small()
    tokenizer = base.tokenizer.model_copy(update={"schedule": larger.tokenizer.schedule})
    changes = {"image_size": larger.image_size, "tokenizer": tokenizer, "sampling": larger.sampling}
    return base.model_copy(update=changes)


TIERS: dict[str, Callable[[], HybridRecipe]] = {
    "nano": sticker_128.nano,
    "tiny": tiny_at_128,
    "small": sticker_128.small,
}
"""Architectures for 128 pixels."""
AIMS_MS = {64: 100.0, 128: 400.0}
AIM_MB = 1000.0
WARM_UPS = 5
REQUESTS = tuple(
    DrawRequest(caption=caption, style=style, seed=seed)
    for seed, (caption, style) in enumerate(
        [
            ("a smiling cat with sunglasses", "cartoon"),
            ("a red apple", "flat"),
            ("a rocket", "gradient"),
            ("woman firefighter with dark skin tone", "cartoon"),
            ("a blue whale", "flat"),
            ("a slice of pizza", "line-art"),
        ]
    )
)


def fresh(tier: str, words: Generator) -> HybridPipeline:
    """Return a hybrid pipeline for 128 pixels with random weights and the text table of another model.

    Args:
        tier: A key of ``TIERS``.
        words: A model whose text table is taken over.
    """
    recipe = TIERS[tier]()
    tokens = recipe.tokenizer
    with initialized_by(0):
        quantizer = MultiScaleQuantizer(
            QuantizerConfig(kind=tokens.kind, schedule=tokens.schedule, codebook_size=tokens.codebook_size)
        )
        autoencoder = Autoencoder(AutoencoderConfig(widths=tokens.widths))
    pipeline = words.pipeline
    if not isinstance(pipeline, TextToPicture):
        raise InputError("the model that lends its text table is none of underpaint's own; leave --model out")
    encoder = pipeline.text_encoder
    networks = build_networks(recipe.generator, quantizer, {"table": encoder.table, "weight": encoder.weight})
    parts = {"text_encoder": networks.text_encoder, "transformer": networks.transformer, "residual": networks.residual}
    return HybridPipeline(
        text_tokenizer=pipeline.text_tokenizer,
        autoencoder=autoencoder.eval(),
        quantizer=quantizer.eval(),
        config=HybridConfig(styles=STYLES, **recipe.sampling.model_dump()),
        **{name: part.eval() for name, part in parts.items()},  # pyright: ignore[reportArgumentType]
    )


def fresh_folder(tier: str, words: Generator, work: Path) -> Path:
    """Return the folder of a model with random weights, saved once."""
    folder = work / f"random-128-{tier}"
    if not folder.exists():
        save_pipeline(fresh(tier, words), folder, stage="benchmark", config=TIERS[tier](), parents={})
    return folder


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model with a number of threads.

    Args:
        name: For people.
        generator: The model.
        threads: CPU threads.
        random: Whether its weights are random.
    """

    name: str
    generator: Generator
    threads: int
    random: bool

    def draw(self, index: int) -> None:
        """Draw the request of an index, going round."""
        self.generator.pipeline.threads = self.threads
        self.generator.pipeline.draw([REQUESTS[index % len(REQUESTS)]])


def cases_of(args: argparse.Namespace) -> list[Case]:
    """Open every model."""
    model = load(args.model, engine="torch")
    models = {model.model.name: (model, False)}
    if args.rival:
        rival = load(args.rival, engine="torch")
        models[rival.model.name] = (rival, False)
    for tier in args.tiers:
        models[f"random 128 {tier}"] = (load(fresh_folder(tier, model, args.work), engine="torch"), True)
    return [
        Case(name=name, generator=generator, threads=threads, random=random)
        for name, (generator, random) in models.items()
        for threads in args.threads
    ]


def times_of(cases: list[Case], runs: int) -> list[list[float]]:
    """Return the milliseconds of every case, timed in turn, forwards and backwards by turns."""
    clock, times = SystemClock(), [[] for _ in cases]
    for run in range(-WARM_UPS, runs):
        numbered = list(enumerate(cases))
        for number, case in numbered if run % 2 else reversed(numbered):
            spent = timed_ms(lambda case=case, run=run: case.draw(run), clock)
            if run >= 0:
                times[number].append(spent)
    return times


def brief(number: Measurement) -> dict[str, Any]:
    """Return a number for JSON."""
    interval = number.interval
    return {
        "value": number.value,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "n": number.n,
        "status": number.status,
        "message": number.message,
    }


def memory_of(case: Case, runs: int) -> dict[str, float]:
    """Return megabytes of new processes that import, load and draw: the largest of some runs."""
    case.generator.pipeline.threads = case.threads
    probes = [run_probe(case.generator, REQUESTS[:4]) for _ in range(runs)]
    return {f"{key}_mb": max(probe[key] for probe in probes) / MB for key in probes[0]}


def result_of(case: Case, times: list[float], peak: Peak, memory_runs: int) -> dict[str, Any]:
    """Return everything about one case."""
    numbers = {name: percentile(f"latency_{name}_ms", times, q) for name, q in PERCENTILES.items()}
    _, flops = count(case.generator, REQUESTS[0])
    size, median = case.generator.pipeline.image_size, numbers["p50"]
    memory = memory_of(case, memory_runs)
    return {
        "model": case.generator.model.digest,
        "random_weights": case.random,
        "parameters": sum(
            p.numel() for module in case.generator.networks.modules.values() for p in module.parameters()
        ),
        "size": size,
        "threads": case.threads,
        "latency_ms": {name: brief(number) for name, number in numbers.items()},
        "aim_ms": AIMS_MS.get(size),
        "met": median.interval is not None and (median.interval.high or 0.0) < AIMS_MS.get(size, 0.0),
        "flops": flops.total,
        "fraction_of_peak": brief(fraction(flops, peak, median)),
        "memory": memory,
        "memory_met": memory["peak_mb"] < AIM_MB,
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Time all cases and put the results together."""
    cases = cases_of(args)
    moments = [describe_host()]
    times = times_of(cases, args.runs)
    moments.append(describe_host())
    peaks = {threads: measure_peak(num_threads=threads, seconds=args.peak_seconds) for threads in args.threads}
    return {
        "runs": args.runs,
        "loads": [moment.load_average for moment in moments],
        "noise": noise(moments),
        "peak_flops_per_s": {str(threads): peak.flops_per_s for threads, peak in peaks.items()},
        "torch": torch.__version__,
        "results": {
            f"{case.name}, {case.threads} thread{'s' if case.threads > 1 else ''}": result_of(
                case, spent, peaks[case.threads], args.memory_runs
            )
            for case, spent in zip(cases, times, strict=True)
        },
    }


def cell(number: dict[str, Any], digits: int = 0) -> str:
    """Return a number with its interval as the table has it."""
    if number["value"] is None:
        return f"({number['status']})"
    ends = "" if number["low"] is None else f" ({number['low']:.{digits}f}-{number['high']:.{digits}f})"
    return f"{number['value']:.{digits}f}{ends}"


def show(found: dict[str, Any]) -> None:
    """Print the table and what disturbed it."""
    rows = [
        [
            name,
            str(one["size"]),
            cell(one["latency_ms"]["p50"]),
            cell(one["latency_ms"]["p95"]),
            f"{one['aim_ms'] or 0:.0f}: {'met' if one['met'] else 'missed'}",
            f"{one['flops'] / 1e9:.2f}",
            cell(one["fraction_of_peak"], 2),
            f"{one['memory']['peak_mb']:.0f}",
        ]
        for name, one in found["results"].items()
    ]
    print_table(["batch 1", "px", "median ms", "p95 ms", "aim ms", "GFLOP", "share of peak", "peak MB"], rows)
    print(f"load before and after: {found['loads']}; {'; '.join(found['noise']) or 'quiet'}")


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-m", "--model", help="the shipped model if left out")
    parser.add_argument("--rival", help="another saved model, timed in turn with the first")
    parser.add_argument("--tiers", nargs="*", choices=tuple(TIERS), default=list(TIERS), help="random models of 128 px")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=100, help="pictures a case; 59 support the 95th percentile")
    parser.add_argument("--memory-runs", type=int, default=3)
    parser.add_argument("--peak-seconds", type=float, default=2.0)
    parser.add_argument("--work", type=Path, required=True, help="where the random models lie")
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results" / "latency.json")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table, write JSON."""
    args = parse()
    args.work.mkdir(parents=True, exist_ok=True)
    found = measure(args)
    show(found)
    write_document(args.json, "latency", **found)


if __name__ == "__main__":
    main()
