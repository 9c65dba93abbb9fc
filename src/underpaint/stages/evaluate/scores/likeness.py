"""How far drawn pictures lie from real ones, as two sets: Fréchet and kernel distances, precision and recall."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from underpaint.metrics.classifier import inception_score
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.frechet import frechet_distance, frechet_pca, num_directions
from underpaint.metrics.kernel import cmmd_v, kid, mmd_rbf
from underpaint.metrics.manifold import Manifolds, prdc
from underpaint.metrics.sliced import mind
from underpaint.stages.evaluate.scores.ledger import Score, attempt
from underpaint.stages.evaluate.seeing.view import RealView, View

CMMD_EXTRACTOR = "clip-vit-large-patch14-336"
IMAGENET = "imagenet"
"""The head of the Inception network."""
Compute = Callable[[], Estimate]


def kernel_metrics(view: View, reference: RealView) -> dict[str, Compute]:
    """Return the kernel distances that apply: the ones on unit vectors carry CLIP's name only with CLIP's network."""
    own, other = view.clusters, reference.clusters
    is_cmmd = view.extractor.startswith(CMMD_EXTRACTOR)

    def unit(compute: Callable[..., Estimate]) -> Estimate:
        return compute(_unit(view), _unit(reference), clusters=own, reference_clusters=other)

    metrics: dict[str, Compute] = {
        "kid": lambda: kid(view.features, reference.features, clusters=own, reference_clusters=other),
        "cmmd" if is_cmmd else "mmd_rbf": lambda: unit(mmd_rbf),
    }
    if is_cmmd:
        metrics["cmmd_v"] = lambda: unit(cmmd_v)
    return metrics


def _unit(view: View | RealView) -> NDArray[np.float32]:
    norms = np.linalg.norm(view.features, axis=1, keepdims=True)
    return (view.features / np.maximum(norms, 1e-12)).astype(np.float32)


def distance_scores(view: View, reference: RealView) -> list[Score]:
    """Return the distances of a set of drawn pictures to the reference.

    Args:
        view: Drawn pictures.
        reference: Real ones, seen by the same extractor.
    """
    ours, theirs, own, other = view.features, reference.features, view.clusters, reference.clusters
    k = max(num_directions(len(ours), len(theirs), ours.shape[1]), 1)
    metrics: dict[str, Compute] = {
        "fd": lambda: frechet_distance(ours, theirs, clusters=own, reference_clusters=other),
        f"fd_pca{k}": lambda: frechet_pca(ours, theirs, k=k, clusters=own, reference_clusters=other),
        **kernel_metrics(view, reference),
        "mind": lambda: mind(ours, theirs, clusters=own, reference_clusters=other),
    }
    return [_attempt(name, compute, view, reference) for name, compute in metrics.items()]


def _attempt(name: str, compute: Compute, view: View, reference: RealView, rows: int | None = None) -> Score:
    images = view.images[:rows]
    return attempt(
        name,
        compute,
        images=images,
        extractor=view.extractor,
        reference=reference.digest,
        reference_clusters=[sample.cluster for sample in reference.samples[:rows]],
    )


def manifold_scores(view: View, reference: RealView) -> list[Score]:
    """Return precision, recall, density and coverage; both sets are cut to the size of the smaller one."""
    n = min(len(view.features), len(reference.features))
    done: list[Manifolds] = []

    def computed() -> Manifolds:
        if not done:
            done.append(_manifolds(view, reference, n))
        return done[0]

    metrics: dict[str, Compute] = {
        "precision": lambda: computed().precision,
        "recall": lambda: computed().recall,
        "density": lambda: computed().density,
        "coverage": lambda: computed().coverage,
    }
    return [_attempt(name, compute, view, reference, n) for name, compute in metrics.items()]


def _manifolds(view: View, reference: RealView, n: int) -> Manifolds:
    return prdc(
        view.features[:n],
        reference.features[:n],
        clusters=view.clusters[:n],
        reference_clusters=reference.clusters[:n],
    )


def class_scores(view: View) -> list[Score]:
    """Return the Inception score where the extractor is a classifier of ImageNet's classes."""
    return [
        attempt(
            "inception_score",
            lambda: inception_score(view.probabilities[IMAGENET], clusters=view.clusters),
            images=view.images,
            extractor=view.extractor,
        )
        for _ in view.probabilities.keys() & {IMAGENET}
    ]


def likeness_scores(view: View, reference: RealView) -> list[Score]:
    """Return everything that compares the two sets as sets, and what classes alone say."""
    return distance_scores(view, reference) + manifold_scores(view, reference) + class_scores(view)
