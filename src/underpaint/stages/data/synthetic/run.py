"""Synthesis: wishes in; out comes a data set of what a model drew, with captions, labels, splits, checks and a card."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from underpaint.core.artifact import Manifest, seal, staging, versions_of
from underpaint.core.cache import cache_folder
from underpaint.core.errors import DataError, InputError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import write_samples
from underpaint.pipelines.generator import BATCH_SIZE, Generator
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.settings import Settings
from underpaint.stages.data.audit import samples_digest
from underpaint.stages.data.license import gate
from underpaint.stages.data.synthetic.audit import audit_drawn
from underpaint.stages.data.synthetic.config import SyntheticConfig
from underpaint.stages.data.synthetic.drawing import draw_gallery
from underpaint.stages.data.synthetic.evidence import evidence_of
from underpaint.stages.data.synthetic.facts import SyntheticFacts
from underpaint.stages.data.synthetic.papers import write_papers
from underpaint.stages.data.synthetic.privacy import NOT_COMPARED, PrivacyReport, check_privacy
from underpaint.stages.data.synthetic.real import DATASET, RealData
from underpaint.stages.data.synthetic.selection import Selection, select
from underpaint.stages.data.synthetic.wishes import wishes_digest

LIBRARIES = ("torch", "numpy", "pillow", "tokenizers", "mlcroissant", "license-expression")
DRAWING_LIBRARIES = ("underpaint", "torch", "numpy", "pillow")
KEPT = "synthetic"
"""The folder of the cache that drawn pictures are kept in, by model."""
EVERY = 200


def parents_of(model: Model, real: RealData | None) -> dict[str, str]:
    """Return role to digest of what the pictures come from: the model, its data set, the one they are compared with."""
    known = {"model dataset": model.manifest.parents[DATASET]} if DATASET in model.manifest.parents else {}
    return {"model": model.digest, **known, **({"data": real.digest} if real else {})}


def copy_pictures(chosen: Selection, folder: Path, report: Report) -> None:
    """Copy every picture to its place, with the settings that its PNG holds."""
    for style in {sample.style for sample in chosen.samples}:
        (folder / "images" / style).mkdir(parents=True)
    total = len(chosen.samples)
    for number, (sample, picture) in enumerate(zip(chosen.samples, chosen.pictures, strict=True), 1):
        shutil.copyfile(picture.path, folder / sample.file)
        if number % EVERY == 0 or number == total:
            report(Progress(task="write", done=number, total=total, unit="pictures"))


def privacy_of(chosen: Selection, model: Model, real: RealData | None, report: Report) -> PrivacyReport:
    """Compare with the real data set, if it is known."""
    if real is None:
        return NOT_COMPARED
    return check_privacy(
        chosen.samples,
        chosen.look.pixels,
        real.samples,
        real.folder,
        data_sha256=real.digest,
        learnt_from=real.taught(model),
        report=report,
    )


def figures_of(facts: SyntheticFacts) -> dict[str, object]:
    """Return the figures for the manifest."""
    audited = facts.audit
    return {
        **facts.counts,
        "samples_digest": samples_digest(facts.samples),
        "asked_for": audited.asked_for,
        "blank": audited.blank,
        "given_up": audited.given_up,
        "dropped": audited.dropped_by_rule,
        "clusters": audited.clusters,
        "leaks": len(audited.leakage.leaks),
        "license": facts.duties.license,
        **({"credits": facts.credits} if facts.credits else {}),
        "privacy": audited.privacy.model_dump(mode="json", exclude={"closest"}),
    }


def check_wishes(config: SyntheticConfig, model: Model, planned: Sequence[Settings]) -> None:
    """Refuse settings that speak of other wishes or of another model.

    Raises:
        InputError: They do.
    """
    if (config.model_sha256, config.wishes_sha256) != (model.digest, wishes_digest(planned)):
        raise InputError("the settings are those of another model or other wishes; make them with settings_of")


def settings_of(model: Model, planned: Sequence[Settings], name: str, **chosen: object) -> SyntheticConfig:
    """Return the settings of a data set.

    Args:
        model: Draws it.
        planned: What is drawn.
        name: Name of the data set.
        chosen: Other fields of ``SyntheticConfig``.

    Raises:
        InputError: A value cannot be used.
    """
    values = {
        "name": name,
        "size": model.index.image_size,
        "model": model.name,
        "model_sha256": model.digest,
        "wishes_sha256": wishes_digest(planned),
        **chosen,
    }
    return SyntheticConfig.parse(values, source="underpaint synthesize")


def run(
    config: SyntheticConfig,
    model: Model,
    planned: Sequence[Settings],
    out: Path,
    report: Report = silent,
    *,
    load: Callable[[], Generator],
    real: RealData | None = None,
    cache: Path | None = None,
    batch_size: int = BATCH_SIZE,
) -> Manifest:
    """Draw a data set.

    Interrupted, it goes on where it was: drawn pictures are kept. The same model and wishes give the same digest.

    Args:
        config: As ``settings_of`` gives it for this model and these wishes.
        model: Draws the pictures.
        planned: What to draw, as ``plan_wishes`` gives it.
        out: Folder of the new artifact; must not exist.
        report: Receives progress.
        load: Loads the model; only called if a picture is missing.
        real: The data set that the model has learnt from; None if it is not at hand.
        cache: Folder for drawn pictures; ``cache_folder()`` if None.
        batch_size: Pictures drawn at once; does not change any.

    Raises:
        DataError: Too few pictures are left, their license is refused, or the data fail a check.
        StorageError: ``out`` exists or cannot be written.
    """
    check_wishes(config, model, planned)
    evidence = evidence_of(model, config, "; ".join(real.credits) if real else "")
    duties = gate([evidence], config.weights_license)
    kept = (cache or cache_folder()) / KEPT / model.digest[:16]
    with staging(out) as folder:
        gallery = draw_gallery(planned, load, kept, redraws=config.redraws, batch_size=batch_size, report=report)
        chosen = select(gallery, config, real)
        if not chosen.samples:
            raise DataError(f"none of {len(planned)} pictures is left: all are blank or repeated; ask for other things")
        copy_pictures(chosen, folder, report)
        write_samples(folder, chosen.samples)
        found = privacy_of(chosen, model, real, report)
        facts = SyntheticFacts(
            config=config,
            samples=chosen.samples,
            sources=(evidence,),
            duties=duties,
            audit=audit_drawn(chosen, gallery, len(planned), found, folder),
            parents=parents_of(model, real),
            made_with={k: v for k, v in versions_of(*LIBRARIES).items() if k in DRAWING_LIBRARIES},
        )
        write_papers(facts, [picture.settings for picture in chosen.pictures], folder)
        return seal(
            folder,
            kind=DATASET,
            stage="data",
            config=config,
            parents=facts.parents,
            figures=figures_of(facts),
            packages=LIBRARIES,
        )
