"""What a model learns from a few pictures in a style that it has never seen, and what it forgets.

A few pictures of the style, or many, are taken from a data set; others of it, of other things, are what the result is
compared with: in nats a token, and by the kernel distance to what ``evaluator-64`` sees in them. The model before
draws in the old style that comes nearest by that distance, so the style has to be learned to be better. What is
forgotten is measured in nats on the model's own drawings from before, and on real pictures in its old styles.

    python benchmarks/fine_tune_pictures.py --out artifacts/outlined
    python benchmarks/fine_tune.py --data artifacts/outlined --old artifacts/stickers-64 --out artifacts/fine_tune
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

import numpy as np
import torch
from machine import describe_machine, print_table

from underpaint.core.artifact import MANIFEST, read_manifest, seal, staging
from underpaint.core.config import Config
from underpaint.core.progress import Progress, silent
from underpaint.core.samples import Sample, read_samples, write_samples
from underpaint.metrics.estimate import Estimate
from underpaint.metrics.kernel import kid
from underpaint.metrics.paired import difference
from underpaint.models.pixels import from_straight
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.recipes.table import RECIPES
from underpaint.runtime.device import CPU
from underpaint.stages.evaluate.seeing.extractors import load_extractor
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.grid import save_grid
from underpaint.stages.train.latents import Latents, encode
from underpaint.stages.train.pictures import variant_weights
from underpaint.stages.train.tuning import run as tuning
from underpaint.stages.train.tuning.config import StyleRecipe
from underpaint.stages.train.tuning.kept import EVERYDAY
from underpaint.stages.train.tuning.own import order, read_some
from underpaint.stages.train.tuning.parts import load_parts
from underpaint.stages.train.tuning.trainee import MOST_MEASURED, StyleTrainee

SHIPPED = "stickers-64"
COLUMNS = 8
OLD_PICTURES = 128


class Filter(Config):
    """Settings of a filtered data set.

    Args:
        style: The style kept.
        count: Pictures kept.
    """

    style: str
    count: int


@dataclass(frozen=True)
class Task:
    """What is learned and what the results are compared with.

    Args:
        dataset: Where the pictures lie.
        style: Their style.
        samples: All of them, of different things, in an order that means nothing.
        num_tested: The last ones, that no model learns from.
        old: Data set with pictures in the model's own styles, or None.
    """

    dataset: Path
    style: str
    samples: list[Sample]
    num_tested: int
    old: Path | None

    @property
    def tested(self) -> list[Sample]:
        """What the results are compared with."""
        return self.samples[-self.num_tested :]

    @property
    def shown(self) -> list[Sample]:
        """The first of these that the model before had words for, as far as that can be told."""
        known = {sample.caption for sample in read_samples(self.old) if sample.split == "train"} if self.old else None
        return [sample for sample in self.tested if known is None or sample.caption in known][:COLUMNS]


def of_style(dataset: Path, style: str) -> list[Sample]:
    """Return one picture of each group of near-duplicates in a style, in an order that means nothing."""
    chosen: dict[str, Sample] = {}
    for sample in sorted(read_samples(dataset), key=lambda sample: order(sample.id)):
        if sample.style == style:
            chosen.setdefault(sample.cluster, sample)
    return list(chosen.values())


def filtered(task: Task, count: int, out: Path) -> Path:
    """Write a data set of the first pictures; it is kept if it is there."""
    if (out / MANIFEST).exists():
        return out
    with staging(out) as folder:
        chosen = [sample.model_copy(update={"split": "train"}) for sample in task.samples[:count]]
        for sample in chosen:
            (folder / sample.file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(task.dataset / sample.file, folder / sample.file)
        for name in ("NOTICE", "attribution.json"):
            shutil.copyfile(task.dataset / name, folder / name)
        write_samples(folder, chosen)
        parents = {"dataset": read_manifest(task.dataset).digest}
        seal(folder, kind="dataset", stage="data", config=Filter(style=task.style, count=count), parents=parents)
    return out


def open_hybrid(model: str | Path) -> HybridPipeline:
    """Load a hybrid model."""
    pipeline = load_pipeline(open_model(model), CPU)
    assert isinstance(pipeline, HybridPipeline)
    return pipeline


def distance(pipeline: HybridPipeline, task: Task, style: str | None) -> Estimate:
    """Return a model's kernel distance to real pictures of the new style, for their captions and with their count."""
    extractor = load_extractor("evaluator-64")
    requests = [DrawRequest(caption=s.caption, style=style, seed=i) for i, s in enumerate(task.tested)]
    drawn, real = pipeline.draw(requests), list(read_some(task.dataset, task.tested).pixels.numpy())
    return kid(extractor.extract(drawn).features, extractor.extract(real).features)


def encoded(dataset: Path, samples: list[Sample], pipeline: HybridPipeline) -> Latents:
    """Return pictures as latents."""
    pictures = read_some(dataset, samples)
    values = encode(pipeline.autoencoder, pictures, LatentsEncoding(variants=1), silent)
    return Latents(samples, values, variant_weights(samples))


def nats(pipeline: HybridPipeline, task: Task, workspace: Path) -> dict[str, float]:
    """Return a model's loss in nats a token on new pictures, on drawings from before, and on old pictures."""
    recipe = RECIPES["style"]()
    assert isinstance(recipe, StyleRecipe)
    new, kept = encoded(task.dataset, task.tested, pipeline), load_parts(workspace / "kept")
    trainee = StyleTrainee(recipe, pipeline, (new, new), kept, workspace)
    values = {"nats": mean_loss(trainee, new), "kept_nats": trainee.watch.points[0].kept}
    if task.old is not None:
        known = [s for s in read_samples(task.old) if s.split == "validation" and s.style in pipeline.styles]
        chosen = sorted(known, key=lambda sample: order(sample.file))[:OLD_PICTURES]
        values["old_nats"] = mean_loss(trainee, encoded(task.old, chosen, pipeline))
    return {name: round(value, 3) for name, value in values.items()}


def mean_loss(trainee: StyleTrainee, part: Latents) -> float:
    """Return the loss of any number of pictures."""
    rows = torch.arange(len(part)).split(MOST_MEASURED)
    parts = [Latents([part.samples[i] for i in some.tolist()], part.values[some], part.weights[some]) for some in rows]
    return float(np.average([trainee.loss_of(some) for some in parts], weights=[len(some) for some in parts]))


def report(progress: Progress) -> None:
    """Print every twenty-fifth step."""
    if progress.done % 25 == 0:
        print(f"  {progress.task} {progress.done}/{progress.total}  {progress.note}", flush=True)


def shown(estimate: Estimate) -> str:
    """Return a value with half of its interval's width."""
    return f"{estimate.value:.4f} ± {1.96 * (estimate.se or 0.0):.4f}"


def nearest(task: Task) -> tuple[str | None, Estimate]:
    """Return the shipped model's old style, or none, that comes nearest to the new one, and its distance."""
    before = open_hybrid(SHIPPED)
    tried = [(style, distance(before, task, style)) for style in (*before.styles, None)]
    for style, estimate in tried:
        print(f"before, {style}: {shown(estimate)}", flush=True)
    return min(tried, key=lambda pair: pair[1].value)


def learned(name: str, count: int, task: Task, out: Path) -> tuple[Path, dict[str, Any]]:
    """Teach the shipped model the style; returns the workspace, and what the training says about itself."""
    recipe, workspace, begun = RECIPES[name](), out / f"{name}-{count}", time.process_time()
    assert isinstance(recipe, StyleRecipe)
    few = filtered(task, count, out / f"pictures-{count}")
    figures = tuning.run(recipe, few, workspace, report, start=SHIPPED, num_threads=1).figures["style"]
    minutes = (time.process_time() - begun) / 60
    print(f"{name}, {count} pictures: {figures['verdict']} ({minutes:.1f} CPU minutes)", flush=True)
    return workspace, {**figures, "cpu_minutes": round(minutes, 1)}


def draw_sheet(models: Sequence[tuple[HybridPipeline, str | None]], task: Task, path: Path) -> None:
    """Write real pictures in the style that no model saw, and what each draws for these and for everyday words.

    Args:
        models: Models, each with the style that it is asked for.
        task: Where the pictures lie.
        path: A PNG file.
    """
    real = read_some(task.dataset, task.shown).batch(torch.arange(COLUMNS))
    words = [sample.caption for sample in task.shown] + list(EVERYDAY[:COLUMNS])
    rows = [torch.cat([real, torch.full_like(real, -1.0)])]
    for pipeline, style in models:
        drawn = pipeline.draw([DrawRequest(caption=word, style=style, seed=i) for i, word in enumerate(words)])
        rows.append(from_straight(torch.from_numpy(np.stack(drawn))))
    save_grid(path, torch.cat(rows), columns=2 * COLUMNS)


def parsed() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data set with pictures in the new style")
    parser.add_argument("--style", default="outlined", help="the new style")
    parser.add_argument("--old", type=Path, help="data set that the shipped model was trained on")
    parser.add_argument("--out", type=Path, required=True, help="folder for the filtered sets and the trained models")
    parser.add_argument(
        "--runs", nargs="+", default=["style:40", "style:200", "style-low-rank:40"], help="recipe:pictures, each a run"
    )
    parser.add_argument("--tested", type=int, default=128, help="pictures to compare with, 100 at least")
    return parser.parse_args()


def main() -> None:
    """Train each run, compare, and write table and sheet."""
    args = parsed()
    task = Task(args.data, args.style, of_style(args.data, args.style), args.tested, args.old)
    torch.set_num_threads(1)
    old, before = nearest(task)
    rows: list[dict[str, Any]] = []
    models = [(open_hybrid(SHIPPED), old)]
    for run in args.runs:
        name, _, count = run.partition(":")
        workspace, figures = learned(name, int(count), task, args.out)
        if not rows:
            first = nats(open_hybrid(SHIPPED), task, workspace)
            rows.append({"model": f"before ({old})", **first, "distance": shown(before)})
        models.append((open_hybrid(workspace), task.style))
        after = distance(models[-1][0], task, task.style)
        row = {"model": run, **nats(open_hybrid(workspace), task, workspace), "distance": shown(after)}
        row |= {"nearer_by": shown(difference(after, before)), "steps": best_step(figures)}
        rows.append(row | {"cpu_minutes": figures["cpu_minutes"], "trained": figures["trained_parameters"]})
        head = [*rows[-1]]
        print_table(head, [[str(row.get(name, "")) for name in head] for row in rows])
        result = {"machine": describe_machine(), "rows": rows}
        (args.out / "fine_tune.json").write_text(json.dumps(result, indent=2) + "\n")
        draw_sheet(models, task, args.out / "fine_tune.png")


def best_step(figures: dict[str, Any]) -> int:
    """Return the step whose weights were kept."""
    return int(min(figures["curve"], key=lambda point: point["held_out"])["step"])


if __name__ == "__main__":
    main()
