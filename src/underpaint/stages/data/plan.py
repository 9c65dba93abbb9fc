"""The plan: which drawings become samples, and where they go, decided by their small pictures alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.errors import DataError
from underpaint.core.progress import Progress, Report
from underpaint.stages.data.audit import refuse_many_unreadable
from underpaint.stages.data.clean import Dropped, clean, drop
from underpaint.stages.data.cluster import clusters_of
from underpaint.stages.data.drawing import Drawing
from underpaint.stages.data.look import LOOK_SIZE, Look, look_at
from underpaint.stages.data.render import Renders, read_render
from underpaint.stages.data.sources import Evidence
from underpaint.stages.data.split import Place, split
from underpaint.stages.data.twins import without_twins


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where drawings come from, opened.

    Args:
        drawings: All drawings that have a name.
        evidence: License evidence of everything that was read.
        render: Draws some of them at a size.
    """

    drawings: list[Drawing]
    evidence: tuple[Evidence, ...]
    render: Callable[[Sequence[Drawing], int], Renders]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which drawings become samples, and where they go.

    Args:
        drawings: Those that stay.
        places: Their splits.
        look: Their small pictures.
        clusters: Group to cluster.
        dropped: Those that were left out.
    """

    drawings: list[Drawing]
    places: list[Place]
    look: Look
    clusters: dict[str, str]
    dropped: list[Dropped]


def plan(source: Source, report: Report) -> Plan:
    """Decide by the small pictures what stays, what belongs together, and where it goes."""
    small = source.render(source.drawings, LOOK_SIZE)
    readable = [i for i, path in enumerate(small.paths) if path not in small.failed]
    dropped = [
        drop(drawing, "unreadable", small.failed[path])
        for drawing, path in zip(source.drawings, small.paths, strict=True)
        if path in small.failed
    ]
    refuse_many_unreadable(dropped, len(source.drawings))
    drawings = [source.drawings[i] for i in readable]
    report(Progress(task="compare", done=0, total=len(drawings), unit="pictures"))
    look = look_at([read_render(small.paths[i], LOOK_SIZE) for i in readable])
    clusters = clusters_of(drawings, look)
    places = split(drawings, clusters)
    kept, unfit = clean(drawings, look)
    kept, twins = without_twins(drawings, places, look, kept)
    report(Progress(task="compare", done=len(drawings), total=len(drawings), unit="pictures"))
    return Plan(
        drawings=[drawings[i] for i in kept],
        places=[places[i] for i in kept],
        look=look.at(kept),
        clusters=clusters,
        dropped=dropped + unfit + twins,
    )


def without_failed(planned: Plan, renders: Renders) -> tuple[Plan, list[Path]]:
    """Leave out what could not be rendered at the final size."""
    kept = [i for i, path in enumerate(renders.paths) if path not in renders.failed]
    failed = [
        drop(drawing, "unreadable", renders.failed[path])
        for drawing, path in zip(planned.drawings, renders.paths, strict=True)
        if path in renders.failed
    ]
    refuse_many_unreadable(failed, len(planned.drawings))
    rest = Plan(
        drawings=[planned.drawings[i] for i in kept],
        places=[planned.places[i] for i in kept],
        look=planned.look.at(kept),
        clusters=planned.clusters,
        dropped=planned.dropped + failed,
    )
    return rest, [renders.paths[i] for i in kept]


def plan_and_render(source: Source, size: int, report: Report) -> tuple[Plan, list[Path]]:
    """Plan, and render what stays at the final size."""
    planned = plan(source, report)
    if not planned.drawings:
        raise DataError("no drawing is left after cleaning; check the sources")
    return without_failed(planned, source.render(planned.drawings, size))
