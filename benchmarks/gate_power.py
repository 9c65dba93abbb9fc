"""How often the gate is right: false alarms on identical models, and power on a model that is known to be worse.

    python benchmarks/gate_power.py [--runs 200] [--table docs/tables/gate_power.md]

Gaussian features with a power-law spectrum, so that the true distances are known; two models that draw the same prompts
and seeds have features with correlation 0.9. Every decision goes through the gate's own path: estimates with
influences, paired difference, margin, bounds. Beside it stands the rule of thumb "FID rose by more than 2 %".
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine, print_table
from numpy.typing import NDArray

from underpaint.core.policy import Margin, MetricRule, Policy
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.frechet import frechet_distance
from underpaint.metrics.interval import wilson
from underpaint.metrics.kernel import kid
from underpaint.stages.evaluate.comparing.pairing import difference_of
from underpaint.stages.evaluate.gate.run import look_at
from underpaint.stages.evaluate.gate.trial import Look, settle, try_difference
from underpaint.stages.evaluate.gate.verdict import Outcome

DIMS, REFERENCE, CORRELATION = 64, 5000, 0.9
TRUE, WORSE = 0.327, 1.19
SPREAD = 6.5  # trace of the reference's covariance
NAIVE = 1.02
SIZES = (500, 1000, 2000)
METRICS: dict[str, Callable[..., Estimate]] = {"fd": frechet_distance, "kid": kid}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """A reference and two models with known distances.

    Args:
        scales: ``[d]`` standard deviations of the reference.
        stretch: What the models multiply them by.
        shift: ``[d]`` direction in which the models are off, of length 1.
    """

    scales: Floats
    stretch: float
    shift: Floats

    def frechet(self, length: float) -> float:
        """Return the true distance of a model whose mean is off by ``length``."""
        return length**2 + float(((self.stretch - 1.0) ** 2 * self.scales**2).sum())

    def length(self, frechet: float) -> float:
        """Return by how much the mean of a model with a given true distance is off."""
        return float(np.sqrt(frechet - self.frechet(0.0)))

    def draw(self, noise: Floats, frechet: float) -> NDArray[np.float32]:
        """Return features of a model: ``[n, d]``."""
        return (noise * self.scales * self.stretch + self.length(frechet) * self.shift).astype(np.float32)


def make_world() -> World:
    """Return the world of all runs: half of the distance is in the mean, half in the covariance."""
    scales = np.arange(1, DIMS + 1) ** -0.5
    scales *= np.sqrt(SPREAD / (scales**2).sum())
    stretch = 1.0 + np.sqrt(TRUE / 2 / (scales**2).sum())
    shift = np.full(DIMS, DIMS**-0.5)
    return World(scales=scales, stretch=float(stretch), shift=shift)


def policy_of(looks: int, n_max: int) -> Policy:
    """Return the policy: not worse by 10 %."""
    rules = {"id": "fd", "tier": "required", "direction": "lower", "margin": {"relative": 0.1}}
    return Policy.model_validate(
        {"schema": "underpaint.policy/1", "name": "sim", "looks": looks, "n_max": n_max, "metrics": [rules]}
    )


RULE = MetricRule(id="fd", tier="required", direction="lower", margin=Margin(relative=0.1))


def decide(candidate: Estimate, baseline: Estimate, look: Look, policy: Policy, *, paired: bool) -> Outcome:
    """Decide by the gate's own path."""
    difference = difference_of(candidate, baseline, paired_on=("prompt_id", "seed") if paired else ())
    start = Outcome(id="fd", tier="required", mode="non_inferiority", z=look.z, look=look.number)
    trial = try_difference(RULE, start, difference)
    return settle(trial, trial.p <= policy.alpha, policy, look)


def one_run(world: World, metric: str, rng: np.random.Generator) -> dict[str, Any]:
    """Draw one baseline and its candidates, and decide in all settings."""
    n = max(SIZES)
    shared, own = rng.standard_normal((n, DIMS)), rng.standard_normal((4, n, DIMS))
    part, rest = np.sqrt(CORRELATION), np.sqrt(1 - CORRELATION)
    noise = {"paired": part * shared + rest * own[1], "unpaired": own[2]}
    measure = METRICS[metric]
    reference = (rng.standard_normal((REFERENCE, DIMS)) * world.scales).astype(np.float32)
    if metric == "kid":
        reference = reference[: max(SIZES)]
    sizes = SIZES if metric == "fd" else (500, 2000)
    found: dict[str, Any] = {}
    before = world.draw(part * shared + rest * own[0], TRUE)
    for size in sizes:
        base = measure(before[:size], reference)
        for model, truth in (("identical", TRUE), ("worse", TRUE * WORSE)):
            for pairing, values in noise.items():
                if pairing == "unpaired" and size != max(SIZES):
                    continue
                estimate = measure(world.draw(values[:size], truth), reference)
                policy = policy_of(1, size)
                outcome = decide(estimate, base, look_at(size, policy), policy, paired=pairing == "paired")
                found[f"{metric}|{model}|{pairing}|{size}"] = {
                    "verdict": outcome.verdict,
                    "beyond": outcome.beyond_margin,
                    "naive": estimate.value > NAIVE * base.value,
                    "se": outcome.se,
                    "delta": outcome.delta,
                    "power": outcome.power,
                }
    return found


def sequential_run(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Look three times on the way to the largest size, and stop when it is decided."""
    n = max(SIZES)
    shared, own = rng.standard_normal((n, DIMS)), rng.standard_normal((2, n, DIMS))
    part, rest = np.sqrt(CORRELATION), np.sqrt(1 - CORRELATION)
    reference = (rng.standard_normal((REFERENCE, DIMS)) * world.scales).astype(np.float32)
    policy, found = policy_of(3, n), {}
    for model, truth in (("identical", TRUE), ("worse", TRUE * WORSE)):
        for number in (1, 2, 3):
            size = -(-n * number // 3)
            base = frechet_distance(world.draw(part * shared + rest * own[0], TRUE)[:size], reference)
            other = frechet_distance(world.draw(part * shared + rest * own[1], truth)[:size], reference)
            outcome = decide(other, base, look_at(size, policy, number), policy, paired=True)
            if outcome.verdict != "indeterminate":
                break
        found[f"fd|{model}|3 looks|{n}"] = {"verdict": outcome.verdict, "n": size, "se": outcome.se}
    return found


def share(rows: list[dict[str, Any]], key: str, value: object) -> dict[str, float]:
    """Return how often something happened, with its interval."""
    count = sum(row.get(key) == value for row in rows)
    bounds = wilson(count, len(rows))
    return {"share": count / len(rows), "low": bounds.low, "high": bounds.high}


def summarize(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how often each verdict came, and what the standard errors promised."""
    found: dict[str, Any] = {v: share(rows, "verdict", v) for v in ("pass", "fail", "indeterminate")}
    found["runs"] = len(rows)
    found["mean_se"] = float(np.mean([row["se"] for row in rows]))
    if "delta" in rows[0]:
        found["true_sd"] = float(np.std([row["delta"] for row in rows], ddof=1))
        found["mean_power"] = float(np.mean([row["power"] for row in rows]))
        found["beyond_margin"] = share(rows, "beyond", True)
        found["naive_flags"] = share(rows, "naive", True)
    else:
        found["mean_n"] = float(np.mean([row["n"] for row in rows]))
    return found


HEAD = ["metric", "candidate", "pairing", "n", "pass", "FAIL", "undecided", "rule '+2 %' flags", "mean SE", "true SD"]


def percent(value: dict[str, float]) -> str:
    """Write a share with its interval."""
    return f"{100 * value['share']:.0f} % ({100 * value['low']:.0f}-{100 * value['high']:.0f})"


def table(results: dict[str, Any]) -> list[list[str]]:
    """Return the rows of the table."""
    rows = []
    for key, found in results.items():
        metric, model, pairing, n = key.split("|")
        shown = n if "mean_n" not in found else f"{found['mean_n']:.0f} on average, {n} at most"
        verdicts = [percent(found[v]) for v in ("pass", "fail", "indeterminate")]
        naive = percent(found["naive_flags"]) if "naive_flags" in found else ""
        spread = f"{found['true_sd']:.2g}" if "true_sd" in found else ""
        rows.append([metric, model, pairing, shown, *verdicts, naive, f"{found['mean_se']:.2g}", spread])
    return rows


def write_table(path: Path, rows: list[list[str]], runs: dict[str, int]) -> None:
    """Write the table in Markdown."""
    lines = [
        "# How often the gate is right",
        "",
        "Made by `benchmarks/gate_power.py`. Gaussian features of "
        f"{DIMS} dimensions, reference of {REFERENCE} ({max(SIZES)} for kid); true FD {TRUE}, of the worse candidate "
        f"{100 * (WORSE - 1):.0f} % more; margin 10 % of the baseline's value, alpha 0.05 one-sided. *Paired*: the two "
        f"models' features of a prompt and seed have correlation {CORRELATION}. Shares with 95 % intervals (Wilson), "
        f"{', '.join(f'{count} runs of {name}' for name, count in runs.items())}. The rule '+2 %' takes plain values.",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Simulate, print a table, write JSON and Markdown."""
    parser = argparse.ArgumentParser(description="False alarms and power of the gate.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--kid-runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "gate_power.json")
    parser.add_argument("--table", type=Path, default=Path(__file__).parents[1] / "docs" / "tables" / "gate_power.md")
    args = parser.parse_args()
    world, started = make_world(), time.perf_counter()
    rows: dict[str, list[dict[str, Any]]] = {}
    kinds = {"fd": args.runs, "kid": args.kid_runs, "three looks": args.runs}
    for index, (kind, runs) in enumerate(kinds.items()):
        for number in range(runs):
            rng = np.random.default_rng([args.seed, index, number])
            found = sequential_run(world, rng) if kind == "three looks" else one_run(world, kind, rng)
            for key, value in found.items():
                rows.setdefault(key, []).append(value)
        print(f"{kind}: {runs} runs, {time.perf_counter() - started:.0f} s")
    results = {key: summarize(values) for key, values in rows.items()}
    shown = table(results)
    print_table(HEAD, shown)
    document = {"what": "gate_power", "runs": kinds, "machine": describe_machine(), "results": results}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(document, indent=2) + "\n")
    write_table(args.table, shown, kinds)


if __name__ == "__main__":
    main()
