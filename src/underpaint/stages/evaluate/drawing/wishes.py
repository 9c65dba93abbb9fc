"""The protocol: which pictures are asked for, each with its prompt, style and seed.

The prompts are the captions of held-out pictures, so every prompt has a real picture beside it. Their order is that of
a hash, and a seed depends on the prompt alone: a smaller suite asks for a part of what a larger one asks for, and any
two models are asked for the same.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from underpaint.core.config import digest_of
from underpaint.core.errors import DataError
from underpaint.core.samples import Sample
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.record import Protocol

MAIN, COMPOSITION, SEEN, VARIED, NULL = "main", "composition", "seen", "varied", "null"
SEED_BITS = 52


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One picture that is asked for.

    Args:
        image_id: Its name.
        part: Part of the protocol: ``main``, ``composition``, ``seen``, ``varied``, ``null-1:main``, ...
        prompt_id: Names prompt and style; pictures of one prompt differ in their seed.
        prompt: The caption in canonical form.
        style: The style asked for; None for none.
        seed: The seed; None where it is unknown.
        cluster: Pictures that are not independent share it: all drawings of one concept.
        level: What exactly a held-out combination holds out; empty elsewhere.
        sample: The real picture of the same prompt and style, if there is one.
    """

    image_id: str
    part: str
    prompt_id: str
    prompt: str
    style: str | None
    seed: int | None
    cluster: str
    level: str = ""
    sample: Sample | None = None


def order_of(text: str) -> str:
    """Return the key by which prompts are ordered: a hash, no random state."""
    return hashlib.sha256(f"underpaint-evaluate-1:{text}".encode()).hexdigest()


def prompt_id_of(sample: Sample) -> str:
    """Return the name of a sample's prompt and style."""
    return f"{sample.id}/{sample.style}"


def seed_of(prompt_id: str, number: int, seed: int) -> int:
    """Return the seed of the ``number``-th picture of a prompt in an evaluation with seed ``seed``."""
    digest = hashlib.sha256(f"{seed}:{number}:{prompt_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS)


def _wish(sample: Sample, part: str, index: int, number: int, config: EvaluateConfig) -> Wish:
    prompt_id = prompt_id_of(sample)
    return Wish(
        image_id=f"{part.replace(':', '-')}-{index:05d}",
        part=part,
        prompt_id=prompt_id,
        prompt=sample.caption,
        style=sample.style,
        seed=seed_of(prompt_id, number, config.seed),
        cluster=sample.cluster,
        level=sample.level if part.endswith(COMPOSITION) else "",
        sample=sample,
    )


def _ordered(samples: Iterable[Sample]) -> list[Sample]:
    return sorted(samples, key=lambda sample: order_of(prompt_id_of(sample)))


def _enumerate(samples: Sequence[Sample], part: str, first: int, repeats: int, config: EvaluateConfig) -> list[Wish]:
    pairs = [(sample, first + number) for number in range(repeats) for sample in samples]
    return [_wish(sample, part, index, number, config) for index, (sample, number) in enumerate(pairs)]


def reference_samples(samples: Sequence[Sample], config: EvaluateConfig) -> list[Sample]:
    """Return the samples of the reference in the order of the protocol.

    Raises:
        DataError: There are none.
    """
    chosen = _ordered(sample for sample in samples if sample.split in config.splits)
    if not chosen:
        splits = sorted({sample.split for sample in samples})
        raise DataError(
            f"the data set has no pictures in the splits {', '.join(config.splits)}, only in "
            f"{', '.join(splits) or 'none'}; build one with held-out splits, with underpaint data build"
        )
    return chosen


def one_style_each(samples: Sequence[Sample]) -> list[Sample]:
    """Order held-out combinations so that every caption comes once, in some style, before any comes again."""
    rounds: dict[str, int] = defaultdict(int)
    keyed = []
    for sample in _ordered(samples):
        keyed.append((rounds[sample.id], order_of(sample.id), sample))
        rounds[sample.id] += 1
    return [sample for _, _, sample in sorted(keyed, key=lambda key: key[:2])]


def matched(sample: Sample, training: dict[tuple[str, str], list[Sample]]) -> Sample | None:
    """Return a training picture of the same concept and style as a held-out combination, or None."""
    options = training.get((sample.group, sample.style), [])
    return min(options, key=lambda other: order_of(f"{sample.id}:{other.id}"), default=None)


def composition_samples(samples: Sequence[Sample], config: EvaluateConfig) -> tuple[list[Sample], list[Sample]]:
    """Return held-out combinations, and matching combinations that were seen in training."""
    held_out = one_style_each([sample for sample in samples if sample.split == "test_composition"])
    held_out = held_out[: config.composition]
    training: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.split == "train":
            training[sample.group, sample.style].append(sample)
    partners = {prompt_id_of(p): p for sample in held_out if (p := matched(sample, training)) is not None}
    return held_out, list(partners.values()) if config.seen else []


def plan_wishes(samples: Sequence[Sample], config: EvaluateConfig) -> list[Wish]:
    """Return everything that an evaluation asks for, part after part.

    Args:
        samples: All samples of the data set.
        config: The suite.

    Raises:
        DataError: The data set has no held-out pictures.
    """
    main = reference_samples(samples, config)[: config.main or None]
    held_out, seen = composition_samples(samples, config)
    wishes = _enumerate(main, MAIN, 0, config.repeats, config)
    wishes += _enumerate(held_out, COMPOSITION, 0, 1, config)
    wishes += _enumerate(seen, SEEN, 0, 1, config)
    wishes += _enumerate(main[: config.varied_prompts], VARIED, 0, config.varied_seeds, config)
    for number in range(1, config.null_sets + 1):
        first = 1_000_000 * number
        wishes += _enumerate(main, f"{NULL}-{number}:{MAIN}", first, config.repeats, config)
        wishes += _enumerate(held_out, f"{NULL}-{number}:{COMPOSITION}", first, 1, config)
    return wishes


def without_styles(wishes: Sequence[Wish], styles: Sequence[str]) -> list[Wish]:
    """Ask for no particular style where a model does not know the one asked for."""
    return [wish if wish.style in styles else replace(wish, style=None) for wish in wishes]


def protocol_of(wishes: Sequence[Wish], config: EvaluateConfig, size: int) -> Protocol:
    """Return what must be equal for two evaluations to be compared: the parts that every kind of subject can have."""
    main = [wish for wish in wishes if wish.part == MAIN]
    compared = [wish for wish in wishes if wish.part in (MAIN, COMPOSITION)]
    asked = sorted(
        [wish.part, wish.prompt_id, wish.prompt, wish.style or "", -1 if wish.seed is None else wish.seed]
        for wish in compared
    )
    return Protocol(
        prompts_digest=digest_of(asked),
        num_prompts=len({wish.prompt_id for wish in main}),
        num_seeds=max(1, len(main) // max(1, len({wish.prompt_id for wish in main}))),
        suite=config.suite,
        size=size,
    )
