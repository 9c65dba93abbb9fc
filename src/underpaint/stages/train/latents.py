"""Encoding a data set once: latents of every picture, a few shifted versions of the training ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from underpaint.core.artifact import Manifest, read_manifest, seal, staging, verify
from underpaint.core.errors import DataError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample, read_samples, write_samples
from underpaint.learning.loop import step_generator
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component, read_component_config
from underpaint.models.quantizer import QuantizerConfig
from underpaint.runtime.device import CPU
from underpaint.runtime.weights import read_weights, write_weights
from underpaint.stages.train.augment import shift
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.latents_state import AT_ONCE, BATCHES_A_FILE, EncodedSoFar
from underpaint.stages.train.pictures import Pictures, load_pictures, require_size, require_styles, variant_weights

FILE = "latents.safetensors"
HELD_OUT = ("validation", "test_concept", "test_style", "test_composition")
MEASURED_AT_ONCE = 64


@dataclass(frozen=True)
class Latents:
    """Encoded samples of one part of the data set.

    Args:
        samples: Their records.
        values: ``[N, V, C, h, h]`` float16, ``V`` versions.
        weights: ``[N]`` drawing weights.
    """

    samples: list[Sample]
    values: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.samples)

    def choose(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw ``count`` indices with replacement by weight, and one version of each as float32 ``[B, C, h, h]``."""
        index = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        version = torch.randint(self.values.shape[1], (count,), generator=generator)
        return index, self.values[index.to(self.values.device), version.to(self.values.device)].to(torch.float32)

    def in_order(self) -> Iterator[tuple[list[Sample], Tensor, torch.Generator]]:
        """Yield all samples as they are measured: some at a time, unshifted, every time with the same random numbers.

        Yields:
            Their records, their latents as float32 ``[B, C, h, h]``, and a generator that depends on their place alone.
        """
        for number, index in enumerate(torch.arange(len(self)).split(MEASURED_AT_ONCE)):
            z = self.values[index, 0].to(torch.float32)  # [B, C, h, h]
            yield [self.samples[i] for i in index.tolist()], z, step_generator(0, number, "validate")

    def to(self, device: torch.device) -> Latents:
        """Return the same samples with their latents on a device."""
        return Latents(self.samples, self.values.to(device), self.weights)


@torch.no_grad()
def encode(
    autoencoder: Autoencoder,
    pictures: Pictures,
    config: LatentsEncoding,
    report: Report,
    *,
    part: str = "train",
    so_far: EncodedSoFar | None = None,
) -> Tensor:
    """Encode pictures and their shifted versions: ``[N, V, C, h, h]`` float16.

    Args:
        autoencoder: Encodes, in evaluation mode.
        pictures: ``N`` pictures on its device.
        config: Number of versions ``V``, and how far they are shifted.
        report: Receives progress.
        part: Which pictures these are.
        so_far: What of them is encoded already, and where the rest is kept; None keeps nothing.
    """
    batches = [*enumerate(torch.arange(len(pictures)).split(AT_ONCE))]
    files = []
    for place, first in enumerate(range(0, len(batches), BATCHES_A_FILE)):
        some = batches[first : first + BATCHES_A_FILE]
        rows = so_far.read(part, place, sum(len(index) for _, index in some)) if so_far else None
        if rows is None:
            rows = _encode_batches(autoencoder, pictures, config, report, some)
            if so_far:
                so_far.write(part, place, rows)
        files.append(rows)
    report(Progress(task="encode pictures", done=len(pictures), total=len(pictures), unit="pictures"))
    return torch.cat(files)


def _encode_batches(
    autoencoder: Autoencoder,
    pictures: Pictures,
    config: LatentsEncoding,
    report: Report,
    batches: Sequence[tuple[int, Tensor]],
) -> Tensor:
    """Encode batches, each given by its place among all and the indices of its pictures; as ``encode``."""
    rows = []
    for number, index in batches:
        generator = step_generator(config.seed, number, "latents")
        batch = pictures.batch(index)
        reach = (len(index), 2)
        moves = [
            torch.randint(-config.reach, config.reach + 1, reach, generator=generator)
            for _ in range(config.variants - 1)
        ]
        encoded = []
        for version in (batch, *(shift(batch, move) for move in moves)):
            done = int(index[0]) + len(index) * len(encoded) // config.variants
            report(Progress(task="encode pictures", done=done, total=len(pictures), unit="pictures"))
            encoded.append(autoencoder.encode(version))
        rows.append(torch.stack(encoded, dim=1).to(torch.float16).cpu())  # [B, V, C, h, h]
    return torch.cat(rows)


def run(
    config: LatentsEncoding,
    dataset: Path,
    tokenizer: Path,
    out: Path,
    report: Report = silent,
    *,
    work: Path | None = None,
    device: torch.device = CPU,
) -> Manifest:
    """Encode a data set and write a ``latents`` artifact.

    Args:
        config: The settings.
        dataset: A ``dataset`` artifact.
        tokenizer: A ``tokenizer`` artifact.
        out: The new artifact.
        report: Receives progress.
        work: Folder of what is encoded so far, which is the caller's to remove afterwards; an encoding found there is
            resumed bit for bit. None keeps nothing.
        device: Where to compute.

    Raises:
        ArtifactError: An input is missing or damaged.
        DataError: The pictures have another size than the tokenizer is made for, or a split has none.
        StorageError: The artifact, or what is encoded so far, cannot be written.
    """
    parents = {
        "dataset": read_manifest(dataset, kind="dataset").digest,
        "tokenizer": verify(tokenizer, kind="tokenizer").digest,
    }
    autoencoder = load_component(tokenizer / "autoencoder", Autoencoder, AutoencoderConfig, device)
    train = load_pictures(dataset, ("train",), report).to(device)
    schedule = read_component_config(tokenizer / "quantizer", QuantizerConfig, "MultiScaleQuantizer").schedule
    require_size(train, schedule[-1] * autoencoder.config.downsampling, dataset)
    held_out = load_pictures(dataset, HELD_OUT, report).to(device)
    so_far = None if work is None else EncodedSoFar(work, config, parents, device)
    tensors = {
        "train": encode(autoencoder, train, config, report, part="train", so_far=so_far),
        "held_out": encode(autoencoder, held_out, LatentsEncoding(variants=1), report, part="held_out", so_far=so_far),
    }
    with staging(out) as folder:
        write_weights(folder / FILE, tensors)
        write_samples(folder, [*train.samples, *held_out.samples])
        return seal(folder, kind="latents", stage="train", config=config, parents=parents, packages=("torch",))


def load_latents(folder: Path, styles: tuple[str, ...] | None = None) -> tuple[Latents, dict[str, Latents]]:
    """Read a ``latents`` artifact.

    Args:
        folder: The artifact.
        styles: The styles that there may be; None for any.

    Returns:
        The training part, and the held-out parts by name of the split; ``validation`` is always among them.

    Raises:
        ArtifactError: The folder is none, or damaged.
        DataError: Nothing is held out for validation, or there is another style.
    """
    verify(folder, kind="latents")
    tensors = read_weights(folder / FILE)
    samples = read_samples(folder)
    if styles is not None:
        require_styles(samples, styles, folder)
    count = len(tensors["train"])
    train, rest = samples[:count], samples[count:]
    parts = {}
    for split in HELD_OUT:
        rows = [number for number, sample in enumerate(rest) if sample.split == split]
        if rows:
            chosen = [rest[row] for row in rows]
            parts[split] = Latents(chosen, tensors["held_out"][rows], variant_weights(chosen))
    if "validation" not in parts:
        raise DataError(f"{folder} has no pictures in the split 'validation'; build the data set again and encode it")
    return Latents(train, tensors["train"], variant_weights(train)), parts


def parents_of(latents: Path, tokenizer: Path, text_table: Path) -> dict[str, str]:
    """Return the digests of what a latent generator is trained from, by role.

    Args:
        latents: A ``latents`` artifact.
        tokenizer: A ``tokenizer`` artifact.
        text_table: A ``text-table`` artifact.

    Raises:
        ArtifactError: One of them is missing or damaged.
        DataError: The latents come from another tokenizer.
    """
    encoded = read_manifest(latents, kind="latents")
    parents = {
        "latents": encoded.digest,
        "tokenizer": verify(tokenizer, kind="tokenizer").digest,
        "text-table": verify(text_table, kind="text-table").digest,
    }
    if encoded.parents["tokenizer"] != parents["tokenizer"]:
        raise DataError(f"{latents} was encoded with another tokenizer than {tokenizer}; encode the data set again")
    return parents
