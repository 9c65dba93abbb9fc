"""An evaluation from a subject and a data set to an artifact: pictures, features, numbers, report, page.

Every step goes through a cache (pictures by model and prompt, features by extractor and pixels), so an evaluation that
was interrupted, or that differs from an earlier one in a part, repeats nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from underpaint.core.artifact import MANIFEST, Manifest, read_manifest
from underpaint.core.cache import cache_folder
from underpaint.core.errors import InputError
from underpaint.core.progress import Report as Show
from underpaint.core.progress import silent
from underpaint.pipelines.engine_choice import own_graph
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.runtime.host import describe_host
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.cached import draw_all
from underpaint.stages.evaluate.drawing.folder import PictureFolder
from underpaint.stages.evaluate.drawing.pictures import Drawn, check_sizes
from underpaint.stages.evaluate.drawing.subjects import CallableSubject, ModelSubject, altered, request_of
from underpaint.stages.evaluate.drawing.wishes import (
    COMPOSITION,
    MAIN,
    SEEN,
    Wish,
    plan_wishes,
    protocol_of,
    without_styles,
)
from underpaint.stages.evaluate.efficiency.measure import EfficiencyResult, measure, measure_callable
from underpaint.stages.evaluate.efficiency.plan import plan_named
from underpaint.stages.evaluate.efficiency.prices import Prices, read_prices
from underpaint.stages.evaluate.record import ControlRecord, Report, SubjectRecord
from underpaint.stages.evaluate.scores.chance import rng_for
from underpaint.stages.evaluate.scores.controls import (
    ALTERATIONS,
    DAMAGES,
    SHUFFLED,
    Damaged,
    check_controls,
    shuffled,
)
from underpaint.stages.evaluate.scores.extras import Nearest, add_looks, add_novelty, add_variety
from underpaint.stages.evaluate.scores.findings import findings_of, left_out_finding
from underpaint.stages.evaluate.scores.judging import Judgement, control_records, judge, null_sets, relabeled
from underpaint.stages.evaluate.scores.ledger import Ledger
from underpaint.stages.evaluate.seeing.extractors import artifact_digest, load_extractor
from underpaint.stages.evaluate.seeing.sets import DataSet, Eyes
from underpaint.stages.evaluate.writing import Written, now, write_evaluation

Source = ModelSubject | CallableSubject | PictureFolder
JUDGED = (MAIN, COMPOSITION, SEEN)
REPEATED = (MAIN, COMPOSITION)
"""Parts that controls repeat."""


@dataclass(kw_only=True)
class Evaluation:
    """One evaluation at work.

    Args:
        config: The suite.
        source: What is evaluated.
        data: The data set.
        eyes: The extractors.
        cache: Folder of drawn pictures and features.
        report: Receives progress.
    """

    config: EvaluateConfig
    source: Source
    data: DataSet
    eyes: Eyes
    cache: Path
    report: Show = silent
    controls: list[ControlRecord] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def wishes(self) -> list[Wish]:
        """Return what is asked for; a folder is asked for what it holds."""
        if isinstance(self.source, PictureFolder):
            return [picture.wish for picture in self.source.pictures]
        wishes = plan_wishes(self.data.samples, self.config)
        return wishes if self.source.styles is None else without_styles(wishes, self.source.styles)

    def draw(self, wishes: Sequence[Wish]) -> list[Drawn]:
        """Draw what is asked for."""
        if isinstance(self.source, PictureFolder):
            return self.source.pictures
        return draw_all(self.source, wishes, self.cache, self.report)

    def judge(self, pictures: Sequence[Drawn]) -> Judgement:
        """Judge the parts of a set of pictures that are compared with real ones."""
        judged = [picture for picture in pictures if picture.wish.part in JUDGED]
        return judge(judged, self.data, self.eyes, self.config.seed)

    def known_bad(self, control: str, pictures: Sequence[Drawn]) -> list[Drawn] | None:
        """Return the pictures of a known-bad control, or None where there are no networks that it could alter."""
        wishes = [picture.wish for picture in pictures]
        if control == SHUFFLED:
            return shuffled(pictures, rng_for(control, self.config.seed))
        if control in DAMAGES:
            return draw_all(Damaged(pictures=pictures, control=control), wishes, self.cache, self.report, task=control)
        if not isinstance(self.source, ModelSubject) or self.unalterable():
            return None
        worse = altered(self.source, control, ALTERATIONS[control])
        return draw_all(worse, wishes, self.cache, self.report, task=control)

    def unalterable(self) -> str:
        """Say why a control cannot alter the networks; empty if it can."""
        if not isinstance(self.source, ModelSubject):
            return f"a {self.source.record().kind} has no networks to alter"
        model = self.source.model
        if own_graph(model) is None:
            return ""
        before = model.edge.model if isinstance(model, ExportedModel) else "the model before it"
        return f"a graph has no networks to alter; evaluate {before} itself for that"

    def run_controls(self, base: Judgement, pictures: Sequence[Drawn]) -> None:
        """Judge the null controls and the known-bad ones against what was found about the model."""
        for name in null_sets(pictures):
            found = self.judge(relabeled(pictures, name))
            self.controls += control_records(name, "null", base, found, pictures, self.data)
        repeated = [picture for picture in pictures if picture.wish.part in REPEATED]
        for name in self.config.known_bad:
            worse = self.known_bad(name, repeated)
            if worse is None:
                self.left_out.append(name)
            else:
                self.controls += control_records(name, "known_bad", base, self.judge(worse), pictures, self.data)

    def look_closer(self, found: Judgement, pictures: Sequence[Drawn]) -> Nearest:
        """Add what is measured once: variety, looks, pairs, novelty; return the nearest training pictures."""
        add_variety(found, pictures, self.data, self.eyes)
        add_looks(found, pictures, self.data, self.eyes, self.config.seed)
        return add_novelty(found, pictures, self.data, self.eyes) if self.config.novelty else Nearest()

    def measure_speed(self, pictures: Sequence[Drawn], prices: Prices) -> EfficiencyResult:
        """Measure time, memory, energy and money; nothing of it for a folder of pictures."""
        if not self.config.efficiency or isinstance(self.source, PictureFolder):
            return EfficiencyResult(measurements=[], environment=describe_host().as_dict())
        plan, wishes = plan_named(self.config.efficiency), [p.wish for p in pictures if p.wish.part == MAIN]
        if isinstance(self.source, ModelSubject):
            requests = [request_of(wish, self.source.sampling) for wish in wishes]
            return measure(self.source.generator, requests, plan, prices, self.report)
        draw = self.source.draw
        return measure_callable(lambda index: next(iter(draw([wishes[index % len(wishes)]]))), plan, self.report)

    def report_of(
        self, ledger: Ledger, speed: EfficiencyResult, wishes: Sequence[Wish], size: int, command: str
    ) -> Report:
        """Put the report together."""
        return Report(
            created=now(),
            command=command,
            subject=self.source.record(),
            reference=SubjectRecord(
                name=self.data.folder.resolve().name,
                identity=self.data.digest,
                kind="reference",
                n=len(self.data.reference),
                license=self.data.license,
            ),
            protocol=protocol_of(wishes, self.config, size),
            environment=speed.environment,
            extractors={
                e.card.key: {**e.card.model_dump(mode="json", by_alias=True), "artifact_digest": artifact_digest(spec)}
                for spec, e in zip(self.config.extractors, self.eyes.extractors, strict=True)
            },
            metrics=ledger.measurements,
            curves=speed.curves,
            controls=self.controls,
            efficiency=speed.details,
            findings=[
                *findings_of(ledger.measurements, self.controls),
                *left_out_finding(self.left_out, self.unalterable()),
            ],
        )


def parents_of(source: Source, data: DataSet) -> dict[str, str]:
    """Return role to digest of everything that an evaluation rests on."""
    record, parents = source.record(), {"dataset": data.digest}
    if record.identity:
        parents[record.kind] = record.identity
    if not isinstance(source, PictureFolder) and source.identity:
        parents["drawn-as"] = source.identity  # model, settings and device
    return parents


def finished(out: Path, config: EvaluateConfig, parents: dict[str, str]) -> Manifest | None:
    """Return the manifest of ``out`` if this very evaluation lies there already, else None.

    What draws without an identity (a function without a digest) is never taken for the same.

    Raises:
        InputError: Something else lies there.
    """
    if not (out / MANIFEST).is_file():
        if out.exists():
            raise InputError(f"{out} exists already and is no evaluation; choose another --out")
        return None
    manifest = read_manifest(out)
    known = parents.keys() - {"dataset", "prices"}
    if known and manifest.config_digest == config.digest() and manifest.parents == parents:
        return manifest
    raise InputError(f"{out} holds another evaluation; choose another --out, or remove that folder")


def run(
    config: EvaluateConfig,
    source: Source,
    data: DataSet,
    out: Path,
    report: Show = silent,
    *,
    command: str = "",
    prices: Prices | None = None,
    cache: Path | None = None,
) -> Manifest:
    """Evaluate.

    Args:
        config: What is drawn and measured.
        source: A model, a folder of pictures, or a function.
        data: The data set: prompts, reference, training pictures.
        out: Where the artifact shall lie; must not exist, or hold this very evaluation.
        report: Receives progress.
        command: The command that makes it again, for the report.
        prices: Prices and carbon intensities; the example ones if None.
        cache: Folder of drawn pictures and features; in the user's cache if None.

    Returns:
        The artifact's manifest.

    Raises:
        InputError: ``out`` holds something else, or a control or extractor is unknown.
        DataError: The pictures have several sizes.
        StorageError: ``out`` or the cache cannot be written.
    """
    check_controls(config.known_bad)
    prices = prices or read_prices()
    parents = parents_of(source, data) | ({"prices": prices.digest()} if config.efficiency else {})
    if (manifest := finished(out, config, parents)) is not None:
        return manifest
    cache = cache or cache_folder() / "evaluate"
    eyes = Eyes(extractors=[load_extractor(name) for name in config.extractors], cache=cache, report=report)
    evaluation = Evaluation(config=config, source=source, data=data, eyes=eyes, cache=cache, report=report)
    pictures = evaluation.draw(evaluation.wishes())
    width, _ = check_sizes(pictures)
    found = evaluation.judge(pictures)
    evaluation.run_controls(found, pictures)
    nearest = evaluation.look_closer(found, pictures)
    speed = evaluation.measure_speed(pictures, prices)
    ledger = Ledger()
    ledger.add(found.scores)
    ledger.measurements += speed.measurements
    made = evaluation.report_of(ledger, speed, [picture.wish for picture in pictures], width, command)
    written = Written(report=made, ledger=ledger, pictures=pictures, judgement=found, nearest=nearest)
    return write_evaluation(written, data, config, parents, out, report)
