"""Does drawn data teach? Small classifiers learn from drawn and from real pictures; real held-out drawings test them.

Three heads: the concept (tested on drawings in a style that training does not show of it), the style (on unseen
concepts), the skin tone (on unseen combinations of role, gender form and tone). Drawn and real training pictures have
the same captions and styles. A classifier is a ridge regression on fixed features: the evaluator's, which real data
have shaped, and those of a random network and of plain pixels, which no data have.

    python benchmarks/synthesis.py prompts wishes.jsonl --data artifacts/stickers-64
    underpaint synthesize stickers-64 --prompts wishes.jsonl --data artifacts/stickers-64 --out artifacts/drawn
    python benchmarks/synthesis.py measure artifacts/drawn --data artifacts/stickers-64
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine, print_table
from side_by_side import Line, interval_text

from underpaint.core.artifact import read_manifest
from underpaint.core.attributes import tone_of
from underpaint.core.cache import cache_folder
from underpaint.core.config import canonical_json
from underpaint.core.samples import Sample, read_samples
from underpaint.metrics.interval import cluster_bootstrap
from underpaint.models.extractor import Extractor
from underpaint.stages.data.composition import order_of
from underpaint.stages.evaluate.drawing.pictures import real_pictures
from underpaint.stages.evaluate.seeing.extractors import load_extractor
from underpaint.stages.evaluate.seeing.sets import Eyes

CONCEPTS, ROLES, PER_WISH = 90, 8, 2
TONED_STYLES = ("cartoon", "flat")
EXTRACTORS = ("evaluator-64", "randconv-v1", "pixels")
DRAWS, SEED = 2000, 0
PENALTY = 1.0
"""Strength of the ridge, in units of the mean square of the features."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a classifier learns to tell.

    Args:
        name: For people.
        label: The class of a picture; None if it has none.
        test: Which real drawings test it.
        shown: Which pictures it may learn from.
    """

    name: str
    label: Callable[[Sample], str | None]
    test: Callable[[Sample], bool]
    shown: Callable[[Sample], bool]


def style_wishes(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return the training drawings of some concepts that have drawings in a style that is held out."""
    hidden = {sample.group for sample in samples if sample.split == "test_style"}
    groups = set(sorted(hidden, key=order_of)[:count])
    return [s for s in samples if s.split == "train" and s.group in groups and tone_of(s.id) == "none"]


def tone_wishes(samples: Sequence[Sample], roles: int) -> list[Sample]:
    """Return training drawings of some roles in every skin tone, in two styles."""
    tones: dict[str, set[str]] = defaultdict(set)
    toned = [s for s in samples if s.split == "train" and tone_of(s.id) not in (None, "none")]
    for sample in toned:
        tones[sample.group].add(tone_of(sample.id) or "")
    groups = set(sorted((group for group, found in tones.items() if len(found) == 5), key=order_of)[:roles])
    first: dict[tuple[str, str, str], Sample] = {}
    for sample in toned:
        if sample.group in groups and sample.style in TONED_STYLES:
            first.setdefault((sample.group, sample.style, tone_of(sample.id) or ""), sample)
    return list(first.values())


def wished(samples: Sequence[Sample]) -> list[Sample]:
    """Return the real training drawings that drawn pictures stand in for."""
    chosen = style_wishes(samples, CONCEPTS) + tone_wishes(samples, ROLES)
    return list({(sample.caption, sample.style): sample for sample in chosen}.values())


def write_prompts(samples: Sequence[Sample], path: Path) -> int:
    """Write the wishes as a file of prompts and return how many pictures it asks for."""
    rows = [{"prompt": sample.caption, "style": sample.style, "n": PER_WISH} for sample in wished(samples)]
    path.write_text("".join(canonical_json(row) + "\n" for row in rows), encoding="utf-8")
    return len(rows) * PER_WISH


def heads_for(train: Sequence[Sample]) -> list[Head]:
    """Return the heads; a test drawing counts if the classifier can have seen its class."""
    groups = {sample.group for sample in train}
    return [
        Head(
            name="concept",
            label=lambda s: s.group,
            test=lambda s: s.split == "test_style" and s.group in groups,
            shown=lambda s: tone_of(s.id) == "none",
        ),
        Head(
            name="style",
            label=lambda s: s.style,
            test=lambda s: s.split == "test_concept" and tone_of(s.id) == "none",
            shown=lambda s: tone_of(s.id) == "none",
        ),
        Head(
            name="tone",
            label=lambda s: tone_of(s.id),
            test=lambda s: (
                s.split == "test_composition" and s.style in TONED_STYLES and tone_of(s.id) not in (None, "none")
            ),
            shown=lambda s: tone_of(s.id) not in (None, "none"),
        ),
    ]


def ridge(train: np.ndarray, labels: Sequence[str], test: np.ndarray) -> list[str]:
    """Learn a linear classifier and return its answers.

    Args:
        train: ``[N, D]``.
        labels: ``N`` classes.
        test: ``[M, D]``.
    """
    classes = sorted(set(labels))
    goals = np.array([[label == name for name in classes] for label in labels], np.float64)  # [N, K]
    goals -= goals.mean(0)
    mean, scale = train.mean(0), train.std(0) + 1e-6
    x, y = ((values - mean) / scale for values in (train.astype(np.float64), test.astype(np.float64)))
    gram = x @ x.T  # [N, N]
    weights = np.linalg.solve(gram + PENALTY * np.trace(gram) / len(x) * np.eye(len(x)), goals)
    return [classes[i] for i in (y @ x.T @ weights).argmax(1).tolist()]


def accuracy(hits: np.ndarray, clusters: Sequence[str]) -> Line:
    """Return a share of right answers: the mean over concepts, with a bootstrap over concepts."""
    means = [hits[[name == cluster for name in clusters]].mean() for cluster in dict.fromkeys(clusters)]
    rng = np.random.Generator(np.random.PCG64(SEED))
    interval = cluster_bootstrap(hits.astype(np.float64), clusters, rng, draws=DRAWS)
    return {"value": float(np.mean(means)), "low": interval.low, "high": interval.high, "n": len(hits), "status": "ok"}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Pictures in the eyes of one extractor: their records, and features ``[N, D]``."""

    samples: list[Sample]
    features: np.ndarray

    def of(self, wanted: Callable[[Sample], bool]) -> Seen:
        """Return some of them."""
        rows = [i for i, sample in enumerate(self.samples) if wanted(sample)]
        return Seen(samples=[self.samples[i] for i in rows], features=self.features[rows])

    def beside(self, other: Seen) -> Seen:
        """Return both."""
        return Seen(samples=self.samples + other.samples, features=np.concatenate([self.features, other.features]))


def look(extractor: Extractor, eyes: Eyes, folder: Path, samples: Sequence[Sample]) -> Seen:
    """Return what an extractor sees in some pictures of a data set."""
    view = eyes.real(extractor, real_pictures(folder, samples))
    return Seen(samples=list(samples), features=view.features)


def first_of_each(samples: Sequence[Sample]) -> list[Sample]:
    """Return one picture a caption and style, so that there are as many drawn as real ones."""
    return list({(s.caption, s.style): s for s in reversed(samples)}.values())


def compare(sets: dict[str, Seen], test: Seen, heads: Sequence[Head]) -> dict[str, dict[str, Line]]:
    """Return head to training set to accuracy on the real held-out drawings, and what guessing gives."""
    found: dict[str, dict[str, Line]] = {}
    for head in heads:
        judged = test.of(head.test)
        truth, clusters = [head.label(s) for s in judged.samples], [s.cluster for s in judged.samples]
        rows = found.setdefault(head.name, {})
        for name, pictures in sets.items():
            shown = pictures.of(head.shown)
            labels = [head.label(sample) or "" for sample in shown.samples]
            answers = ridge(shown.features, labels, judged.features)
            hits = np.array([answer == right for answer, right in zip(answers, truth, strict=True)])
            rows[name] = {**accuracy(hits, clusters), "learnt_from": len(labels), "classes": len(set(labels))}
    return found


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Teach and test every classifier."""
    real, drawn = read_samples(args.data), read_samples(args.drawn)
    pairs = {(sample.caption, sample.style) for sample in drawn}
    train = [sample for sample in wished(real) if (sample.caption, sample.style) in pairs]
    heads = heads_for(train)
    tests = [sample for sample in real if any(head.test(sample) for head in heads)]
    eyes = Eyes(extractors=[load_extractor(name) for name in EXTRACTORS], cache=cache_folder() / "evaluate")
    figures = {}
    for extractor in eyes.extractors:
        own, more = look(extractor, eyes, args.data, train), look(extractor, eyes, args.drawn, drawn)
        once = {sample.file for sample in first_of_each(drawn)}
        few = more.of(lambda sample, once=once: sample.file in once)
        sets = {"real": own, "drawn": few, "drawn, twice as many": more, "real and drawn": own.beside(more)}
        figures[extractor.card.name] = compare(sets, look(extractor, eyes, args.data, tests), heads)
    manifest = read_manifest(args.drawn, kind="dataset")
    return {
        "data": read_manifest(args.data, kind="dataset").digest,
        "drawn": manifest.digest,
        "model": manifest.parents["model"],
        "privacy": manifest.figures["privacy"],
        "dropped": manifest.figures["dropped"],
        "blank": manifest.figures["blank"],
        "figures": figures,
    }


def show(found: dict[str, Any]) -> None:
    """Print a table an extractor."""
    for extractor, heads in found["figures"].items():
        names = list(next(iter(heads.values())))
        rows = [
            [f"{head} ({rows['real']['classes']} classes, {rows['real']['n']} drawings)"]
            + [f"{interval_text(rows[name])} of {rows[name]['learnt_from']}" for name in names]
            for head, rows in heads.items()
        ]
        print_table([extractor, *names], rows)
        print()


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    prompts, measured = actions.add_parser("prompts"), actions.add_parser("measure")
    prompts.add_argument("file", type=Path, help="where the prompts shall lie (.jsonl)")
    measured.add_argument("drawn", type=Path, help="the synthetic data set")
    measured.add_argument("--json", type=Path, default=Path(__file__).parent / "results" / "synthesis.json")
    for action in (prompts, measured):
        action.add_argument("--data", type=Path, default=Path("artifacts/stickers-64"), help="the real data set")
    return parser.parse_args()


def main() -> None:
    """Write the prompts, or teach, test, print tables and write JSON."""
    args = parse()
    if args.action == "prompts":
        print(f"{args.file}: {write_prompts(read_samples(args.data), args.file)} pictures")
        return
    found = measure(args)
    show(found)
    args.json.write_text(json.dumps({"machine": describe_machine(), **found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
