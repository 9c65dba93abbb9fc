"""What messages say of a budget: times for people, times as ``--budget`` takes them, and what helps."""

from __future__ import annotations

LARGER = "give a larger --budget"


def in_words(seconds: float) -> str:
    """Say a time for people."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def minutes(seconds: float) -> str:
    """Return a time as ``--budget`` takes it, rounded up."""
    return f"{int(seconds // 60) + 1}m"
