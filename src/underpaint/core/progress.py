"""Progress of long work: the library reports, the command line shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One report from long work.

    Args:
        task: What is going on, in a few words ("render", "train tokenizer").
        done: Units finished so far.
        total: Units in all; None while unknown.
        unit: Name of a unit ("pictures", "steps").
        note: Anything worth showing beside the bar (losses, codebook health).
    """

    task: str
    done: int
    total: int | None = None
    unit: str = ""
    note: str = ""


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Ignore a report; the default everywhere, since library code does not print."""
