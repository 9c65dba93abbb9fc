"""What a model could do before it learned something new, as pictures to keep learning from.

Either the model itself draws them, for everyday words and the new pictures' captions in its old styles, or they come
from a data set. Without them a model that learns from forty pictures soon draws nothing else.

Source: prior preservation, DreamBooth, arXiv 2208.12242, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from underpaint.core.artifact import Manifest
from underpaint.core.errors import DataError
from underpaint.core.progress import Progress, Report
from underpaint.core.samples import Sample, read_samples
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.train.dataset import refuse_evaluation_sources, require_image_size
from underpaint.stages.train.latents import Latents
from underpaint.stages.train.pictures import require_captions, variant_weights
from underpaint.stages.train.tuning.config import StyleRecipe
from underpaint.stages.train.tuning.own import SamplePair, order
from underpaint.stages.train.tuning.parts import Parts, write_parts

EVERYDAY = (
    "cat", "dog", "smiling face", "red heart", "house", "tree", "car", "apple", "sun", "cloud with rain", "fish",
    "bird", "airplane", "birthday cake", "guitar", "crown", "rocket", "mushroom", "umbrella", "key", "flower",
    "snowman", "bicycle", "hamburger", "mountain", "book", "clock", "crab", "ghost", "hot beverage", "light bulb",
    "thumbs up",
)  # fmt: skip
"""Words that any model of stickers should know."""
HELD_OUT_EVERY = 6
BATCH = 16
GUIDANCE = 1.0
"""Little: strongly guided pictures are more alike than what the model knows."""


def wishes(styles: Sequence[str], captions: Sequence[str], count: int) -> list[Sample]:
    """Return what the model is asked to draw: everyday words and captions, in every old style and in none.

    Args:
        styles: The model's styles.
        captions: The new pictures' captions.
        count: Number of wishes.

    Returns:
        Records without pixels; the style is empty where none is asked for.
    """
    words = [word for pair in zip(EVERYDAY, sorted(set(captions), key=order), strict=False) for word in pair]
    words = words or list(EVERYDAY)
    ways = (*styles, "")
    return [_wish(number, words[number // len(ways) % len(words)], ways[number % len(ways)]) for number in range(count)]


def _wish(number: int, caption: str, style: str) -> Sample:
    return Sample(
        id=f"{number:x}",
        cluster=caption,
        group=caption,
        name=caption,
        caption=caption,
        style=style,
        family="drawn",
        source="drawn by the model",
        icon="",
        license="",
        sha256_pixels="",
        phash="",
        split="validation" if number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 else "train",
        level="",
        weight=1.0,
        file=f"{number}.png",
    )


@torch.no_grad()
def draw_latents(pipeline: HybridPipeline, samples: Sequence[Sample], report: Report) -> Latents:
    """Let the model draw latents for wishes: ``[N, 1, C, h, h]``.

    Args:
        pipeline: The model before it learned anything new.
        samples: From ``wishes``.
        report: Receives progress.
    """
    rows = []
    report(Progress(task="draw what to keep", done=0, total=len(samples), unit="pictures"))
    for begin in range(0, len(samples), BATCH):
        requests = [
            DrawRequest(caption=sample.caption, style=sample.style or None, seed=begin + place, guidance=GUIDANCE)
            for place, sample in enumerate(samples[begin : begin + BATCH])
        ]
        text = pipeline.encode_text([request.caption for request in requests])
        numbers = pipeline.numbers(requests)
        drawing = pipeline.draw_tokens(text, pipeline.style_index([request.style for request in requests]), numbers)
        rows.append(pipeline.refine(drawing, numbers).to(torch.float16).cpu()[:, None])  # [B, 1, C, h, h]
        done = begin + len(requests)
        report(Progress(task="draw what to keep", done=done, total=len(samples), unit="pictures"))
    return Latents(list(samples), torch.cat(rows), variant_weights(list(samples)))


def draw_kept(
    recipe: StyleRecipe, pipeline: HybridPipeline, captions: Sequence[str], out: Path, *, model: str, report: Report
) -> Manifest:
    """Let the model draw what it shall not forget, and write it as an artifact.

    Args:
        recipe: The settings.
        pipeline: The model.
        captions: The new pictures' captions.
        out: The new artifact.
        model: The model's digest.
        report: Receives progress.
    """
    drawn = draw_latents(pipeline, wishes(pipeline.styles, captions, recipe.keep_count), report)
    parts: Parts = (_part(drawn, "train"), _part(drawn, "validation"))
    return write_parts(parts, out, config=recipe, parents={"model": model})


def _part(latents: Latents, split: str) -> Latents:
    rows = [row for row, sample in enumerate(latents.samples) if sample.split == split]
    samples = [latents.samples[row] for row in rows]
    return Latents(samples, latents.values[rows], variant_weights(samples))


def kept_samples(recipe: StyleRecipe, dataset: Path, styles: Sequence[str], image_size: int) -> SamplePair:
    """Choose pictures of a data set that show what the model shall not forget.

    Args:
        recipe: The settings.
        dataset: A ``dataset`` artifact, best the one that the model learned from.
        styles: The model's styles.
        image_size: Side in pixels of what it draws.

    Raises:
        DataError: The data set has no such pictures to learn from or to hold out, or they have another size.
        LicenseRefused: It holds sources that weights must not be trained on.
    """
    refuse_evaluation_sources(dataset)
    known = sorted((s for s in read_samples(dataset) if s.style in styles), key=lambda sample: order(sample.file))
    held = max(recipe.keep_count // HELD_OUT_EVERY, 1)
    learned = [sample for sample in known if sample.split == "train"][: recipe.keep_count - held]
    held_out = [sample for sample in known if sample.split == "validation"][:held]
    if not learned or not held_out:
        raise DataError(
            f"{dataset} has {len(learned)} pictures in 'train' and {len(held_out)} in 'validation' in the model's "
            f"styles ({', '.join(styles)}); both are needed to keep them: choose another --keep, or leave it out"
        )
    require_captions([*learned, *held_out], dataset)
    require_image_size([*learned, *held_out], image_size, dataset)
    return learned, held_out
