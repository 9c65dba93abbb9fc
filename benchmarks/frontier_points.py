"""The table of points that ``hybrid_vs_diffusion`` compares: which family, which settings, what it costs to draw.

Left out is what cannot differ: up to three steps DPM-Solver++ 2M is Euler's, since it extrapolates in neither the
first, the second nor the last step; at one step all solvers are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from underpaint.core.config import Config, digest_of
from underpaint.diffusion.guidance import GuidanceInterval
from underpaint.diffusion.solvers import evaluations
from underpaint.pipelines.hybrid_config import ramp

Family = Literal["hybrid", "four-scales", "three-scales", "regression", "flow", "few-step", "gan"]
DEFAULT, REDRAWN, BLURRED = "hybrid, default", "hybrid, default, other seeds", "hybrid, default, blurred by 1 pixel"
FIXED_STEPS = (4, 10, 20, 25, 50)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One way to draw.

    Args:
        name: Of the row.
        family: Whose model.
        settings: What differs from the model's own sampling settings.
        off_last: Scales without guidance at the fine end, of a hybrid; None leaves the guidance's shape alone.
        number: Which of a prompt's seeds; pictures are compared at equal seeds, number 0.
        batched: Whether it is timed in batches of 8 as well.
        guided: Whether the guidance chosen on the validation split is filled in.
    """

    name: str
    family: Family
    settings: Mapping[str, Any] = field(default_factory=dict)
    off_last: int | None = None
    number: int = 0
    batched: bool = False
    guided: bool = False

    def sampling(self, base: Config, chosen: Mapping[str, Any] | None = None) -> Config:
        """Return the complete sampling settings of this point.

        Args:
            base: The model's own.
            chosen: The guidance of guided points; None leaves it as the model has it.
        """
        change = {**((chosen or {}) if self.guided else {}), **self.settings}
        if self.off_last is not None:
            change["guidance_shape"] = ramp(len(base.model_dump()["guidance_shape"]), self.off_last)
        return base.model_copy(update=change)


HYBRID = (
    Point(name=DEFAULT, family="hybrid", batched=True),
    Point(name=REDRAWN, family="hybrid", number=1),
    Point(name="hybrid, tokens alone", family="hybrid", settings={"residual_steps": None}),
    Point(name="hybrid, mean residual", family="hybrid", settings={"residual_steps": 0}),
    *(Point(name=f"hybrid, residual flow {n}", family="hybrid", settings={"residual_steps": n}) for n in (1, 2, 4, 8)),
    *(Point(name=f"hybrid, guidance off on last {n}", family="hybrid", off_last=n) for n in (0, 1, 2, 3)),
    Point(name="hybrid, no guidance", family="hybrid", settings={"guidance": 0.0}),
)

FEWER_SCALES = tuple(
    Point(name=f"{family.replace('-', ' ')}, {what}", family=family, settings=settings, batched=what == "default")
    for family in ("four-scales", "three-scales")
    for what, settings in (
        ("default", {}),
        ("tokens alone", {"residual_steps": None}),
        ("residual flow 4", {"residual_steps": 4}),
        ("no guidance", {"guidance": 0.0}),
    )
)
"""The hybrid with fewer passes: sides 1, 2, 4, 8, or with the early ones fused into one, 2, 4, 8."""

REGRESSION = (Point(name="regression, default", family="regression"),)
"""The hybrid whose refiner learned the mean residual alone; the default's tokens."""

SOLVER_STEPS = {
    "euler": (1, 2, 4, 8, 10, 12, 16, 20, 25, 30, 50),
    "dpmpp_2m": (4, 8, 10, 12, 16, 20, 25, 30, 50),
    "unipc": (2, 4, 8, 12, 16, 20),
    "heun": (2, 4, 8, 12),
}
FIXED_GUIDANCE = {
    0.0: {"dpmpp_2m": (4, 8, 12, 20)},
    1.0: {"dpmpp_2m": (4, 8, 12, 20, 50)},
    2.0: {"dpmpp_2m": (2, 3, 4, 8, 12, 20, 50), "unipc": (2, 3, 4), "heun": (2,), "euler": (4,)},
}
"""Guidance, solver and steps that are drawn whatever the sweep chooses, which looks at distances and not at captions.

The cheapest match may lie at few steps with strong guidance, so all solvers are there.
"""

FLOW = (
    *(
        Point(
            name=f"flow, {solver} {steps}",
            family="flow",
            settings={"solver": solver, "steps": steps},
            batched=solver == "dpmpp_2m" and steps in FIXED_STEPS,
            guided=True,
        )
        for solver, counts in SOLVER_STEPS.items()
        for steps in counts
    ),
    *(
        Point(
            name=f"flow, {solver} {steps}, {f'guidance {guidance:g}' if guidance else 'no guidance'}",
            family="flow",
            settings={"solver": solver, "steps": steps, "guidance": guidance},
        )
        for guidance, solvers in FIXED_GUIDANCE.items()
        for solver, counts in solvers.items()
        for steps in counts
    ),
)

FEW_STEP = tuple(
    Point(name=f"few-step, {n}", family="few-step", settings={"steps": n, "guidance": 0.0}, batched=True)
    for n in (8, 4, 2, 1)
)

GAN = tuple(
    Point(name=f"GAN, truncation {t:g}", family="gan", settings={"truncation": t}, batched=t == 1.0) for t in (1.0, 0.7)
)

POINTS = (*HYBRID, *FEWER_SCALES, *REGRESSION, *FEW_STEP, *GAN, *FLOW)
"""All points of the comparison."""

SWEEP_STEPS, SWEEP_SOLVER = 20, "dpmpp_2m"
SWEEP: dict[str, dict[str, Any]] = {
    **{f"guidance {g:g}": {"guidance": g} for g in (0.0, 0.5, 1.0, 2.0, 3.0)},
    "guidance 2 from 0.2 to 0.8": {"guidance": 2.0, "interval": GuidanceInterval(low=0.2, high=0.8)},
}
"""The guidance of the flow model that is tried on the validation split; the best one holds for all of its points."""


def cost_of(point: Point) -> float:
    """Return about how many passes of the large network a picture takes; for the order of drawing alone."""
    settings = point.settings
    if point.family == "flow":
        passes = evaluations(settings["solver"], settings["steps"])
        return passes * (1.0 if settings.get("guidance") == 0.0 else 2.0)
    if point.family == "few-step":
        return float(settings["steps"])
    return {"hybrid": 3.0, "four-scales": 2.0, "three-scales": 1.9, "regression": 3.0, "gan": 1.0}[point.family]


def distinct(points: list[Point], bases: Mapping[Family, Config], chosen: Mapping[str, Any]) -> list[Point]:
    """Return the points whose model is there, the cheapest first, without those that draw what an earlier one draws.

    Args:
        points: In the order of the table.
        bases: Family to its model's own sampling settings.
        chosen: The guidance of guided points.
    """
    seen: set[str] = set()
    kept = []
    for point in points:
        if point.family not in bases:
            continue
        sampling = point.sampling(bases[point.family], chosen)
        key = digest_of([point.family, point.number, sampling.model_dump(mode="json")])
        if key not in seen:
            seen.add(key)
            kept.append(point)
    first = [point for point in kept if point.name in (DEFAULT, REDRAWN)]
    return first + sorted((point for point in kept if point not in first), key=cost_of)
