"""The plot: every judged measure against the time of a picture, a front for each family, told apart by shape and color.

The colors are those of Okabe and Ito, which the color-blind can tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frontier_points import Family

from underpaint.core.page.markup import Markup, drawing, element, join
from underpaint.stages.evaluate.page import canvas
from underpaint.stages.evaluate.page.axes import Axis, log_padded, padded
from underpaint.stages.evaluate.sweep.record import front_of

WIDTH, PANEL, LEFT, RIGHT, TOP, FOOT, LINE = 860.0, 300.0, 64.0, 16.0, 30.0, 44.0, 20.0
LOOKS: dict[Family, tuple[str, str, str]] = {
    "hybrid": ("diamond", "#d55e00", "hybrid"),
    "four-scales": ("diamond", "#e69f00", "four scales"),
    "three-scales": ("diamond", "#000000", "three scales"),
    "regression": ("triangle", "#d55e00", "regression"),
    "flow": ("circle", "#0072b2", "flow model"),
    "few-step": ("square", "#009e73", "few-step flow model"),
    "gan": ("triangle", "#cc79a7", "GAN"),
}
"""Family to mark, color and name."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """One point of one panel.

    Args:
        name: Of the point.
        family: Whose.
        x: Milliseconds, or multiply-adds.
        x_ends: Ends of its interval; the same number twice if there is none.
        y: The measure.
        y_ends: Ends of its interval.
        label: What is written beside it; empty for nothing.
    """

    name: str
    family: Family
    x: float
    x_ends: tuple[float, float]
    y: float
    y_ends: tuple[float, float]
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One measure.

    Args:
        title: Name of the measure and which way is better.
        lower: Whether lower is better.
        spots: The points.
    """

    title: str
    lower: bool
    spots: Sequence[Spot]

    def front(self, family: Family) -> list[Spot]:
        """Return the points of a family that none of its own beats in both, the cheapest first."""
        own = [spot for spot in self.spots if spot.family == family]
        on = front_of([(spot.x, spot.y if self.lower else -spot.y) for spot in own])
        return sorted((spot for spot, kept in zip(own, on, strict=True) if kept), key=lambda spot: spot.x)


def style() -> Markup:
    """Return the style sheet of the drawing."""
    rules = [
        ".grid{stroke:#dddddd;stroke-width:1}",
        "text{font-family:sans-serif;font-size:12px;fill:#222222}",
        ".axis-title{font-weight:bold}",
        ".whisker{stroke-width:1.2;opacity:.75;fill:none}",
        ".stairs{fill:none;stroke-width:1.8}",
        ".off{opacity:.4}",
    ]
    for family, (_, color, _) in LOOKS.items():
        rules += [f".{family}{{stroke:{color};fill:{color}}}", f".stairs.{family}{{fill:none}}"]
    return element("style", Markup("".join(rules)))


def legend(panels: Sequence[Panel]) -> tuple[Markup, float]:
    """Return the names of the families that have points, with their marks, and the height that they take."""
    shown = {spot.family for panel in panels for spot in panel.spots}
    looks = {family: look for family, look in LOOKS.items() if family in shown}
    x, y, parts = LEFT, 17.0, []
    for family, (shape, _, name) in looks.items():
        width = 36.0 + canvas.CHARACTER * len(name)
        if x + width > WIDTH:
            x, y = LEFT, y + LINE
        parts += [canvas.mark(x, y, shape, family), canvas.label(x + 12.0, y + 4.0, name)]
        x += width
    return join(parts), y + 17.0


def frontier_plot(panels: Sequence[Panel], cost: str) -> Markup:
    """Draw the panels one under the other.

    Args:
        panels: At least one, each with at least one point.
        cost: Name and unit of the cost.
    """
    names, above = legend(panels)
    height = above + PANEL * len(panels)
    spoken = "; ".join(f"{spot.name}: {spot.x:.4g}, {spot.y:.4g}" for spot in panels[0].spots)
    return drawing(
        style(),
        element("rect", x=0, y=0, width=WIDTH, height=height, fill="#ffffff"),
        names,
        [
            element("g", draw_panel(panel, cost), transform=f"translate(0 {above + PANEL * index:g})")
            for index, panel in enumerate(panels)
        ],
        width=WIDTH,
        height=height,
        label=f"{panels[0].title} against {cost}. {spoken}.",
    )


def draw_panel(panel: Panel, cost: str) -> Markup:
    """Draw one measure against the cost."""
    low, high = log_padded([end for spot in panel.spots for end in (spot.x, *spot.x_ends)])
    x = Axis(low=low, high=high, start=LEFT, end=WIDTH - RIGHT, log=True)
    bottom, top = padded([end for spot in panel.spots for end in (spot.y, *spot.y_ends)], share=0.05)
    y = Axis(low=bottom, high=top, start=PANEL - FOOT, end=TOP)
    return join(
        canvas.y_axis(y, LEFT, WIDTH - RIGHT, count=6),
        canvas.x_axis(x, TOP, PANEL - FOOT, count=12),
        canvas.label(4.0, 16.0, panel.title, class_="axis-title"),
        canvas.label(WIDTH - RIGHT, PANEL - 8.0, cost, class_="axis-title", anchor="end"),
        [draw_family(panel, family, x, y) for family in LOOKS],
    )


def draw_family(panel: Panel, family: Family, x: Axis, y: Axis) -> Markup | None:
    """Draw the points of a family and the line of its front; only points of the front have whiskers."""
    front = panel.front(family)
    if not front:
        return None
    shape, rest = LOOKS[family][0], [s for s in panel.spots if s.family == family and s not in front]
    return join(
        [canvas.mark(x.at(s.x), y.at(s.y), shape, f"{family} off", s.name) for s in rest],
        stairs(front, family, x, y),
        [draw_spot(spot, shape, x, y) for spot in front],
        [
            canvas.label(x.at(s.x) + 8.0, y.at(s.y) - 8.0, s.label)
            for s in panel.spots
            if s.label and s.family == family
        ],
    )


def stairs(front: Sequence[Spot], family: Family, x: Axis, y: Axis) -> Markup:
    """Draw what a family reaches at each cost."""
    steps = [(x.at(front[0].x), y.at(front[0].y))]
    for spot in front[1:]:
        steps += [(x.at(spot.x), steps[-1][1]), (x.at(spot.x), y.at(spot.y))]
    steps.append((x.end, steps[-1][1]))
    return element("polyline", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in steps), class_=f"stairs {family}")


def draw_spot(spot: Spot, shape: str, x: Axis, y: Axis) -> Markup:
    """Draw one point with its intervals."""
    look = f"whisker {spot.family}"
    return join(
        canvas.whisker(x, *spot.x_ends, y.at(spot.y), look, cap=2.0),
        canvas.upright(y, *spot.y_ends, x.at(spot.x), look, cap=2.0),
        canvas.mark(x.at(spot.x), y.at(spot.y), shape, spot.family, spot.name),
    )
