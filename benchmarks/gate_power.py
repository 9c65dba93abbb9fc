"""How often the gate is right: on identical models, on one worse by exactly the margin, and on one that is much worse.

    python benchmarks/gate_power.py [--runs 200] [--table docs/tables/gate_power.md]

Gaussian features with a power-law spectrum, so that the true distances are known; two models that draw the same prompts
and seeds have features with correlation 0.9. Every decision goes through the gate's own path: estimates with
influences, paired difference, margin, bounds. Shares are pairs of right and wrong pictures.
Beside it stands the rule of thumb "FID rose by more than 2 %".
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from gate_world import DIMS, TRUE, Floats, World, make_world
from machine import print_table, write_document

from underpaint.core.policy import Margin, MetricRule, Policy
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.frechet import frechet_distance
from underpaint.metrics.interval import wilson
from underpaint.metrics.kernel import kid
from underpaint.stages.evaluate.comparing.pairing import difference_of
from underpaint.stages.evaluate.gate.run import look_at
from underpaint.stages.evaluate.gate.trial import Look, settle, try_difference
from underpaint.stages.evaluate.gate.verdict import Outcome

REFERENCE, CORRELATION, WORSE = 5000, 0.9, 1.19
NAIVE = 1.02
SIZES = (500, 1000, 2000)
RELATIVE, ABSOLUTE = 0.10, 0.03
SHARE_SIZES, RATES, MUTUAL = (30, 96, 368), (0.06, 0.5, 0.98, 1.0), 0.03
SMALL = 500
METRICS: dict[str, Callable[..., Estimate]] = {"fd": frechet_distance, "kid": kid}


def policy_of(looks: int, n_max: int) -> Policy:
    """Return the policy: not worse by 10 %."""
    rules = {"id": "fd", "tier": "required", "direction": "lower", "margin": {"relative": RELATIVE}}
    return Policy.model_validate(
        {"schema": "underpaint.policy/1", "name": "sim", "looks": looks, "n_max": n_max, "metrics": [rules]}
    )


SHARE_RULE = MetricRule(id="r_precision", tier="required", direction="higher", margin=Margin(absolute=ABSOLUTE))
RULE = MetricRule(id="fd", tier="required", direction="lower", margin=Margin(relative=RELATIVE))


def decide(
    candidate: Estimate, baseline: Estimate, look: Look, policy: Policy, *, paired: bool, rule: MetricRule = RULE
) -> Outcome:
    """Decide by the gate's own path."""
    difference = difference_of(candidate, baseline, paired_on=("prompt_id", "seed") if paired else ())
    start = Outcome(id=rule.id, tier="required", mode="non_inferiority", z=look.z, look=look.number)
    trial = try_difference(rule, start, difference)
    return settle(trial, trial.p <= policy.alpha, policy, look)


def models_of(world: World, metric: str) -> dict[str, float]:
    """Return the true Fréchet distance of each candidate."""
    return {
        "identical": TRUE,
        "at the margin": world.truth(metric, 1 + RELATIVE),
        "worse": TRUE * WORSE,
    }


def one_run(world: World, metric: str, sizes: tuple[int, ...], rng: np.random.Generator) -> dict[str, Any]:
    """Draw one baseline and its candidates, and decide in all settings."""
    n = max(sizes)
    shared, own = rng.standard_normal((n, DIMS)), rng.standard_normal((3, n, DIMS))
    part, rest = np.sqrt(CORRELATION), np.sqrt(1 - CORRELATION)
    noise = {"paired": part * shared + rest * own[1], "unpaired": own[2]}
    measure, count = METRICS[metric], REFERENCE if metric == "fd" else 2 * SMALL if n == SMALL else max(SIZES)
    reference = (rng.standard_normal((count, DIMS)) * world.scales).astype(np.float32)
    found: dict[str, Any] = {}
    before = world.draw(part * shared + rest * own[0], TRUE)
    for size in sizes:
        base = measure(before[:size], reference)
        for model, truth in models_of(world, metric).items():
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
    policy, found, bases = policy_of(3, n), {}, {}
    for model, truth in models_of(world, "fd").items():
        for number in (1, 2, 3):
            size = -(-n * number // 3)
            if size not in bases:
                bases[size] = frechet_distance(world.draw(part * shared + rest * own[0], TRUE)[:size], reference)
            other = frechet_distance(world.draw(part * shared + rest * own[1], truth)[:size], reference)
            outcome = decide(other, bases[size], look_at(size, policy, number), policy, paired=True)
            if outcome.verdict != "indeterminate":
                break
        found[f"fd|{model}|3 looks|{n}"] = {"verdict": outcome.verdict, "n": size, "se": outcome.se}
    return found


def share_estimate(hits: Floats) -> Estimate:
    """Return the share of right pictures, with its influences."""
    return Estimate(value=float(hits.mean()), n=len(hits), influence=hits - hits.mean())


def share_row(n: int, lost: int, gained: int) -> dict[str, Any]:
    """Decide about a share, of which so many pairs were lost and gained."""
    candidate, baseline = np.ones(n), np.ones(n)
    candidate[:lost] = 0.0
    baseline[lost : lost + gained] = 0.0
    policy = policy_of(1, n)
    outcome = decide(
        share_estimate(candidate), share_estimate(baseline), look_at(n, policy), policy, paired=True, rule=SHARE_RULE
    )
    return {"verdict": outcome.verdict, "se": outcome.se, "delta": outcome.delta}


def share_runs(runs: int, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Decide about shares of the baseline's rates, many times; equal counts of pairs are decided once."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for n, rate, (model, drop) in product(SHARE_SIZES, RATES, (("identical", 0.0), ("at the margin", ABSOLUTE))):
        mutual = min(MUTUAL, 1 - rate)
        rng = np.random.default_rng([seed, n, int(100 * rate), int(100 * drop)])
        drawn = rng.multinomial(n, [mutual + drop, mutual, 1 - drop - 2 * mutual], size=runs)
        cells, counts = np.unique(drawn, axis=0, return_counts=True)
        key = f"share of {rate:g}|{model}|paired|{n}"
        rows[key] = [
            row
            for (lost, gained, _), count in zip(cells.tolist(), counts.tolist(), strict=True)
            for row in [share_row(n, lost, gained)] * count
        ]
    return rows


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
    if "power" in rows[0]:
        found["mean_power"] = float(np.mean([row["power"] for row in rows]))
        found["beyond_margin"] = share(rows, "beyond", True)
        found["naive_flags"] = share(rows, "naive", True)
    if "n" in rows[0]:
        found["mean_n"] = float(np.mean([row["n"] for row in rows]))
    return found


HEAD = ["metric", "candidate", "pairing", "n", "pass", "FAIL", "undecided", "rule '+2 %' flags", "mean SE", "true SD"]


def percent(value: dict[str, float]) -> str:
    """Write a share with its interval."""
    return f"{100 * value['share']:.1f} % ({100 * value['low']:.1f}-{100 * value['high']:.1f})"


def extremes(results: dict[str, Any]) -> str:
    """Say what the worst rows are, with the upper end of their intervals."""
    said = []
    for model, verdict, words in (
        ("identical", "fail", "A false alarm (FAIL on an identical model)"),
        ("at the margin", "pass", "A wrong pass (of a model worse by exactly the margin; alpha allows 5 %)"),
    ):
        rows = {key: found[verdict] for key, found in results.items() if key.split("|")[1] == model}
        worst = max(rows, key=lambda key: rows[key]["share"])
        widest = max(rows, key=lambda key: rows[key]["high"])
        where, loose = (" ".join(key.replace(f"|{model}", "").split("|")) for key in (worst, widest))
        said.append(
            f"{words} came in {100 * rows[worst]['share']:.1f} % of the runs of the worst row ({where}). No row's "
            f"interval goes beyond {100 * rows[widest]['high']:.1f} % ({loose}): that much these runs cannot rule out."
        )
    return " ".join(said)


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


def write_table(path: Path, results: dict[str, Any], runs: dict[str, int]) -> None:
    """Write the table in Markdown."""
    lines = [
        "# How often the gate is right",
        "",
        "Made by `benchmarks/gate_power.py`. Gaussian features of "
        f"{DIMS} dimensions, reference of {REFERENCE} (kid: {2 * SMALL} at n {SMALL}, else {max(SIZES)}); true FD "
        f"{TRUE}, of the worse one {100 * (WORSE - 1):.0f} % more; margin {100 * RELATIVE:.0f} % of the baseline's, "
        f"for shares {ABSOLUTE:g}; alpha 0.05 one-sided. *At the margin*: the candidate's true distance is exactly "
        f"{100 * RELATIVE:.0f} % more, its true share {ABSOLUTE:g} less. *Paired*: the models' features of a prompt "
        f"and seed have correlation {CORRELATION}; of shares, {100 * MUTUAL:.0f} % of the pairs at most differ in each "
        "direction without a reason. Percentages with 95 % intervals (Wilson), "
        f"{', '.join(f'{count} runs of {name}' for name, count in runs.items())}. The rule '+2 %' takes plain values.",
        "",
        extremes(results),
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
        *(f"| {' | '.join(row)} |" for row in table(results)),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def collect(args: argparse.Namespace, runs: dict[str, int]) -> dict[str, list[dict[str, Any]]]:
    """Simulate everything; return the runs of each row."""
    world, started = make_world(), time.perf_counter()
    draw: dict[str, Callable[[np.random.Generator], dict[str, Any]]] = {
        "fd": lambda rng: one_run(world, "fd", SIZES, rng),
        "kid at n 500": lambda rng: one_run(world, "kid", (SMALL,), rng),
        "kid at n 2000": lambda rng: one_run(world, "kid", (max(SIZES),), rng),
        "three looks": lambda rng: sequential_run(world, rng),
    }
    rows: dict[str, list[dict[str, Any]]] = {}
    for index, (kind, make) in enumerate(draw.items()):
        for number in range(runs[kind]):
            for key, value in make(np.random.default_rng([args.seed, index, number])).items():
                rows.setdefault(key, []).append(value)
        print(f"{kind}: {runs[kind]} runs, {time.perf_counter() - started:.0f} s", flush=True)
    return rows | share_runs(runs["shares"], args.seed)


def main() -> None:
    """Simulate, print a table, write JSON and Markdown."""
    parser = argparse.ArgumentParser(description="False alarms, wrong passes and power of the gate.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--kid-runs", type=int, default=30, help="with 2000 pictures")
    parser.add_argument("--kid-small-runs", type=int, default=200, help="with 500 pictures")
    parser.add_argument("--share-runs", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "gate_power.json")
    parser.add_argument("--table", type=Path, default=Path(__file__).parents[1] / "docs" / "tables" / "gate_power.md")
    args = parser.parse_args()
    runs = {
        "fd": args.runs,
        "kid at n 500": args.kid_small_runs,
        "kid at n 2000": args.kid_runs,
        "three looks": args.runs,
        "shares": args.share_runs,
    }
    results = {key: summarize(values) for key, values in collect(args, runs).items()}
    print_table(HEAD, table(results))
    write_document(args.out, "gate_power", runs=runs, results=results)
    write_table(args.table, results, runs)


if __name__ == "__main__":
    main()
