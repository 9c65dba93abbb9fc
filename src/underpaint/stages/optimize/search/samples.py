"""Pictures before and after, with the same captions and seeds, those that lost most first."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from underpaint.stages.optimize.search.drawing import KeptDrawing, Pixels
from underpaint.stages.optimize.search.quality import worst_first
from underpaint.stages.optimize.search.record import Base
from underpaint.stages.optimize.search.workbench import Workbench

SHOWN = 24
LIMIT_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A picture before and after.

    Args:
        caption: What was asked for.
        style: In which style.
        before: By the model before, as a data URI.
        after: By the accepted one.
        lost: How much farther it is from the real picture of the caption.
        same: Whether no pixel differs.
    """

    caption: str
    style: str
    before: str
    after: str
    lost: float
    same: bool


def sampled(bench: Workbench, candidate: Path, base: Base) -> tuple[Sampled, ...]:
    """Draw with both models.

    Args:
        bench: Has the model before and the captions.
        candidate: Folder of the accepted model.
        base: Of the model before.

    Raises:
        EngineLost: One of them cannot be drawn with.
    """
    requests = list(bench.requests)
    with KeptDrawing(candidate, device=bench.device, threads=bench.config.threads) as drawing:
        after = drawing.draw(requests, LIMIT_S + len(requests) * base.latency_ms / 100)
    before = bench.drawing.draw(requests, LIMIT_S + len(requests) * base.latency_ms / 100)
    new, old = bench.eyes.look(after), bench.eyes.look(before)
    rows = worst_first(new, old)[:SHOWN]
    return tuple(
        Sampled(
            caption=requests[row].caption,
            style=requests[row].style or "",
            before=uri(before[row]),
            after=uri(after[row]),
            lost=float(new.match[row] - old.match[row]),
            same=bool((before[row] == after[row]).all()),
        )
        for row in rows
    )


def uri(pixels: Pixels) -> str:
    """Return a picture ``[H, W, 4]`` as a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
