"""The data stage: packages in; out comes a data set with captions, pictures, splits, checks and a card."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from underpaint.core.artifact import Manifest, seal, staging, versions_of
from underpaint.core.cache import cache_folder
from underpaint.core.concept import concept_of
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample, read_samples, write_samples
from underpaint.core.text import caption_from_name
from underpaint.stages.data import debian
from underpaint.stages.data.attributed import ATTRIBUTED
from underpaint.stages.data.audit import audit, samples_digest
from underpaint.stages.data.config import DataConfig
from underpaint.stages.data.datasheet import composition
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.facts import Facts
from underpaint.stages.data.join import check_stated, join_all
from underpaint.stages.data.license import Obligations, gate
from underpaint.stages.data.packages import fetch_all
from underpaint.stages.data.papers import write_papers
from underpaint.stages.data.plan import Plan, Source, plan_and_render
from underpaint.stages.data.render import Renders, read_render, render_all
from underpaint.stages.data.responsible import rai_fields
from underpaint.stages.data.sources import NPM_EVIDENCE, PACKAGES, STYLES
from underpaint.stages.data.split import Place
from underpaint.stages.data.weights import even_weights

DRAWING_LIBRARIES = ("resvg_py", "imagehash", "pillow")
"""What pixels and hashes depend on; named in the card, so that other versions make another digest."""
LIBRARIES = ("resvg_py", "imagehash", "numpy", "pillow", "mlcroissant", "license-expression")
MAX_JOBS = 8


def open_npm(cache: Path, jobs: int, report: Report, attributed: Sequence[str] = ()) -> Source:
    """Fetch the pinned npm packages, those asked for by name included, and join their drawings with names."""
    added = [ATTRIBUTED[name] for name in attributed]
    sources = (*NPM_EVIDENCE, *(source.evidence for source in added))
    paths = fetch_all((*PACKAGES, *(source.style.package for source in added)), cache, report)
    for evidence in sources:
        check_stated(evidence, paths[evidence.source])

    def render(drawings: Sequence[Drawing], size: int) -> Renders:
        return render_all(drawings, size=size, cache=cache, jobs=jobs, report=report)

    drawings = join_all(paths, (*STYLES, *(source.style for source in added)))
    return Source(drawings=drawings, evidence=sources, render=render)


def open_debian(root: Path, cache: Path, report: Report) -> Source:
    """Open Debian's emoji font and CLDR files."""
    files = debian.find_files(root)

    def render(drawings: Sequence[Drawing], size: int) -> Renders:
        return debian.render_glyphs(drawings, files, size=size, cache=cache, report=report)

    return Source(drawings=debian.join(files), evidence=debian.evidence_of(files), render=render)


def file_of(drawing: Drawing) -> str:
    """Return the path of a picture inside the data set."""
    return f"images/{drawing.style}/{drawing.id}.png"


def write_pictures(
    drawings: Sequence[Drawing], renders: Sequence[Path], folder: Path, size: int, report: Report
) -> list[str]:
    """Write ``images/<style>/<id>.png`` for every drawing and return the hashes of the pixels."""
    hashes = []
    for style in {drawing.style for drawing in drawings}:
        (folder / "images" / style).mkdir(parents=True)
    for number, (drawing, render) in enumerate(zip(drawings, renders, strict=True), 1):
        hashes.append(hashlib.sha256(read_render(render, size).tobytes()).hexdigest())
        shutil.copyfile(render, folder / file_of(drawing))
        if number % 200 == 0 or number == len(drawings):
            report(Progress(task="write", done=number, total=len(drawings), unit="pictures"))
    return hashes


def weights_of(drawings: Sequence[Drawing], places: Sequence[Place]) -> list[float]:
    """Return the share of each picture among its variants."""
    return even_weights(
        [(concept_of(d.id).group, d.style, place.split) for d, place in zip(drawings, places, strict=True)]
    )


def samples_of(planned: Plan, pixel_hashes: Sequence[str]) -> list[Sample]:
    """Join everything known about each drawing."""
    weights = weights_of(planned.drawings, planned.places)
    return [
        Sample(
            id=drawing.id,
            cluster=planned.clusters[concept_of(drawing.id).group],
            group=concept_of(drawing.id).group,
            name=drawing.name,
            caption=caption_from_name(drawing.name),
            style=drawing.style,
            family=drawing.family,
            source=drawing.source,
            icon=drawing.icon,
            license=drawing.license,
            sha256_pixels=pixel_hashes[i],
            phash=planned.look.hashes[i],
            split=planned.places[i].split,
            level=planned.places[i].level,
            weight=weights[i],
            file=file_of(drawing),
        )
        for i, drawing in enumerate(planned.drawings)
    ]


def facts_of(config: DataConfig, source: Source, duties: Obligations, planned: Plan, folder: Path) -> Facts:
    """Check the samples that lie in the folder, and gather everything that the papers may state."""
    samples = read_samples(folder)
    return Facts(
        config=config,
        samples=samples,
        sources=source.evidence,
        duties=duties,
        audit=audit(samples, planned.look, planned.dropped),
        made_with={name: version for name, version in versions_of(*LIBRARIES).items() if name in DRAWING_LIBRARIES},
    )


def run(
    config: DataConfig,
    inputs: Mapping[str, Path],
    out: Path,
    report: Report = silent,
    *,
    cache: Path | None = None,
    jobs: int | None = None,
    debian_root: Path = Path("/"),
) -> Manifest:
    """Build the data set.

    Interrupted, it goes on where it was: packages and renders are cached. The same settings give the same digest.

    Args:
        config: What to build.
        inputs: No artifacts are read; must be empty.
        out: Folder of the new artifact; must not exist.
        report: Receives progress.
        cache: Folder for downloads and renders; ``cache_folder()`` if None.
        jobs: Number of processes that render; one a core if None, at most 8.
        debian_root: Folder that holds Debian's ``usr``.

    Returns:
        The manifest of the new artifact.

    Raises:
        InputError: ``inputs`` is not empty.
        SetupError: npm or a Debian package is missing.
        DataError: A package cannot be had or was changed, its license is refused, or the data fail a check.
        StorageError: ``out`` exists or cannot be written.
    """
    if inputs:
        raise InputError(f"the data stage reads no artifacts, but got {', '.join(inputs)}; pass none")
    cache = cache or cache_folder()
    jobs = jobs or min(MAX_JOBS, len(os.sched_getaffinity(0)))
    with staging(out) as folder:
        if config.source == "debian":
            source = open_debian(debian_root, cache, report)
        else:
            source = open_npm(cache, jobs, report, config.attributed)
        return fill(folder, config, source, report)


def fill(folder: Path, config: DataConfig, source: Source, report: Report = silent) -> Manifest:
    """Make a data set of an opened source in an empty folder.

    Args:
        folder: The folder, normally the one that ``staging`` gave.
        config: What to build.
        source: Drawings, evidence and a renderer.
        report: Receives progress.

    Raises:
        DataError: A license is refused, or the data fail a check.
    """
    duties = gate(source.evidence, config.weights_license)
    planned, renders = plan_and_render(source, config.size, report)
    write_samples(folder, samples_of(planned, write_pictures(planned.drawings, renders, folder, config.size, report)))
    report(Progress(task="check captions, splits and pictures", done=0))
    facts = facts_of(config, source, duties, planned, folder)
    report(Progress(task="write card, datasheet and audit", done=0))
    write_papers(facts, rai_fields(facts), composition(facts), folder)
    report(Progress(task="hash the files", done=0))
    return seal(
        folder,
        kind="dataset",
        stage="data",
        config=config,
        parents={evidence.purl: evidence.sha256 for evidence in source.evidence},
        figures=figures_of(facts),
        packages=LIBRARIES,
    )


def figures_of(facts: Facts) -> dict[str, object]:
    """Return the figures for the manifest."""
    audited = facts.audit
    return {
        **facts.counts,
        "samples_digest": samples_digest(facts.samples),
        "dropped": audited.dropped_by_rule,
        "clusters": audited.clusters,
        "leaks": len(audited.leakage.leaks),
        "license": facts.duties.license,
        **({"credits": facts.credits} if facts.credits else {}),
        "memorization_percentiles": audited.memorization.percentiles,
    }
