"""The sections of pictures: the worst and the best cases, and possible copies."""

from __future__ import annotations

from collections.abc import Sequence

from underpaint.core.page.album import Album
from underpaint.core.page.layout import Section, note
from underpaint.core.page.markup import Child, element, join
from underpaint.stages.evaluate.page import text
from underpaint.stages.evaluate.page.pictures import best_and_worst, case, grid, near_copies, pair
from underpaint.stages.evaluate.record import PictureRecord, Report


def _rest(album: Album) -> Child:
    if not album.left_out:
        return None
    return note(f"{album.left_out} more pictures did not fit into this page; they lie in samples/.", kind="quiet")


def cases(pictures: Sequence[PictureRecord], album: Album) -> Section | None:
    """Show the worst cases with their reasons, then the best, each beside the real picture of the same words."""
    score, best, worst = best_and_worst(pictures)
    if not best and not worst:
        return None
    by = f" by {text.score_text(score)}" if score else ""
    parts: list[Child] = []
    if worst:
        parts += [element("h3", "Worst"), grid([case(album, picture, score) for picture in worst])]
    if best:
        parts += [element("h3", "Best"), grid([case(album, picture, score) for picture in best])]
    parts.append(_rest(album))
    lead = f"Chosen by the numbers, not by hand: the extremes{by}, one picture a prompt."
    return Section(title="Pictures", body=join(parts), lead=lead)


def copies(report: Report, pictures: Sequence[PictureRecord], album: Album) -> Section | None:
    """Show the pictures that come closest to a training picture."""
    close = near_copies(pictures)
    if not close:
        return None
    flagged = next((m for m in text.measured(report.metrics) if m.metric == "nearest_ratio_flagged"), None)
    said = ""
    if flagged is not None:
        share = f"{text.value_text(flagged)} ({text.level_text(flagged)} interval {text.interval_text(flagged)})"
        said = f"Flagged as possible copies: {share}; about 1 % is chance."
    body = join(note(said) if said else None, grid([pair(album, picture) for picture in close]), _rest(album))
    return Section(
        title="Nearest training pictures",
        body=body,
        lead="The drawn pictures that come closest to something the model was trained on, closest first. The ratio "
        "compares that distance with the distance to the fifty nearest: far below 1 means one picture stands out.",
    )
