"""Flagged pictures: what a pipeline's own safety checker blacked out, which its output alone tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from underpaint.core.errors import InputError

VERDICTS = ("nsfw_content_detected", "nsfw_detected", "watermark_detected")
"""Fields of an output in which checkers answer for each picture; None where none looked."""


def flags_in(output: Any) -> Iterator[tuple[int, str]]:
    """Yield the position of every flagged picture, and the field that says so.

    Args:
        output: What a pipeline of diffusers returned.
    """
    for field in VERDICTS:
        verdicts = getattr(output, field, None) or ()
        yield from ((position, field) for position, verdict in enumerate(verdicts) if verdict)


def refuse_flagged(output: Any, captions: Sequence[str], seeds: Sequence[int], *, name: str) -> None:
    """Refuse pictures that the pipeline's safety checker has blacked out.

    Args:
        output: What a pipeline of diffusers returned.
        captions: What each picture was to show.
        seeds: The seed of each.
        name: The pipeline's class; named in the message.

    Raises:
        InputError: There is such a picture; the message names the first.
    """
    first = next(flags_in(output), None)
    if first is not None:
        position, field = first
        raise InputError(
            f"the safety checker of {name} flagged the picture of {captions[position]!r:.80} with seed "
            f"{seeds[position]} ({field}) and blacked it out; choose another seed or other words"
        )
