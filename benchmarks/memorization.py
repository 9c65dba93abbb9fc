"""Does a model copy its training pictures? Nearest-neighbor ratios of what it draws, beside held-out drawings'.

A ratio is the distance to the nearest training picture over half the mean distance to the fifty nearest groups; copies
have small ones. Held-out drawings give the threshold with 1 % false alarms. The model is asked for held-out concepts,
for new combinations, and for captions that training showed, where copying is likeliest. Training pictures sent through
the model's own decoder are the positive control: they are copies and must be flagged.

    python benchmarks/memorization.py --model stickers-64 --sheet nearest.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import print_table, write_document
from PIL import Image
from side_by_side import Line, interval_text

from underpaint.core.cache import cache_folder
from underpaint.core.config import digest_of
from underpaint.metrics.memorization import nearest
from underpaint.models.extractor import Extractor
from underpaint.models.pixels import from_straight, to_straight
from underpaint.pipelines.contact_sheet import Cell, contact_sheet
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.cached import draw_all
from underpaint.stages.evaluate.drawing.pictures import Drawn, Pixels, Real, real_pictures
from underpaint.stages.evaluate.drawing.subjects import CallableSubject, ModelSubject, open_subject
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN, SEEN, Wish, plan_wishes, prompt_id_of
from underpaint.stages.evaluate.opening import open_data
from underpaint.stages.evaluate.scores.ledger import Score
from underpaint.stages.evaluate.scores.novelty import Novelty, novelty_of, twin_groups
from underpaint.stages.evaluate.seeing.extractors import load_extractor
from underpaint.stages.evaluate.seeing.sets import DataSet, Eyes
from underpaint.stages.evaluate.seeing.view import View

CONFIG = EvaluateConfig(
    suite="memorization", composition=368, null_sets=0, known_bad=(), extractors=("evaluator-64", "pixels")
)
PARTS = {MAIN: "held-out concepts", COMPOSITION: "new combinations", SEEN: "captions of training"}
CONTROL = "training pictures, decoded"
PERCENTILES = (1, 5, 50)
PAIRS = 12


def decoded(data: DataSet, model: ModelSubject) -> CallableSubject:
    """Return the model's decoder at work on the real pictures of wishes: known copies."""
    pipeline = model.generator.networks
    autoencoder = pipeline.modules["autoencoder"]

    def draw(wishes: Sequence[Wish]) -> list[Pixels]:
        samples = [wish.sample for wish in wishes if wish.sample is not None]
        straight = torch.from_numpy(np.stack([one.load() for one in real_pictures(data.folder, samples)]))
        with torch.inference_mode():
            return list(to_straight(autoencoder.decode(autoencoder.encode(from_straight(straight)))))  # pyright: ignore[reportCallIssue]

    return CallableSubject(function=draw, name="decoded", digest=digest_of([data.digest, model.identity]))


def pictures_of(data: DataSet, config: EvaluateConfig, model: ModelSubject) -> dict[str, list[Drawn]]:
    """Return what the model draws for each kind of wish, and the positive control; drawn once ever."""
    cache, wishes = cache_folder() / "evaluate", plan_wishes(data.samples, config)
    drawn = draw_all(model, [wish for wish in wishes if wish.part in PARTS], cache)
    sets = {PARTS[part]: [picture for picture in drawn if picture.wish.part == part] for part in PARTS}
    shown = [wish for wish in wishes if wish.part == SEEN]
    return sets | {CONTROL: draw_all(decoded(data, model), shown, cache)}


def as_main(view: View) -> View:
    """Return a view whose wishes all belong to the part that novelty counts."""
    return replace(view, wishes=[replace(wish, part=MAIN) for wish in view.wishes])


def line_of(score: Score) -> Line:
    """Return a number for JSON, or why there is none."""
    estimate = score.estimate
    interval = estimate and estimate.interval
    return {
        "metric": score.metric,
        "extractor": score.extractor,
        "value": estimate and estimate.value,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "n": estimate and estimate.n,
        "ceiling": score.ceiling,
        "status": "ok" if estimate else str(score.error),
    }


def percentiles(ratios: np.ndarray) -> dict[str, float]:
    """Return some percentiles of ratios."""
    return {f"p{p}": round(float(np.percentile(ratios, p)), 3) for p in PERCENTILES} if len(ratios) else {}


def look(
    sets: dict[str, list[Drawn]], data: DataSet, training: Sequence[Real], extractor: Extractor, eyes: Eyes
) -> tuple[dict[str, Any], dict[str, Novelty]]:
    """Return the figures of every set in the eyes of one extractor, and what they were made from."""
    own, reference = eyes.real(extractor, training), eyes.real(extractor, data.reference)
    found = {
        name: novelty_of(as_main(eyes.drawn(extractor, drawn)), reference, own) for name, drawn in sets.items() if drawn
    }
    real = nearest(reference.features, own.features, groups=twin_groups(own)).ratios
    figures = {
        name: {"numbers": [line_of(score) for score in one.scores], "ratios": percentiles(one.ratios)}
        for name, one in found.items()
    }
    return figures | {"held-out drawings": {"numbers": [], "ratios": percentiles(real)}}, found


def closest(sets: dict[str, list[Drawn]], found: dict[str, Novelty], count: int) -> list[tuple[float, Drawn, int]]:
    """Return ratio, picture and row of its nearest training picture, of the drawn pictures with the lowest ratios."""
    pairs = [
        (ratio, picture, row)
        for name, one in found.items()
        if name != CONTROL
        for ratio, picture, row in zip(one.ratios.tolist(), sets[name], one.nearest.tolist(), strict=True)
    ]
    return sorted(pairs, key=lambda pair: pair[0])[:count]


def sheet_of(pairs: Sequence[tuple[float, Drawn, int]], training: Sequence[Real]) -> Image.Image:
    """Return a sheet of pairs, three in a row: what was drawn, then the nearest training picture."""
    cells = []
    for ratio, picture, row in pairs:
        near, wish = training[row], picture.wish
        cells.append(
            Cell(image=Image.fromarray(picture.load()), title=wish.prompt, note=f"drawn {ratio:.2f}, {wish.part}")
        )
        cells.append(
            Cell(image=Image.fromarray(near.load()), title=near.sample.caption, note=f"training, {near.sample.style}")
        )
    return contact_sheet(cells, columns=6)


def pair_lines(pairs: Sequence[tuple[float, Drawn, int]], training: Sequence[Real]) -> list[Line]:
    """Return the closest pairs for JSON."""
    return [
        {
            "ratio": ratio,
            "part": picture.wish.part,
            "drawn": picture.wish.prompt_id,
            "prompt": picture.wish.prompt,
            "nearest": prompt_id_of(training[row].sample),
            "nearest_caption": training[row].sample.caption,
        }
        for ratio, picture, row in pairs
    ]


def measure(args: argparse.Namespace) -> tuple[dict[str, Any], Image.Image]:
    """Draw, look with both extractors, and return the figures and the sheet of the first."""
    config = CONFIG.model_copy(update={"main": args.count, "composition": args.combinations})
    data, model = open_data(args.data, config), open_subject(args.model)
    training, sets = data.training, pictures_of(data, config, model)
    eyes = Eyes(extractors=[load_extractor(n) for n in config.extractors], cache=cache_folder() / "evaluate")
    looks = {extractor.card.name: look(sets, data, training, extractor, eyes) for extractor in eyes.extractors}
    pairs = {name: closest(sets, novelties, PAIRS) for name, (_, novelties) in looks.items()}
    found = {
        "data": data.digest,
        "model": model.record().identity,
        "training_pictures": len(training),
        "pictures": {name: len(drawn) for name, drawn in sets.items()},
        "figures": {name: figures for name, (figures, _) in looks.items()},
        "closest": {name: pair_lines(near, training) for name, near in pairs.items()},
    }
    return found, sheet_of(pairs[args.shown_by], training)


def show(found: dict[str, Any]) -> None:
    """Print a table an extractor."""
    for extractor, figures in found["figures"].items():
        rows = []
        for name, one in figures.items():
            ratios = " / ".join(f"{one['ratios'][key]:.2f}" for key in one["ratios"])
            rows.append([name, ratios, *(interval_text(line) for line in one["numbers"])])
        width = max(map(len, rows))
        head = [extractor, "ratio p1 / p5 / p50", "flagged beyond 1 %", "novelty", "authenticity"]
        print_table(head, [row + ["-"] * (width - len(row)) for row in rows])
        print()


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-m", "--model", help="the model; the shipped one if left out")
    parser.add_argument("--data", type=Path, default=Path("artifacts/stickers-64"))
    parser.add_argument("--count", type=int, default=0, help="pictures of held-out concepts; 0 for all")
    parser.add_argument("--combinations", type=int, default=CONFIG.composition)
    parser.add_argument(
        "--shown-by", choices=CONFIG.extractors, default=CONFIG.extractors[0], help="whose pairs to show"
    )
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="where the closest pairs shall lie; none if left out")
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results" / "memorization.json")
    return parser.parse_args()


def main() -> None:
    """Measure, print tables, write JSON and the sheet."""
    args = parse()
    found, sheet = measure(args)
    show(found)
    write_document(args.json, "memorization", **found)
    if args.sheet:
        sheet.save(args.sheet, optimize=True)


if __name__ == "__main__":
    main()
