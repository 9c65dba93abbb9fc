"""What a model learns from forty pictures in a style that it has never seen: all weights against adapters.

The pictures are Twemoji's (style ``bold``), of which a small data set is filtered; other Twemoji drawings, of concepts
that are among neither the forty pictures nor the model's training, are what the result is compared with, in nats a
token and by the kernel distance to what ``evaluator-64`` sees in them.

    underpaint data build stickers --attributed twemoji --out artifacts/stickers-64-twemoji
    python benchmarks/fine_tune.py --data artifacts/stickers-64-twemoji --out artifacts/fine_tune
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import describe_machine, print_table

from underpaint.core.artifact import MANIFEST, read_manifest, seal, staging
from underpaint.core.config import Config
from underpaint.core.progress import Progress, silent
from underpaint.core.samples import Sample, read_samples, write_samples
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.kernel import kid
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.recipes.table import RECIPES
from underpaint.runtime.device import CPU
from underpaint.stages.evaluate.seeing.extractors import load_extractor
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.latents import Latents, encode
from underpaint.stages.train.pictures import variant_weights
from underpaint.stages.train.tuning import run as tuning
from underpaint.stages.train.tuning.config import StyleRecipe
from underpaint.stages.train.tuning.own import order, read_some
from underpaint.stages.train.tuning.parts import load_parts
from underpaint.stages.train.tuning.trainee import StyleTrainee

STYLE = "bold"
SHIPPED = "stickers-64"


class Filter(Config):
    """Settings of a filtered data set.

    Args:
        style: The style kept.
        count: Pictures kept.
    """

    style: str
    count: int


def of_style(samples: Sequence[Sample], style: str, splits: tuple[str, ...]) -> list[Sample]:
    """Return one picture of each concept in a style, in an order that means nothing."""
    chosen: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda sample: order(sample.id)):
        if sample.style == style and sample.split in splits:
            chosen.setdefault(sample.group, sample)
    return list(chosen.values())


def filter_style(dataset: Path, out: Path, config: Filter) -> None:
    """Write a data set of a few pictures in one style of another; it is kept if it is there."""
    if (out / MANIFEST).exists():
        return
    chosen = of_style(read_samples(dataset), config.style, ("train",))[: config.count]
    with staging(out) as folder:
        for sample in chosen:
            (folder / sample.file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(dataset / sample.file, folder / sample.file)
        for name in ("NOTICE", "attribution.json"):
            shutil.copyfile(dataset / name, folder / name)
        write_samples(folder, chosen)
        parents = {"dataset": read_manifest(dataset).digest}
        seal(folder, kind="dataset", stage="data", config=config, parents=parents)


def open_hybrid(model: str | Path) -> HybridPipeline:
    """Load a hybrid model."""
    pipeline = load_pipeline(open_model(model), CPU)
    assert isinstance(pipeline, HybridPipeline)
    return pipeline


def distance(pipeline: HybridPipeline, dataset: Path, samples: list[Sample], old: str | None) -> Estimate:
    """Return a model's kernel distance to real pictures of the new style, for their captions and with their count.

    Args:
        pipeline: The model; one that does not know the style is asked for ``old`` instead.
        dataset: Where the pictures lie.
        samples: The pictures.
        old: A style that every model knows, or None.
    """
    extractor = load_extractor("evaluator-64")
    style = STYLE if STYLE in pipeline.styles else old
    requests = [DrawRequest(caption=s.caption, style=style, seed=i) for i, s in enumerate(samples)]
    drawn, real = pipeline.draw(requests), list(read_some(dataset, samples).pixels.numpy())
    return kid(extractor.extract(drawn).features, extractor.extract(real).features)


def nats(recipe: StyleRecipe, pipeline: HybridPipeline, part: Latents, workspace: Path) -> tuple[float, float]:
    """Return a model's loss in nats a token on pictures of the new style, and on drawings in its old ones."""
    kept = load_parts(workspace / "kept")
    trainee = StyleTrainee(recipe, pipeline, (part, part), kept, workspace)
    first = trainee.watch.points[0]
    return first.held_out, first.kept


def encoded(dataset: Path, samples: list[Sample], pipeline: HybridPipeline) -> Latents:
    """Return pictures as latents."""
    pictures = read_some(dataset, samples)
    values = encode(pipeline.autoencoder, pictures, LatentsEncoding(variants=1), silent)
    return Latents(samples, values, variant_weights(samples))


def report(progress: Progress) -> None:
    """Print every fiftieth step."""
    if progress.done % 50 == 0:
        print(f"  {progress.task} {progress.done}/{progress.total}  {progress.note}", flush=True)


def shortened(recipe: StyleRecipe, steps: int | None) -> StyleRecipe:
    """Return the recipe with fewer steps."""
    if steps is None:
        return recipe
    return recipe.model_copy(update={"loop": recipe.loop.model_copy(update={"steps": steps})})


@dataclass(frozen=True)
class Facts:
    """What every model is compared with.

    Args:
        dataset: Where the pictures lie.
        samples: Pictures of the new style, of concepts that no model saw.
        part: Their latents.
        old: The old style that comes nearest, or None.
    """

    dataset: Path
    samples: list[Sample]
    part: Latents
    old: str | None


def measured(name: str, recipe: StyleRecipe, workspace: Path, model: str | Path, facts: Facts) -> dict[str, Any]:
    """Return one row of the table."""
    pipeline = open_hybrid(model)
    kernel = distance(pipeline, facts.dataset, facts.samples, facts.old)
    style, kept = nats(recipe, pipeline, facts.part, workspace)
    return {
        "model": name,
        "nats": round(style, 3),
        "kept_nats": round(kept, 3),
        "distance": f"{kernel.value:.4f} ± {1.96 * (kernel.se or 0.0):.4f}",
    }


def parsed() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set with Twemoji")
    parser.add_argument("--out", type=Path, required=True, help="folder for the filtered set and the trained models")
    parser.add_argument("--pictures", type=int, default=40, help="pictures to learn from, those held out included")
    parser.add_argument("--steps", type=int, help="most steps of both recipes; their own if left out")
    parser.add_argument("--recipes", nargs="+", default=["style", "style-low-rank"], help="recipes to compare")
    parser.add_argument("--tested", type=int, default=120, help="pictures to compare with, 100 at least")
    return parser.parse_args()


def facts_of(dataset: Path, count: int, started_from: str) -> Facts:
    """Return what the models are compared with, from concepts that are held out of the data set."""
    samples = of_style(read_samples(dataset), STYLE, ("test_concept", "validation"))[:count]
    part = encoded(dataset, samples, open_hybrid(SHIPPED))
    return Facts(dataset, samples, part, None if started_from == "none" else started_from)


def main() -> None:
    """Filter, train with both recipes, and compare."""
    args = parsed()
    few = args.out / "pictures"
    filter_style(args.data, few, Filter(style=STYLE, count=args.pictures))
    rows: list[dict[str, Any]] = []
    for name in args.recipes:
        made = RECIPES[name]()
        assert isinstance(made, StyleRecipe)
        recipe, workspace, begun = shortened(made, args.steps), args.out / name, time.process_time()
        figures = tuning.run(recipe, few, workspace, report, start=SHIPPED, num_threads=1).figures["style"]
        cpu_minutes = round((time.process_time() - begun) / 60, 1)
        facts = facts_of(args.data, args.tested, figures["started_from"][STYLE])
        if not rows:
            rows.append(measured("before", recipe, workspace, SHIPPED, facts))
        row = measured(name, recipe, workspace, workspace, facts)
        rows.append(row | {"cpu_minutes": cpu_minutes, "trained": figures["trained_parameters"]})
        print(f"{name}: {figures['verdict']}", flush=True)
    head = [*rows[-1]]
    print_table(head, [[str(row.get(name, "")) for name in head] for row in rows])
    result = {"machine": describe_machine(), "rows": rows}
    (args.out / "fine_tune.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
