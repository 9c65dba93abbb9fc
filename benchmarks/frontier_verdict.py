"""Who is faster at equal quality: the verdicts that follow from the quality and the times of all points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from frontier_drawing import Asked
from frontier_points import BLURRED, DEFAULT, FIXED_STEPS, REDRAWN, Family, Point
from frontier_quality import COMPOSITION, CONCEPT, Quality, distance_rank, losses, overall
from frontier_timing import TOTAL, Cell, ratio_of

from underpaint.metrics.equal_quality import LEVEL, Loss, cheapest_not_worse, not_worse
from underpaint.metrics.interval import MIN_PAIRS

SCOPES: dict[str, tuple[str, ...]] = {
    "both": (CONCEPT, COMPOSITION),
    "never-seen concepts": (CONCEPT,),
    "held-out compositions": (COMPOSITION,),
}
READINGS = {"strict": LEVEL, "by value": 0.0}
"""How a candidate counts as not worse: by the upper bound of its loss, or by the loss itself, without any error."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What was measured.

    Args:
        points: Name to point, of those that have pictures.
        quality: Name to quality.
        asked: Split to prompts.
        times: Cell to stage to milliseconds by round.
        macs: Name to multiply-adds a picture.
    """

    points: Mapping[str, Point]
    quality: Mapping[str, Quality]
    asked: Mapping[str, Asked]
    times: Mapping[Cell, Mapping[str, np.ndarray]]
    macs: Mapping[str, int]

    def names(self, family: Family) -> list[str]:
        """Return the points of a family that have pictures, without those of other seeds."""
        return [name for name, point in self.points.items() if point.family == family and not point.number]

    @property
    def timed(self) -> bool:
        """Whether costs are milliseconds; otherwise they are multiply-adds."""
        return (DEFAULT, 1) in self.times

    def costs(self, family: Family) -> dict[str, float]:
        """Return name to median milliseconds a picture, or to multiply-adds as long as nothing is timed."""
        if self.timed:
            return {n: float(np.median(self.times[n, 1][TOTAL])) for n in self.names(family) if (n, 1) in self.times}
        return {n: float(self.macs[n]) for n in self.names(family) if n in self.macs}

    def all_costs(self, family: Family) -> dict[str, float]:
        """Return the costs with those of points that were not timed, at the pace in which the family's others compute.

        They decide which point is the cheapest, so that leaving a point out of the timing spares no one its rival.
        """
        known = self.costs(family)
        paces = [ms / self.macs[name] for name, ms in known.items() if name in self.macs]
        pace = float(np.median(paces)) if paces else 1.0
        return {name: known.get(name, pace * self.macs[name]) for name in self.names(family) if name in self.macs}

    def losses(self, baseline: str, candidate: str, splits: Sequence[str]) -> list[Loss]:
        """Return the losses of one point against another."""
        return losses(self.quality[baseline], self.quality[candidate], self.asked, splits)

    def ratio(self, slower: str, faster: str, count: int = 1) -> dict[str, Any] | None:
        """Return by how much one point takes longer than another, from rounds drawn again.

        Where one of them is not timed, multiply-adds are compared; None if these are not counted either.
        """
        if (slower, count) in self.times and (faster, count) in self.times:
            a, b = self.times[slower, count][TOTAL], self.times[faster, count][TOTAL]
            n = min(len(a), len(b))
            if n < MIN_PAIRS:
                return {"value": float(np.median(a[:n]) / np.median(b[:n])), "unit": "ms"}
            return {**ratio_of(a[:n], b[:n]), "unit": "ms"}
        return self.mac_ratio(slower, faster) if count == 1 else None

    def mac_ratio(self, slower: str, faster: str) -> dict[str, Any] | None:
        """Return by how much more arithmetic one point does than another; None if it is not counted."""
        if slower not in self.macs or faster not in self.macs:
            return None
        return {"value": self.macs[slower] / self.macs[faster], "unit": "MAC"}


def match(table: Table, baseline: str, family: Family, splits: Sequence[str], level: float) -> str | None:
    """Return the cheapest point of a family that is not worse than a point of another one."""
    found = {name: table.losses(baseline, name, splits) for name in table.names(family)}
    return cheapest_not_worse(table.all_costs(family), found, level)


def best_of(table: Table, family: Family, splits: Sequence[str]) -> str | None:
    """Return the point of a family with the smallest kernel distances, cheap or not; None if it has none."""
    ranks = {name: distance_rank(overall(table.quality[name], splits)) for name in table.names(family)}
    return min(ranks, key=ranks.__getitem__, default=None)


def against(table: Table, family: Family, splits: Sequence[str]) -> dict[str, Any]:
    """Return the verdicts on one rival, in both directions."""
    best = best_of(table, family, splits)
    found: dict[str, Any] = {"best": best, "speed_up": {}, "reverse": {}}
    for reading, level in READINGS.items():
        cheapest = match(table, DEFAULT, family, splits, level)
        found["speed_up"][reading] = {
            "point": cheapest,
            "ratio": table.ratio(cheapest, DEFAULT) if cheapest else None,
            "mac_ratio": table.mac_ratio(cheapest, DEFAULT) if cheapest else None,
        }
        own = match(table, best, "hybrid", splits, level) if best else None
        found["reverse"][reading] = {
            "point": own,
            "ratio": table.ratio(best, own) if best and own else None,
            "mac_ratio": table.mac_ratio(best, own) if best and own else None,
        }
    return found


def verdicts(table: Table) -> dict[str, dict[str, Any]]:
    """Return family to scope to verdict, of the rivals that have pictures."""
    rivals: tuple[Family, ...] = tuple(family for family in get_args(Family) if family != "hybrid")
    return {
        family: {scope: against(table, family, splits) for scope, splits in SCOPES.items()}
        for family in rivals
        if table.names(family)
    }


def fixed_steps(table: Table) -> dict[str, dict[str, Any]]:
    """Return how long the flow model takes at fixed numbers of steps over the hybrid's default, quality aside."""
    names = [f"flow, dpmpp_2m {steps}{guided}" for guided in ("", ", guidance 2") for steps in FIXED_STEPS]
    return {
        name: {
            "ratio": table.ratio(name, DEFAULT) if (name, 1) in table.times else None,
            "ratio_batch_8": table.ratio(name, DEFAULT, 8),
            "mac_ratio": table.mac_ratio(name, DEFAULT),
        }
        for name in names
        if name in table.points
    }


def controls(table: Table) -> dict[str, dict[str, bool]]:
    """Say, by scope, whether controls pass as not worse by the strict reading.

    The same model with other seeds is as good by construction: where it fails, the pictures are too few for a strict
    verdict. Its own pictures, blurred, must fail.
    """
    return {
        name: {scope: not_worse(table.losses(DEFAULT, name, splits)) for scope, splits in SCOPES.items()}
        for name in (REDRAWN, BLURRED)
        if name in table.quality
    }


def verdict_sentence(found: Mapping[str, Mapping[str, Any]], most_steps: int, *, passes: bool) -> str:
    """Return the finding on the flow rival in one sentence, whatever it is.

    Args:
        found: Family to scope to verdict.
        most_steps: The most steps that were drawn.
        passes: Whether the hybrid with other seeds passes as not worse.
    """
    if "flow" not in found:
        return "The flow model has not been drawn yet, so there is no verdict."
    strict, plain = (found["flow"]["both"]["speed_up"][reading] for reading in READINGS)
    blind = "" if passes else ", though the hybrid with other seeds would not pass either (too few pictures)"
    loose = f"by the values alone, {_said(plain)}" if plain["point"] else "nor is it by the values alone"
    if strict["point"] is None:
        return f"The hybrid's quality is not matched by the flow model at up to {most_steps} steps{blind}; {loose}."
    return f"At equal quality, {_said(strict)}; {loose}."


def _said(one: Mapping[str, Any]) -> str:
    ratio = one["ratio"]
    if ratio is None:
        return f"the cheapest match is {one['point']}, not timed yet"
    ends = f" ({ratio['low']:.2f} to {ratio['high']:.2f})" if "low" in ratio else ""
    what = "as long" if ratio["unit"] == "ms" else "as many multiply-adds"
    low, high = ratio.get("low", ratio["value"]), ratio.get("high", ratio["value"])
    winner = "the hybrid wins" if low > 1 else "the flow model wins" if high < 1 else "level within the error"
    return f"the flow model takes {ratio['value']:.2f}{ends} times {what} as the hybrid, with {one['point']}: {winner}"
