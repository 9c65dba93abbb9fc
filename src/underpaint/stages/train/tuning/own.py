"""A person's own pictures: whether they can be learned from, which are held out, and their latents."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from underpaint.core.artifact import Manifest
from underpaint.core.attributes import DIRECTIONS
from underpaint.core.errors import DataError
from underpaint.core.progress import Report
from underpaint.core.samples import Sample, read_samples
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.dataset import refuse_evaluation_sources, require_image_size
from underpaint.stages.train.latents import Latents, encode
from underpaint.stages.train.pictures import Pictures, read_pixels, require_captions, variant_weights
from underpaint.stages.train.tuning.config import StyleRecipe
from underpaint.stages.train.tuning.parts import write_parts

USED = ("train", "validation")
"""Splits that are learned from or watched; what a data set keeps for tests is left alone."""
FEWEST_HELD_OUT = 2
ENOUGH = 30
"""From so many pictures on, a style is learned rather than the pictures; see docs/your_style.md."""
ONE_SIDED = frozenset(
    {
        *DIRECTIONS, "abc", "alphabet", "arrow", "button", "calendar", "clock", "flag", "keycap", "letter", "letters",
        "mark", "number", "numbers", "o'clock", "sign", "symbol", "text", "word",
    }
)  # fmt: skip
"""Words of captions whose pictures a mirror would falsify."""

SamplePair = tuple[list[Sample], list[Sample]]


def order(text: str) -> str:
    """Return a key that puts names in an order which has nothing to do with them."""
    return hashlib.sha256(text.encode()).hexdigest()


def hold_out(samples: Sequence[Sample], share: float) -> SamplePair:
    """Part samples into those to learn from and those held out; near-duplicates stay together.

    A data set's own split is kept if it holds out enough.

    Args:
        samples: The samples of the splits ``train`` and ``validation``.
        share: Least share to hold out.

    Returns:
        Both parts, in the order of the samples.
    """
    wanted = max(FEWEST_HELD_OUT, round(share * len(samples)))
    held = {sample.cluster for sample in samples if sample.split == "validation"}
    clusters: dict[str, int] = defaultdict(int)
    for sample in samples:
        clusters[sample.cluster] += 1
    for cluster in sorted(clusters, key=order):
        if sum(clusters[one] for one in held) >= wanted or len(held) + 1 >= len(clusters):
            break
        held.add(cluster)
    return [s for s in samples if s.cluster not in held], [s for s in samples if s.cluster in held]


def caution(recipe: StyleRecipe, dataset: Path) -> str | None:
    """Return what is to be expected of few pictures, in words; None where they are enough, or are refused anyway.

    Args:
        recipe: The settings.
        dataset: A ``dataset`` artifact.
    """
    count = sum(sample.split in USED for sample in read_samples(dataset))
    if not recipe.min_pictures <= count < ENOUGH:
        return None
    return (
        f"{count} pictures are few: the model will probably learn them by heart rather than their style; "
        f"{ENOUGH} to {2 * ENOUGH} of different things are better"
    )


def own_samples(recipe: StyleRecipe, dataset: Path, image_size: int) -> SamplePair:
    """Check a person's pictures and part them.

    Args:
        recipe: The settings.
        dataset: A ``dataset`` artifact.
        image_size: Side in pixels of what the model draws.

    Returns:
        Samples to learn from and samples held out; those without a style have the recipe's name for it.

    Raises:
        DataError: They are too few, too alike, without words, or of another size.
        LicenseRefused: The data set holds sources that weights must not be trained on.
    """
    refuse_evaluation_sources(dataset)
    samples = [sample for sample in read_samples(dataset) if sample.split in USED]
    if len(samples) < recipe.min_pictures:
        raise DataError(
            f"{dataset} has {len(samples)} pictures to learn from, but a style needs {recipe.min_pictures} at least, "
            "better a few dozen; add pictures and build the data set again"
        )
    require_captions(samples, dataset)
    require_image_size(samples, image_size, dataset)
    learned, held_out = hold_out(samples, recipe.held_out_share)
    if not learned or not held_out:
        raise DataError(
            f"{dataset}: all {len(samples)} pictures are near-duplicates, so none can be held out; add pictures of "
            "other things and build the data set again"
        )
    return _named(learned, recipe.unnamed), _named(held_out, recipe.unnamed)


def _named(samples: Sequence[Sample], unnamed: str) -> list[Sample]:
    return [sample if sample.style else sample.model_copy(update={"style": unnamed}) for sample in samples]


def new_styles(known: Sequence[str], samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return the styles of samples that a model does not know, in alphabetical order."""
    return tuple(sorted({sample.style for sample in samples} - set(known)))


def read_some(dataset: Path, samples: Sequence[Sample]) -> Pictures:
    """Read the pictures of some samples.

    Args:
        dataset: A ``dataset`` artifact.
        samples: Some of its samples; their styles may have been named since.

    Raises:
        DataError: A picture is missing or broken.
    """
    pixels = np.stack([read_pixels(dataset / sample.file) for sample in samples])
    return Pictures(list(samples), torch.from_numpy(pixels), variant_weights(list(samples)))


def encode_pair(
    pair: SamplePair,
    dataset: Path,
    tokenizer: Path,
    recipe: StyleRecipe,
    out: Path,
    *,
    parents: dict[str, str],
    device: torch.device,
    report: Report,
    mirror: bool = False,
) -> Manifest:
    """Encode both parts of some pictures and write them as an artifact.

    Args:
        pair: What is learned from and what is held out.
        dataset: Where the pictures lie.
        tokenizer: The ``tokenizer`` artifact.
        recipe: The settings; what is held out is encoded once, as it is.
        out: The new artifact.
        parents: Role to digest of what it is made from.
        device: Where to compute.
        report: Receives progress.
        mirror: Whether half of the versions of what is learned from are mirrored, where captions allow it.
    """
    autoencoder = load_component(tokenizer / "autoencoder", Autoencoder, AutoencoderConfig, device)
    learned, held_out = (read_some(dataset, samples) for samples in pair)
    parts = (
        encoded(learned, autoencoder, recipe.latents, device, report, mirror=mirror),
        encoded(held_out, autoencoder, LatentsEncoding(variants=1), device, report),
    )
    return write_parts(parts, out, config=recipe, parents=parents)


def may_be_mirrored(*captions: str) -> bool:
    """Tell whether a picture still is what its captions say when left and right are exchanged."""
    return not ONE_SIDED & {word for caption in captions for word in caption.casefold().split()}


def mirrored(pictures: Pictures) -> Pictures:
    """Return the same pictures, those mirrored that may be."""
    may = torch.tensor([may_be_mirrored(*sample.captions) for sample in pictures.samples])[:, None, None, None]
    return replace(pictures, pixels=torch.where(may, pictures.pixels.flip(2), pictures.pixels))


def encoded(
    pictures: Pictures,
    autoencoder: Autoencoder,
    config: LatentsEncoding,
    device: torch.device,
    report: Report,
    *,
    mirror: bool = False,
) -> Latents:
    """Encode pictures in several versions; with ``mirror`` the latter half of these are mirrored.

    Args:
        pictures: The pictures.
        autoencoder: Encodes them.
        config: Number of versions, and how far they are shifted.
        device: Where to compute.
        report: Receives progress.
        mirror: Whether versions are mirrored, where captions allow it.
    """
    half = config.variants // 2 if mirror else 0
    parts = [(pictures, config.model_copy(update={"variants": config.variants - half}))]
    if half:
        parts.append((mirrored(pictures), config.model_copy(update={"variants": half, "seed": config.seed + 1})))
    values = [encode(autoencoder, some.to(device), how, report) for some, how in parts]
    return Latents(pictures.samples, torch.cat(values, dim=1), pictures.weights)
