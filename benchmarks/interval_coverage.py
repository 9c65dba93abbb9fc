"""Do the 95 % intervals hold the truth 95 % of the time? Simulations in which the truth is known.

Features have a power-law spectrum; every row draws fresh samples ``--repeats`` times and counts how often the interval
holds the truth. "center" is the mean of the interval's center minus the truth, in standard errors; "spread" is the
mean standard error over the true spread.

    python benchmarks/interval_coverage.py --json benchmarks/results/interval_coverage.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine, print_table
from numpy.typing import NDArray

from underpaint.metrics.estimate import Estimate
from underpaint.metrics.frechet import frechet_distance, frechet_from_moments, frechet_pca, principal_directions
from underpaint.metrics.interval import mean_by_prompt, proportion
from underpaint.metrics.kernel import kid, mmd_rbf
from underpaint.metrics.reference import Reference
from underpaint.metrics.sliced import mind, unit_directions

Floats = NDArray[np.float64]
Trial = Callable[[np.random.Generator], tuple[Estimate, float]]
HEAD = ("interval", "simulation", "coverage", "± (Monte Carlo)", "center / SE", "spread")
ADVISORY = "mind (advisory)"


@dataclass(frozen=True)
class World:
    """Two Gaussians, or their heavy-tailed relatives with the same covariance: generated ``[d]`` and reference."""

    d: int
    shift: float = 0.15
    stretch: float = 1.25
    heavy: bool = False
    seeds: int = 1

    @property
    def scale(self) -> Floats:
        """Standard deviations of the reference."""
        return np.arange(1.0, self.d + 1.0) ** -0.5

    @property
    def gap(self) -> Floats:
        """Mean of the generated features."""
        return self.shift * self.scale * np.where(np.arange(self.d) % 2, 1.0, -1.0)

    @property
    def own_scale(self) -> Floats:
        """Standard deviations of the generated features."""
        return self.scale * np.where(np.arange(self.d) % 2, self.stretch, 1.0 / self.stretch)

    def _noise(self, rng: np.random.Generator, n: int) -> Floats:
        noise = rng.normal(size=(n, self.d))
        return noise * np.sqrt(4.0 / rng.chisquare(6, size=(n, 1))) if self.heavy else noise

    def generated(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw ``[n, d]``; with several seeds a prompt, half the variance belongs to the prompt."""
        noise = self._noise(rng, n)
        if self.seeds > 1:
            prompts = np.repeat(self._noise(rng, n // self.seeds), self.seeds, axis=0)
            noise = (noise + prompts) / np.sqrt(2.0)
        return noise * self.own_scale + self.gap

    def reference(self, rng: np.random.Generator, m: int) -> Floats:
        """Draw ``[m, d]``."""
        return self._noise(rng, m) * self.scale

    def clusters(self, n: int) -> NDArray[np.int64] | None:
        """Return the prompt of each row; None if rows are independent."""
        return None if self.seeds == 1 else np.repeat(np.arange(n // self.seeds), self.seeds)


def frechet_trial(world: World, n: int, m: int | None) -> Trial:
    """Measure ``fd``; without ``m`` the reference is known."""
    own, other = np.diag(world.own_scale**2), np.diag(world.scale**2)
    truth = frechet_from_moments(world.gap, own, np.zeros(world.d), other)

    def trial(rng: np.random.Generator) -> tuple[Estimate, float]:
        known = Reference(np.zeros(world.d), other)
        reference = known if m is None else world.reference(rng, m)
        return frechet_distance(world.generated(rng, n), reference, clusters=world.clusters(n)), truth

    return trial


def pca_trial(world: World, n: int, m: int) -> Trial:
    """Measure ``fd_pca<k>``; the truth is the distance along the directions that the reference gave."""
    own, other = np.diag(world.own_scale**2), np.diag(world.scale**2)

    def trial(rng: np.random.Generator) -> tuple[Estimate, float]:
        x, y = world.generated(rng, n), Reference.of(world.reference(rng, m))
        along = principal_directions(y, min(n, m) // 8)
        truth = frechet_from_moments(
            world.gap @ along, along.T @ own @ along, np.zeros(along.shape[1]), along.T @ other @ along
        )
        return frechet_pca(x, y, clusters=world.clusters(n)), truth

    return trial


def true_kid(world: World) -> float:
    """Return the kernel distance of the two distributions, from their first three moments."""
    mu, s, t, g = world.gap, world.own_scale**2, world.scale**2, 1.0 / world.d
    length, along = mu @ mu, (mu * s) @ mu
    second = (s**2).sum() + 2.0 * along + length**2
    third = length**3 + 3.0 * length * along + 3.0 * (length * (along + (s**2).sum()) + 2.0 * (mu * s**2) @ mu)
    own = 3.0 * g * length + 3.0 * g**2 * second + g**3 * third
    cross = 3.0 * g**2 * ((s * t).sum() + (mu * t) @ mu)
    return float(own + 3.0 * g**2 * (t**2).sum() - 2.0 * cross)


def kid_trial(world: World, n: int, m: int) -> Trial:
    """Measure ``kid``."""
    truth = true_kid(world)
    return lambda rng: (
        kid(world.generated(rng, n), world.reference(rng, m), clusters=world.clusters(n)),
        truth,
    )


def unit(rows: Floats) -> Floats:
    """Return rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def gaussian_trial(world: World, n: int, m: int) -> Trial:
    """Measure ``mmd_rbf``; the truth is the mean of 100 unbiased distances of 1000 samples a side."""
    many, alone = np.random.default_rng(99), replace(world, seeds=1)
    sets = ((unit(alone.generated(many, 1000)), unit(alone.reference(many, 1000))) for _ in range(100))
    truth = float(np.mean([mmd_rbf(x, y).value for x, y in sets]))
    return lambda rng: (
        mmd_rbf(unit(world.generated(rng, n)), unit(world.reference(rng, m)), clusters=world.clusters(n)),
        truth,
    )


def mind_trial(world: World, n: int, m: int, directions: int = 32) -> Trial:
    """Measure ``mind``; along each direction both distributions are normal."""
    u = unit_directions(world.d, directions)
    deviations = [np.sqrt((scale**2) @ u**2) for scale in (world.own_scale, world.scale)]
    truth = 3.0 * world.d * float(((world.gap @ u) ** 2 + (deviations[0] - deviations[1]) ** 2).mean())
    return lambda rng: (
        mind(
            world.generated(rng, n),
            world.reference(rng, m),
            directions=directions,
            clusters=world.clusters(n),
            enforce=False,
        ),
        truth,
    )


def prompts_with_seeds(
    rng: np.random.Generator, prompts: int, seeds: int, icc: float
) -> tuple[Floats, NDArray[np.int64]]:
    """Return normal scores ``[prompts * seeds]`` whose prompts hold the share ``icc`` of the variance, and prompts."""
    shared = np.repeat(rng.normal(size=prompts), seeds)
    scores = np.sqrt(icc) * shared + np.sqrt(1.0 - icc) * rng.normal(size=prompts * seeds)
    return scores, np.repeat(np.arange(prompts), seeds)


def mean_trial(prompts: int, seeds: int, icc: float, *, skewed: bool = False) -> Trial:
    """Measure the mean of scores, 0, or of their exponentials."""

    def trial(rng: np.random.Generator) -> tuple[Estimate, float]:
        scores, names = prompts_with_seeds(rng, prompts, seeds, icc)
        return mean_by_prompt(np.exp(scores) if skewed else scores, names, rng), float(np.exp(0.5)) if skewed else 0.0

    return trial


def share_trial(prompts: int, seeds: int, icc: float, threshold: float, truth: float) -> Trial:
    """Measure the share of scores above a threshold."""

    def trial(rng: np.random.Generator) -> tuple[Estimate, float]:
        scores, names = prompts_with_seeds(rng, prompts, seeds, icc)
        return proportion(scores > threshold, names), truth

    return trial


def rows() -> dict[tuple[str, str], Trial]:
    """Return the simulations by interval and description."""
    plain, heavy, four = World(64), World(64, heavy=True), World(32, seeds=4)
    near = World(64, shift=0.01, stretch=1.02)
    return {
        ("fd", "known reference, d 64, n 500"): frechet_trial(plain, 500, None),
        ("fd", "known reference, d 64, n 256 (4 a dimension)"): frechet_trial(plain, 256, None),
        ("fd", "sampled reference, d 64, n 256, m 256"): frechet_trial(plain, 256, 256),
        ("fd", "sampled reference, d 64, n 1000, m 500"): frechet_trial(plain, 1000, 500),
        ("fd", "t6 tails, d 64, n 1000, m 1000"): frechet_trial(heavy, 1000, 1000),
        ("fd", "near-null, d 64, n 1000, m 1000"): frechet_trial(near, 1000, 1000),
        ("fd", "150 prompts x 4 seeds, d 32, n 600, m 600"): frechet_trial(four, 600, 600),
        ("fd_pca62", "d 128, n 500, m 500"): pca_trial(World(128), 500, 500),
        ("fd_pca62", "near-null, d 128, n 500, m 500"): pca_trial(World(128, 0.01, 1.02), 500, 500),
        ("fd_pca34", "d 256, n 500, m 279"): pca_trial(World(256), 500, 279),
        ("kid", "d 64, n 300, m 300"): kid_trial(plain, 300, 300),
        ("kid", "d 64, n 100, m 100"): kid_trial(plain, 100, 100),
        ("kid", "t6 tails, d 64, n 500, m 500"): kid_trial(heavy, 500, 500),
        ("kid", "near-null, d 64, n 300, m 300"): kid_trial(near, 300, 300),
        ("kid", "75 prompts x 4 seeds, d 32, n 300, m 300"): kid_trial(four, 300, 300),
        ("mmd_rbf", "d 64, n 300, m 300"): gaussian_trial(plain, 300, 300),
        ("mmd_rbf", "75 prompts x 4 seeds, d 32, n 300, m 300"): gaussian_trial(four, 300, 300),
        (ADVISORY, "d 16, n 1000, m 1000"): mind_trial(World(16), 1000, 1000),
        (ADVISORY, "near-null, d 16, n 1000, m 1000"): mind_trial(World(16, 0.01, 1.02), 1000, 1000),
        ("mean, cluster bootstrap", "30 prompts x 4 seeds, ICC 0.5"): mean_trial(30, 4, 0.5),
        ("mean, cluster bootstrap", "100 prompts x 4 seeds, ICC 0.5, log-normal"): mean_trial(100, 4, 0.5, skewed=True),
        ("share, Wilson on n_eff", "30 prompts x 4 seeds, ICC 0.5, p 0.5"): share_trial(30, 4, 0.5, 0.0, 0.5),
        ("share, Wilson on n_eff", "100 prompts x 4 seeds, ICC 0.5, p 0.1"): share_trial(100, 4, 0.5, 1.2815516, 0.1),
    }


def run(trial: Trial, repeats: int, seed: int) -> dict[str, float]:
    """Repeat one simulation."""
    found = []
    for repeat in range(repeats):
        estimate, truth = trial(np.random.default_rng([seed, repeat]))
        if estimate.interval is None:
            raise ValueError("the estimate has no interval")
        low, high = estimate.interval.low, estimate.interval.high
        found.append((low <= truth <= high, (low + high) / 2.0 - truth, (high - low) / (2.0 * 1.959964)))
    hits, errors, widths = (np.array(column, dtype=np.float64) for column in zip(*found, strict=True))
    share = float(hits.mean())
    return {
        "coverage": share,
        "monte_carlo_error": float(np.sqrt(max(share * (1.0 - share), 0.25 / repeats) / repeats)),
        "center_in_se": float(errors.mean() / widths.mean()),
        "spread": float(widths.mean() / errors.std()),
        "repeats": repeats,
    }


def table(results: list[dict[str, Any]]) -> str:
    """Return the results as a Markdown table."""
    text = StringIO()
    with redirect_stdout(text):
        print_table(
            HEAD,
            [
                (
                    row["interval"],
                    row["simulation"],
                    f"{row['coverage']:.3f}",
                    f"{row['monte_carlo_error']:.3f}",
                    f"{row['center_in_se']:+.2f}",
                    f"{row['spread']:.2f}",
                )
                for row in results
            ],
        )
    return text.getvalue()


def page(results: list[dict[str, Any]]) -> str:
    """Return the table with what it means and the command that makes it."""
    return f"# Coverage of the intervals\n\n{(__doc__ or '').strip()}\n\n{table(results)}"


def main() -> None:
    """Run the simulations; write the table as they come."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--only", help="rows whose interval starts with this")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--table", type=Path, metavar="FILE", default=Path("docs/tables/interval_coverage.md"))
    args = parser.parse_args()
    results: list[dict[str, Any]] = []
    for number, ((interval, simulation), trial) in enumerate(rows().items()):
        if args.only and not interval.startswith(args.only):
            continue
        results.append({"interval": interval, "simulation": simulation, **run(trial, args.repeats, number)})
        print(table(results).splitlines()[-1], flush=True)
    if args.json:
        args.json.write_text(json.dumps({"machine": describe_machine(), "rows": results}, indent=2) + "\n")
    args.table.parent.mkdir(parents=True, exist_ok=True)
    args.table.write_text(page(results))


if __name__ == "__main__":
    main()
