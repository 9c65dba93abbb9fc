"""Time the Frechet distance, KID and PRDC against torchmetrics and the plain scipy route, on the same features.

Features are random with a decaying spectrum, n = 5000 and d = 2048 unless said otherwise. Every repeat runs all routes
in turn; the interval is the order statistics' (smallest to largest below six repeats). The scipy route is run once: it
takes minutes. torchmetrics has no PRDC, so there the other side is the definition written with scipy's ``cdist``.
"ours, number only" is what the others compute; "ours" adds the debiased value, the interval and every sample's
influence.

    OMP_NUM_THREADS=2 python benchmarks/metrics.py --json benchmarks/results/metrics.json
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import scipy.spatial.distance
import torch
from machine import describe_machine, print_table
from numpy.typing import NDArray

from underpaint.metrics.frechet import frechet_distance, frechet_from_moments
from underpaint.metrics.kernel import kid
from underpaint.metrics.manifold import prdc
from underpaint.metrics.moments import Moments

Features = NDArray[np.float32]
Route = Callable[[Features, Features], float]


def features(n: int, d: int, seed: int, stretch: float = 1.0) -> Features:
    """Return ``[n, d]`` with a power-law spectrum in a random basis."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(d, d)))[0]
    scale = np.sqrt(d / np.arange(1.0, d + 1.0)) * stretch / 3.0
    return ((rng.normal(size=(n, d)) * scale) @ basis + 0.05 * (stretch - 1.0)).astype(np.float32)


def frechet_number(x: Features, y: Features) -> float:
    """Return the plain distance from two passes of moments."""
    own, other = Moments.of(x), Moments.of(y)
    return frechet_from_moments(own.mean, own.covariance, other.mean, other.covariance)


def frechet_torchmetrics(x: Features, y: Features) -> float:
    """Return torchmetrics's formula on its own moments, in double precision."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.fid import _compute_fid
    moments = []
    for rows in (y, x):
        values = torch.tensor(rows, dtype=torch.float64)
        mean = values.mean(dim=0)
        scatter = values.T @ values - len(values) * mean.outer(mean)
        moments += [mean, scatter / (len(values) - 1)]
    return float(_compute_fid(*moments))


def frechet_scipy(x: Features, y: Features) -> float:
    """Return the distance as pytorch-fid computes it."""
    sx, sy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.asarray(scipy.linalg.sqrtm(sx @ sy))
    gap = x.mean(axis=0, dtype=np.float64) - y.mean(axis=0, dtype=np.float64)
    return float(gap @ gap + np.trace(sx) + np.trace(sy) - 2.0 * np.trace(root).real)


def kid_torchmetrics(x: Features, y: Features) -> float:
    """Return the mean over 100 random subsets of 1000, torchmetrics's defaults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.kid import poly_mmd
    rng, real, drawn = np.random.default_rng(0), torch.tensor(y), torch.tensor(x)
    size = min(1000, len(x))
    values = [
        float(poly_mmd(real[rng.permutation(len(real))[:size]], drawn[rng.permutation(len(drawn))[:size]]))
        for _ in range(100)
    ]
    return float(np.mean(values))


def kid_full_torchmetrics(x: Features, y: Features) -> float:
    """Return torchmetrics's estimator on the full sets in double precision: the same number as ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.kid import poly_mmd
    return float(poly_mmd(torch.tensor(y, dtype=torch.float64), torch.tensor(x, dtype=torch.float64)))


def density_by_definition(x: Features, y: Features, neighbors: int = 5) -> float:
    """Return density from full distance matrices."""
    within = scipy.spatial.distance.cdist(y, y)
    radii = np.partition(within, neighbors, axis=1)[:, neighbors]
    scipy.spatial.distance.cdist(x, x)
    return float((scipy.spatial.distance.cdist(x, y) <= radii).sum() / (neighbors * len(x)))


def routes() -> dict[tuple[str, str], Route]:
    """Return the routes by metric and name; the first of a metric is ours."""
    return {
        ("fd", "ours, number only"): frechet_number,
        ("fd", "ours"): lambda x, y: frechet_distance(x, y, enforce=False).value,
        ("fd", "torchmetrics (eigvals)"): frechet_torchmetrics,
        ("fd", "scipy sqrtm"): frechet_scipy,
        ("kid", "ours"): lambda x, y: kid(x, y, enforce=False).value,
        ("kid", "torchmetrics, full sets"): kid_full_torchmetrics,
        ("kid", "torchmetrics, 100 subsets"): kid_torchmetrics,
        ("density", "ours, all of PRDC"): lambda x, y: prdc(x, y, enforce=False).density.value,
        ("density", "scipy cdist, three matrices"): density_by_definition,
    }


def measure(repeats: int, x: Features, y: Features, skip: list[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """Run every route in turn, again and again; scipy's once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, route in routes().items():  # imports and first calls
        if name[1] not in skip:
            route(x[:40, :8], y[:40, :8])
    for repeat in range(repeats):
        for name, route in routes().items():
            if name[1] in skip or (repeat and "sqrtm" in name[1]):
                continue
            start = time.perf_counter()
            value = route(x, y)
            row = found.setdefault(name, {"value": value, "seconds": []})
            row["seconds"].append(time.perf_counter() - start)
    return found


def summary(found: dict[tuple[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row a route, with its ratio to the first route of its metric, repeat by repeat."""
    rows = []
    for (metric, name), row in found.items():
        ours = next(other["seconds"] for (kind, _), other in found.items() if kind == metric)
        seconds = row["seconds"]
        ratios = [theirs / own for theirs, own in zip(seconds, ours, strict=False)]
        rows.append(
            {
                "metric": metric,
                "route": name,
                "value": row["value"],
                "seconds": [float(np.median(seconds)), min(seconds), max(seconds)],
                "times_ours": [float(np.median(ratios)), min(ratios), max(ratios)],
                "repeats": len(seconds),
            }
        )
    return rows


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--dims", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="for torch; set OMP_NUM_THREADS for numpy and scipy")
    parser.add_argument("--skip", nargs="*", default=[], help="routes to leave out")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    x, y = features(args.count, args.dims, 1, 1.1), features(args.count, args.dims, 2)
    rows = summary(measure(args.repeats, x, y, args.skip))
    print_table(
        ("metric", "route", "value", "seconds", "times ours"),
        [
            (
                row["metric"],
                row["route"],
                f"{row['value']:.9g}",
                "{:.2f} [{:.2f}, {:.2f}]".format(*row["seconds"]),
                "{:.1f} [{:.1f}, {:.1f}]".format(*row["times_ours"]),
            )
            for row in rows
        ],
    )
    if args.json:
        settings = {"count": args.count, "dims": args.dims, "threads": args.threads}
        text = json.dumps({"machine": describe_machine(), **settings, "rows": rows}, indent=2)
        args.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
