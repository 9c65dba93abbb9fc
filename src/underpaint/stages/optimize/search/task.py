"""What is asked of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.optimization import Judge
from underpaint.core.page.markup import Markup
from underpaint.pipelines.model_folder import Model
from underpaint.stages.optimize.search.config import SearchConfig


@dataclass(frozen=True, kw_only=True)
class ChartPoint:
    """A trial on the chart of time and loss.

    Args:
        label: Its name.
        ratio: Of times, with its ends.
        room: What is left of the bearable loss: 1 for no loss, 0 at the limit.
        on_front: Whether nothing is faster and loses less.
        chosen: Whether it was accepted.
    """

    label: str
    ratio: tuple[float, float, float]
    room: float
    on_front: bool
    chosen: bool


Chart = Callable[[Sequence[ChartPoint], float], Markup]
"""From points and a width in pixels to a drawing. The pieces of drawings belong to the evaluation, which no other stage
knows, so the command line passes this in."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is asked of a search.

    Args:
        config: Settings.
        model: The model before; its folder is only read.
        address: How it was named.
        data: Folder of the data set.
        judge: Decides.
        policy: Name of its policy.
        out: The new folder.
        command: The command that does it again.
        chart: Draws the chart of the page.
        rivals: Addresses of exports that the best candidates are timed beside, besides those that came with the model.
    """

    config: SearchConfig
    model: Model
    address: str
    data: Path
    judge: Judge
    policy: str
    out: Path
    command: str
    chart: Chart
    rivals: tuple[str, ...] = ()
