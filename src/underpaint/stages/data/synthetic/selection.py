"""The selection: which drawn pictures become samples, what they are called, and where they go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from underpaint.core.concept import concept_of
from underpaint.core.samples import Sample
from underpaint.pipelines.picture_folder import slug
from underpaint.stages.data.clean import Dropped
from underpaint.stages.data.look import Look
from underpaint.stages.data.perceptual_hash import hash_text, perceptual_hashes
from underpaint.stages.data.synthetic.config import SyntheticConfig
from underpaint.stages.data.synthetic.distinct import clusters_among, repeated
from underpaint.stages.data.synthetic.drawing import Gallery, Picture
from underpaint.stages.data.synthetic.evidence import source_of
from underpaint.stages.data.synthetic.identity import numbered_id, plain_caption, wish_id
from underpaint.stages.data.synthetic.places import places_of
from underpaint.stages.data.synthetic.real import RealData
from underpaint.stages.data.weights import even_weights

UNSTYLED = "unstyled"
"""The style of pictures of a model that knows no styles."""
ELSEWHERE = "held-out"
"""The rule by which a picture is left out that the real data set holds out in its style."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What becomes of the drawn pictures.

    Args:
        pictures: Those that stay.
        look: How they look, in the same order.
        samples: Their records, in the same order.
        dropped: Those that were left out.
    """

    pictures: list[Picture]
    look: Look
    samples: list[Sample]
    dropped: list[Dropped]


def style_of(picture: Picture) -> str:
    """Return the style of a picture, as a name of a folder."""
    return slug(picture.settings.style or "") or UNSTYLED


def icon_of(seed: int) -> str:
    """Return what names a drawing inside its source: its seed."""
    return f"seed-{seed}"


def left_out(picture: Picture, rule: str, detail: str, source: str) -> Dropped:
    """Record a picture that is left out."""
    made = picture.settings
    return Dropped(
        source=source, icon=icon_of(made.seed), name=made.caption, style=style_of(picture), rule=rule, detail=detail
    )


def select(gallery: Gallery, config: SyntheticConfig, real: RealData | None) -> Selection:
    """Choose the pictures that stay, name them, and deal them out to splits.

    Args:
        gallery: What was drawn.
        config: By whom, and under which license.
        real: The real data set, whose held-out captions stay held out; None if it is not known.
    """
    source = source_of(config.model, config.model_sha256)
    pictures, hidden = without_held_out(gallery.pictures, real)
    thumbnails, hashes = seen(pictures)
    copies = {one.position: one for one in repeated(pictures, hashes, thumbnails)}
    kept = [i for i in range(len(pictures)) if i not in copies]
    staying = [pictures[i] for i in kept]
    look = Look(
        pixels=thumbnails[kept],
        hashes=[hash_text(value) for value in hashes[kept]],
        alpha=np.array([picture.alpha for picture in staying]),
    )
    out = [left_out(one, "blank", f"mean alpha {one.alpha:.4f}", source) for one in gallery.blank]
    out += [left_out(one, ELSEWHERE, "the real data hold this caption out in this style", source) for one in hidden]
    out += [left_out(pictures[i], one.rule, one.detail, source) for i, one in copies.items()]
    samples = samples_of(staying, look, hashes[kept], config, real)
    return Selection(pictures=staying, look=look, samples=samples, dropped=out)


def without_held_out(pictures: Sequence[Picture], real: RealData | None) -> tuple[list[Picture], list[Picture]]:
    """Return the pictures without those whose caption the real data set holds out in their style, and these."""
    held_out = real.held_out_styles if real else set()
    hidden = [(plain_caption(one.settings.caption), one.settings.style) in held_out for one in pictures]
    found = list(zip(pictures, hidden, strict=True))
    return [one for one, out in found if not out], [one for one, out in found if out]


def seen(pictures: Sequence[Picture]) -> tuple[np.ndarray, np.ndarray]:
    """Return the thumbnails ``[N, 32, 32, 3]`` of pictures, and their hashes ``[N]`` uint64."""
    thumbnails = np.array([picture.thumbnail for picture in pictures], np.uint8).reshape(-1, 32, 32, 3)
    return thumbnails, perceptual_hashes(thumbnails)


def ids_of(pictures: Sequence[Picture]) -> list[str]:
    """Return an id for each picture that no other one of its style has."""
    numbers: Counter[tuple[str, str]] = Counter()
    ids = []
    for picture in pictures:
        wish = wish_id(picture.settings.caption)
        ids.append(numbered_id(wish, numbers[wish, style_of(picture)]))
        numbers[wish, style_of(picture)] += 1
    return ids


def samples_of(
    pictures: Sequence[Picture], look: Look, hashes: np.ndarray, config: SyntheticConfig, real: RealData | None
) -> list[Sample]:
    """Join everything known about each picture."""
    ids = ids_of(pictures)
    groups = [concept_of(id_).group for id_ in ids]
    clusters = clusters_among(groups, hashes, look.pixels)
    captions = [plain_caption(picture.settings.caption) for picture in pictures]
    places = places_of(captions, clusters, real.splits if real else {})
    keys = [(group, style_of(picture), place) for group, picture, place in zip(groups, pictures, places, strict=True)]
    weights = even_weights(keys)
    return [
        Sample(
            id=id_,
            cluster=clusters[i],
            group=groups[i],
            name=picture.settings.prompt,
            caption=picture.settings.caption,
            style=style_of(picture),
            family=config.model,
            source=source_of(config.model, config.model_sha256),
            icon=icon_of(picture.settings.seed),
            license=config.license,
            sha256_pixels=picture.sha256,
            phash=look.hashes[i],
            split=places[i],
            level="",
            weight=weights[i],
            file=f"images/{style_of(picture)}/{id_}.png",
        )
        for i, (id_, picture) in enumerate(zip(ids, pictures, strict=True))
    ]
