"""The data stage: packages in, a data set artifact with captions, pictures and splits out."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.errors import UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample, write_samples
from underpaint.core.text import caption_from_name
from underpaint.stages.data.clean import clean
from underpaint.stages.data.cluster import clusters_of
from underpaint.stages.data.concept import concept_of
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.join import Drawing, join_all
from underpaint.stages.data.look import LOOK_SIZE, look_at, read_rgba
from underpaint.stages.data.render import render_all
from underpaint.stages.data.sources import CLDR, CLDR_DERIVED, STYLES, cache_folder, fetch_all
from underpaint.stages.data.split import Place, split

PACKAGES = ("resvg_py", "imagehash", "numpy", "pillow")


def weights_of(drawings: Sequence[Drawing], places: Sequence[Place]) -> list[float]:
    """Return the share of each picture among the variants of its group, style and split."""
    keys = [(concept_of(d.id).group, d.style, place.split) for d, place in zip(drawings, places, strict=True)]
    members = Counter(keys)
    return [round(1 / members[key], 6) for key in keys]


def write_picture(source: Path, target: Path, size: int) -> str:
    """Copy a render into the data set and return the SHA-256 of its pixels.

    Raises:
        UnreadableImage: The render is damaged or has another size; the message names what to delete.
    """
    try:
        pixels = read_rgba(source)
    except OSError as error:
        raise UnreadableImage(f"{source} is damaged ({error}); delete it and run the command again") from None
    if pixels.shape != (size, size, 4):
        raise UnreadableImage(f"{source} has the shape {pixels.shape}; delete it and run the command again")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def write_pictures(
    drawings: Sequence[Drawing], renders: Sequence[Path], folder: Path, size: int, report: Report
) -> list[str]:
    """Write ``images/<style>/<id>.png`` for every drawing and return the pixel hashes."""
    hashes = []
    for number, (drawing, render) in enumerate(zip(drawings, renders, strict=True), 1):
        hashes.append(write_picture(render, folder / file_of(drawing), size))
        if number % 200 == 0 or number == len(drawings):
            report(Progress(task="write", done=number, total=len(drawings), unit="pictures"))
    return hashes


def file_of(drawing: Drawing) -> str:
    """Return the path of a picture inside the data set."""
    return f"images/{drawing.style}/{drawing.id}.png"


def samples_of(
    drawings: Sequence[Drawing],
    places: Sequence[Place],
    clusters: Mapping[str, str],
    phashes: Sequence[str],
    pixel_hashes: Sequence[str],
) -> list[Sample]:
    """Join everything known about each drawing."""
    weights = weights_of(drawings, places)
    return [
        Sample(
            id=drawing.id,
            cluster=clusters[concept_of(drawing.id).group],
            group=concept_of(drawing.id).group,
            name=drawing.name,
            caption=caption_from_name(drawing.name),
            style=drawing.style,
            family=drawing.family,
            source=drawing.source,
            icon=drawing.icon,
            license=drawing.license,
            sha256_pixels=pixel_hashes[i],
            phash=phashes[i],
            split=places[i].split,
            level=places[i].level,
            weight=weights[i],
            file=file_of(drawing),
        )
        for i, drawing in enumerate(drawings)
    ]


def run(
    config: DataConfig,
    inputs: Mapping[str, Path],
    out: Path,
    report: Report = silent,
    *,
    cache: Path | None = None,
    jobs: int = 2,
) -> Manifest:
    """Build the data set.

    Args:
        config: What to build.
        inputs: No artifacts are read; must be empty.
        out: Folder of the new artifact; must not exist.
        report: Receives progress.
        cache: Folder for downloads and renders; ``cache_folder()`` if None.
        jobs: Number of processes that render.

    Returns:
        The manifest of the new artifact.

    Raises:
        DataError: A package cannot be had or was changed, or the data fail a check.
        StorageError: ``out`` exists or cannot be written.
    """
    cache = cache or cache_folder()
    packages = (CLDR, CLDR_DERIVED, *(style.package for style in STYLES))
    with staging(out) as folder:
        paths = fetch_all(packages, cache, report)
        drawings = join_all(paths)
        small, _ = render_all(drawings, size=LOOK_SIZE, cache=cache, jobs=jobs, report=report)
        look = look_at([read_rgba(path) for path in small if path])
        clusters = clusters_of(drawings, look)
        places = split(drawings, clusters)
        kept, dropped = clean(drawings, look)
        chosen = [drawings[i] for i in kept]
        renders, _ = render_all(chosen, size=config.size, cache=cache, jobs=jobs, report=report)
        hashes = write_pictures(chosen, [path for path in renders if path], folder, config.size, report)
        samples = samples_of(chosen, [places[i] for i in kept], clusters, [look.hashes[i] for i in kept], hashes)
        write_samples(folder, samples)
        return seal(
            folder,
            kind="dataset",
            stage="data",
            config=config,
            parents={package.purl: package.sha256 for package in packages},
            figures={
                "samples": len(samples),
                "splits": dict(Counter(sample.split for sample in samples)),
                "dropped": dict(Counter(f"{item.rule} {item.style}" for item in dropped)),
                "clusters": len(set(clusters.values())),
            },
            packages=PACKAGES,
        )
