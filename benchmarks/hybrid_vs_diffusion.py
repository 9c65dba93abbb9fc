"""How much faster the hybrid is than diffusion at equal quality, and whether it is.

    OMP_NUM_THREADS=1 python benchmarks/hybrid_vs_diffusion.py --quality --share 0/2   # two processes,
    OMP_NUM_THREADS=1 python benchmarks/hybrid_vs_diffusion.py --quality --share 1/2   # about 20 minutes of a core each
    OMP_NUM_THREADS=1 python benchmarks/hybrid_vs_diffusion.py --timing                # on a quiet machine
    OMP_NUM_THREADS=1 python benchmarks/hybrid_vs_diffusion.py --report

Every step keeps what it has done under ``--work``, goes on from there when it is run again, and takes the cheapest
points first, so a report can be made of what there is. A family whose folder is missing is left out.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from frontier_drawing import Asked, Opened, ask, drawn_once, open_family, pictures_of, place_of
from frontier_models import add_models, folders_of
from frontier_page import page
from frontier_plot import frontier_plot
from frontier_points import BLURRED, DEFAULT, POINTS, SWEEP, SWEEP_SOLVER, SWEEP_STEPS, Family, Point, distinct
from frontier_quality import COMPOSITION, CONCEPT, Judges, Quality, by_measure, distance_rank
from frontier_report import document_of, panels_of
from frontier_timing import Timed, log_of, read_counts, times_of
from frontier_verdict import Table

from underpaint.core.config import Config
from underpaint.core.samples import read_samples
from underpaint.stages.evaluate.scores.controls import blur

HERE = Path(__file__).parent


@dataclass(kw_only=True)
class Comparison:
    """Everything that the steps work on.

    Args:
        models: Family to model.
        asked: Split to prompts.
        tuning: Prompts of the validation split.
        judges: Who looks at pictures.
        work: Folder of what was done before.
        share: Which part of the points this process draws, and of how many.
        only: Names of the points; empty for all.
    """

    models: Mapping[Family, Opened]
    asked: Mapping[str, Asked]
    tuning: Asked
    judges: Judges
    work: Path
    share: tuple[int, int] = (0, 1)
    only: tuple[str, ...] = ()

    def choose_guidance(self) -> tuple[dict[str, Any], dict[str, float]]:
        """Return the guidance that does best on the validation split, and the score of all that were tried."""
        flow = self.models.get("flow")
        if flow is None:
            return {}, {}
        names, first = list(SWEEP), self.share[0] * len(SWEEP) // self.share[1]
        scores = {}
        for name in names[first:] + names[:first]:
            change = {"steps": SWEEP_STEPS, "solver": SWEEP_SOLVER, **SWEEP[name]}
            sampling = flow.base.model_copy(update=change)
            place = place_of(self.work, flow, f"sweep {name}", sampling, self.tuning)
            pictures = drawn_once(place, flow, sampling, self.tuning.requests())
            scores[name] = distance_rank(self.judges.measure(pictures, self.tuning))
        return SWEEP[min(scores, key=scores.__getitem__)], scores

    def points(self, chosen: Mapping[str, Any]) -> list[tuple[Point, Config]]:
        """Return the points with their complete settings, the cheapest first."""
        bases: dict[Family, Config] = {family: opened.base for family, opened in self.models.items()}
        kept = distinct([point for point in POINTS if not self.only or point.name in self.only], bases, chosen)
        return [(point, point.sampling(bases[point.family], chosen)) for point in kept]

    def pictures(self, point: Point, sampling: Config, *, missing: bool) -> dict[str, np.ndarray] | None:
        """Return split to pictures of a point; None if some are not there and shall not be drawn."""
        model, found = self.models[point.family], {}
        for split, asked in self.asked.items():
            pictures = pictures_of(self.work, model, point, sampling, asked, missing=missing)
            if pictures is None:
                return None
            found[split] = pictures
        return found

    def quality(self, pictures: Mapping[str, np.ndarray]) -> Quality:
        """Measure the pictures of a point."""
        return by_measure({split: self.judges.measure(pictures[split], asked) for split, asked in self.asked.items()})

    def draw(self) -> None:
        """Draw the pictures of this share's points, and look at them once."""
        chosen, _ = self.choose_guidance()
        for point, sampling in self.points(chosen)[self.share[0] :: self.share[1]]:
            pictures = self.pictures(point, sampling, missing=True)
            assert pictures is not None
            found = self.quality(pictures)
            values = (f"{name} {split} {one.value:.4f}" for name, part in found.items() for split, one in part.items())
            print(point.name, *values, sep="; ", flush=True)

    def timed(self) -> Timed:
        """Return what is timed: every point, drawn or not."""
        points = self.points(self.choose_guidance()[0])
        return Timed(
            models=self.models, points=points, asked=self.asked[COMPOSITION], log=log_of(self.work, self.models)
        )

    def table(self) -> Table:
        """Return what is there of quality and times."""
        timed = self.timed()
        quality, points = {}, {}
        for point, sampling in timed.points:
            pictures = self.pictures(point, sampling, missing=False)
            if pictures is not None:
                points[point.name], quality[point.name] = point, self.quality(pictures)
            if pictures is not None and point.name == DEFAULT:
                quality[BLURRED] = self.quality({split: blurred(found) for split, found in pictures.items()})
        return Table(
            points=points, quality=quality, asked=self.asked, times=times_of(timed.log), macs=read_counts(timed.log)
        )


def blurred(pictures: np.ndarray) -> np.ndarray:
    """Return pictures ``[N, H, H, 4]`` blurred by a Gaussian of one pixel, which no measure may miss."""
    return np.stack([blur(picture, 1.0) for picture in pictures])


def share_of(text: str) -> tuple[int, int]:
    """Parse a share, ``0/2`` or ``1/2``."""
    part, _, of = text.partition("/")
    if not (part.isdigit() and of.isdigit() and int(part) < int(of)):
        raise argparse.ArgumentTypeError(f"a share is like 0/2 or 1/2, got {text!r}")
    return int(part), int(of)


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for step in ("quality", "timing", "report"):
        parser.add_argument(f"--{step}", action="store_true")
    parser.add_argument("--data", type=Path, default=Path("artifacts/stickers-64"))
    parser.add_argument("--work", type=Path, default=Path("artifacts/hybrid_vs_diffusion"))
    add_models(parser)
    parser.add_argument("--captions", type=int, default=128, help="of each of the two splits")
    parser.add_argument("--share", type=share_of, default=(0, 1))
    parser.add_argument("--only", nargs="*", default=(), help="names of points")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "hybrid_vs_diffusion.json")
    parser.add_argument("--page", type=Path, default=HERE.parent / "docs" / "hybrid_vs_diffusion.md")
    parser.add_argument("--plot", type=Path, default=HERE.parent / "docs" / "images" / "hybrid_vs_diffusion.svg")
    return parser.parse_args()


def open_comparison(args: argparse.Namespace) -> Comparison:
    """Open the models, the prompts and the judges."""
    held_out = [sample for sample in read_samples(args.data) if sample.split != "train"]
    return Comparison(
        models=open_family(folders_of(args)),
        asked={split: ask(args.data, split, args.captions) for split in (CONCEPT, COMPOSITION)},
        tuning=ask(args.data, "validation", args.captions),
        judges=Judges(data=args.data, cache=args.work, held_out=held_out),
        work=args.work,
        share=args.share,
        only=tuple(args.only),
    )


def report(comparison: Comparison, args: argparse.Namespace) -> None:
    """Write the JSON file, the page and the plot, and print the verdict."""
    table = comparison.table()
    document = document_of(comparison.models, table, comparison.timed().log, comparison.choose_guidance())
    for path, text in (
        (args.out, json.dumps(document, indent=2) + "\n"),
        (args.plot, str(frontier_plot(*panels_of(table))) + "\n"),
        (args.page, page(document, os.path.relpath(args.plot, args.page.parent))),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(document["verdict"])


def main() -> None:
    """Run the steps that were asked for."""
    args = parse()
    comparison = open_comparison(args)
    print("models:", ", ".join(f"{name} ({one.folder})" for name, one in comparison.models.items()), flush=True)
    if args.quality:
        comparison.draw()
    if args.quality or args.timing:
        comparison.timed().count()
    if args.timing:
        timed = comparison.timed()
        for number in timed.run(args.rounds):
            print(f"round {number + 1} of {args.rounds}", flush=True)
    if args.report:
        report(comparison, args)


if __name__ == "__main__":
    main()
