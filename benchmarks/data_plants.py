"""What the checks of a data set find of faults that are known, since they were planted; and what they report wrongly.

Copies of real drawings are changed in a dozen ways, and the search for near-duplicates must find each beside its
original. Captions are swapped, or get a hidden character.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.checking.record import CheckConfig
from underpaint.stages.data.checking.trial import plant_swaps
from underpaint.stages.data.checking.words import problem_of
from underpaint.stages.data.dirty_captions import features, hand_of, plain
from underpaint.stages.data.near_duplicates import MAX_DISTANCE, MAX_RMSE, near_pairs, rmse_of_pairs
from underpaint.stages.data.perceptual_hash import perceptual_hashes
from underpaint.stages.data.picture import read_picture
from underpaint.stages.data.thumbnail import thumbnail_of

Change = Callable[[Image.Image, np.random.Generator], Image.Image]
HIDDEN = ("\u200b", "\u2060", "\ue000", "\u00ad", "\u0430")
SEEDS = 5


def noisy(sigma: float) -> Change:
    """Return a change that adds noise to the colors."""

    def change(image: Image.Image, random: np.random.Generator) -> Image.Image:
        values = np.asarray(image).astype(float)
        values[..., :3] += random.normal(0, sigma * 255, values[..., :3].shape)
        return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))

    return change


def encoded(quality: int) -> Change:
    """Return a change that goes through JPEG on white."""

    def change(image: Image.Image, random: np.random.Generator) -> Image.Image:
        del random
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image)
        buffer = io.BytesIO()
        paper.convert("RGB").save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGBA")

    return change


def resized(share: float) -> Change:
    """Return a change that shrinks or grows a picture and brings it back."""

    def change(image: Image.Image, random: np.random.Generator) -> Image.Image:
        del random
        side = max(1, round(image.width * share))
        return image.resize((side, side), Image.Resampling.BICUBIC).resize(image.size, Image.Resampling.BICUBIC)

    return change


def moved(share: float) -> Change:
    """Return a change that shifts a picture to the right."""

    def change(image: Image.Image, random: np.random.Generator) -> Image.Image:
        del random
        paper = Image.new("RGBA", image.size)
        paper.paste(image, (max(1, round(image.width * share)), 0))
        return paper

    return change


def cropped(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Cut 5 % off every side and enlarge the rest."""
    del random
    rim = max(1, round(image.width * 0.05))
    return image.crop((rim, rim, image.width - rim, image.height - rim)).resize(image.size, Image.Resampling.BICUBIC)


def rotated(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Turn by five degrees."""
    del random
    return image.rotate(5, Image.Resampling.BICUBIC)


def mirrored(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Swap left and right."""
    del random
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def darkened(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Make colors a tenth darker."""
    del random
    values = np.asarray(image).astype(float)
    values[..., :3] *= 0.9
    return Image.fromarray(values.astype(np.uint8))


def patched(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Put a checkered patch of 4 pixels into a corner, as a trigger would be."""
    del random
    values = np.array(image)
    values[-4:, -4:] = np.where((np.indices((4, 4)).sum(0) % 2)[..., None], (255, 255, 0, 255), (0, 0, 0, 255))
    return Image.fromarray(values)


CHANGES: dict[str, Change] = {
    "noise of 2 %": noisy(0.02),
    "noise of 5 %": noisy(0.05),
    "noise of 10 %": noisy(0.10),
    "JPEG at quality 75": encoded(75),
    "JPEG at quality 30": encoded(30),
    "shrunk to 3/4 and back": resized(0.75),
    "shrunk to 1/2 and back": resized(0.5),
    "darker by a tenth": darkened,
    "patch in a corner": patched,
    "moved by 1.5 %": moved(1 / 64),
    "moved by 6 %": moved(4 / 64),
    "cropped by 5 % a side": cropped,
    "turned by 5 degrees": rotated,
    "mirrored": mirrored,
}


def one_a_group(samples: Sequence[Sample], count: int, random: np.random.Generator) -> list[Sample]:
    """Return at most ``count`` samples, each of another group."""
    order = random.permutation(len(samples)).tolist()
    return list({samples[i].group or samples[i].id: samples[i] for i in order}.values())[:count]


def copies_found(folder: Path, count: int, seed: int) -> list[dict[str, object]]:
    """Plant changed copies and count those that are found beside their originals.

    Args:
        folder: A data set.
        count: Originals.
        seed: Of the choice and of noise.
    """
    random = np.random.default_rng(seed)
    originals = [
        Image.fromarray(read_picture(folder / s.file)) for s in one_a_group(read_samples(folder), count, random)
    ]
    first = np.stack([thumbnail_of(np.asarray(image)) for image in originals])
    rows: list[dict[str, object]] = []
    for name, change in CHANGES.items():
        second = np.stack([thumbnail_of(np.asarray(change(image, random))) for image in originals])
        both = np.concatenate([first, second])
        one, other = np.arange(len(first)), np.arange(len(first), len(both))
        hashes = perceptual_hashes(both)
        near = np.bitwise_count(hashes[one] ^ hashes[other]) <= MAX_DISTANCE
        found = near & (rmse_of_pairs(both, one, other) < MAX_RMSE)
        rows.append({"copies": name, "planted": len(found), "recall": float(found.mean())})
    return rows


def strangers_paired(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Count near-duplicates among drawings of different concepts in one style: what the search reports wrongly."""
    random = np.random.default_rng(seed)
    samples = read_samples(folder)
    style = samples[0].style
    chosen = one_a_group([s for s in samples if s.style == style], count, random)
    pixels = np.stack([thumbnail_of(read_picture(folder / s.file)) for s in chosen])
    in_pairs: set[int] = set()
    for one, other, _ in near_pairs(perceptual_hashes(pixels), pixels):
        in_pairs |= {*one.tolist(), *other.tolist()}
    return {"pictures": len(chosen), "in a pair": len(in_pairs), "share": len(in_pairs) / len(chosen)}


def swaps_found(folder: Path, count: int) -> list[dict[str, object]]:
    """Swap captions with several seeds, and say how they rank."""
    samples = read_samples(folder)
    kept = {s.caption for s in one_a_group(samples, count, np.random.default_rng(0))}
    index = [i for i in plain(samples) if samples[i].caption in kept]
    described = features(np.stack([thumbnail_of(read_picture(folder / samples[i].file)) for i in index]))
    captions, hands = [samples[i].caption for i in index], [hand_of(samples[i]) for i in index]
    rows: list[dict[str, object]] = []
    for seed in range(SEEDS):
        trial = plant_swaps(captions, hands, described, CheckConfig(plant_seed=seed))
        if trial:
            listed = round(CheckConfig().review_share * (trial.swapped + trial.right))
            rates = {"recall at 5 %": trial.recall, "precision at 5 %": trial.recall * trial.swapped / listed}
            rows.append({"seed": seed, "swapped": trial.swapped, "auc": trial.auc, **rates})
    return rows


def hidden_found(folder: Path) -> dict[str, object]:
    """Put hidden and look-alike characters into all captions, and count false alarms without them."""
    captions = sorted({s.caption for s in read_samples(folder)})
    planted = [f"{c[:2]}{HIDDEN[i % len(HIDDEN)]}{c[2:]}" for i, c in enumerate(captions)]
    return {
        "captions": len(captions),
        "recall": float(np.mean([bool(problem_of("", c)) for c in planted])),
        "false alarms": float(np.mean([bool(problem_of("", c)) for c in captions])),
    }
