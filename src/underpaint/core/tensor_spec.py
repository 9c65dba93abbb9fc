"""What a tensor must look like to enter a graph: its shape and dtype, and a refusal that says what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from underpaint.core.errors import InputError


class Arraylike(Protocol):
    """What shows a shape and a dtype, as arrays of numpy do."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> object: ...  # noqa: D102


@dataclass(frozen=True)
class TensorSpec:
    """A tensor without its numbers.

    Args:
        shape: Its sizes; all are fixed, and a scalar has none.
        dtype: numpy's name of its dtype, for example ``float32``.
    """

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def spec_of(array: Arraylike) -> TensorSpec:
    """Return what an array looks like."""
    return TensorSpec(tuple(array.shape), str(array.dtype))


def differences(given: Mapping[str, TensorSpec], expected: Mapping[str, TensorSpec]) -> list[str]:
    """Say by name what is missing, what nobody asked for, and what has another shape or dtype; [] if all fits.

    Args:
        given: What there is.
        expected: What is asked for.
    """
    missing = [f"{name!r:.80} is missing, {spec}" for name, spec in expected.items() if name not in given]
    unknown = [f"{name!r:.80} is unknown" for name in given if name not in expected]
    changed = [
        f"{name!r:.80} is {given[name]} where {spec} is due"
        for name, spec in expected.items()
        if name in given and given[name] != spec
    ]
    return [*missing, *unknown, *changed]


def shortened(problems: list[str], limit: int = 3) -> str:
    """Put the first problems on one line and count the rest."""
    rest = len(problems) - limit
    return "; ".join(problems[:limit]) + (f"; and {rest} more" if rest > 0 else "")


def check_feeds(feeds: Mapping[str, Arraylike], expected: Mapping[str, TensorSpec]) -> None:
    """Refuse feeds that a graph would misread.

    Args:
        feeds: Name to array.
        expected: Every input of the graph.

    Raises:
        InputError: A name is missing or unknown, or a shape or dtype differs; the message names it.
    """
    problems = differences({name: spec_of(array) for name, array in feeds.items()}, expected)
    if problems:
        raise InputError(
            f"these inputs do not fit the graph: {shortened(problems)}; it takes "
            f"{', '.join(f'{name} {spec}' for name, spec in expected.items())}"
        )


def check_threads(threads: int) -> None:
    """Refuse a number of threads below one, which engines take for "as many as there are".

    Raises:
        InputError: The number is below 1.
    """
    if threads < 1:
        raise InputError(f"the number of threads must be at least 1, got {threads}; for single pictures one is fastest")
