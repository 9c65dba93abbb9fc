"""Captions that are not what they seem: hidden characters, look-alikes, two captions for the same pixels."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

from underpaint.core.errors import PromptError
from underpaint.core.text import canonicalize
from underpaint.stages.data.captions import hidden_characters, scripts_of
from underpaint.stages.data.checking.record import Example, Found
from underpaint.stages.data.checking.subject import Subject


@lru_cache(maxsize=100_000)
def hidden_problem(text: str) -> str:
    """Return what a text hides; empty if nothing."""
    hidden = hidden_characters(text)
    if hidden:
        return f"hidden characters {', '.join(sorted(set(hidden)))}"
    scripts = scripts_of(text)
    return f"letters of {' and '.join(sorted(scripts))} are mixed" if len(scripts) > 1 else ""


@lru_cache(maxsize=100_000)
def canonical_problem(caption: str) -> str:
    """Return why a caption is not in the form that prompts take; empty if it is."""
    try:
        return "" if canonicalize(caption) == caption else "not in the canonical form that prompts take"
    except PromptError as error:
        return str(error)


def problem_of(name: str, *captions: str) -> str:
    """Return what is wrong with the words of a sample; empty if nothing."""
    found = (hidden_problem(caption) or canonical_problem(caption) for caption in captions)
    return next(filter(None, found), "") or hidden_problem(name)


def check_hidden(subject: Subject) -> Found:
    """Report captions that hold what nobody sees."""
    reasons = {
        i: f"{sample.caption!r}: {problem}"
        for i, sample in enumerate(subject.samples)
        if (problem := problem_of(sample.name, *sample.captions))
    }
    return subject.faulty(
        "hidden-unicode",
        reasons,
        title="Hidden or foreign characters in captions",
        unit="captions",
        says=(
            "Names and captions with invisible, private or unassigned characters or with mixed scripts, and captions "
            "that differ from the canonical form of prompts. What is invisible to people can be trained as a trigger."
        ),
        error_rate="Exact for the Unicode categories Cc, Cf, Cn, Co and Cs; a trigger of ordinary words is not found.",
    )


def check_conflicts(subject: Subject) -> Found:
    """Report equal pixels under different captions."""
    places: dict[str, list[int]] = defaultdict(list)
    for i, sample in enumerate(subject.samples):
        places[sample.sha256_pixels].append(i)
    reasons: dict[int, str] = {}
    examples: list[Example] = []
    for positions in places.values():
        captions = sorted({subject.samples[i].caption for i in positions})
        if len(captions) > 1:
            said = " = ".join(repr(caption) for caption in captions)
            reasons |= dict.fromkeys(positions, f"one picture, {said}")
            examples.append(Example(files=tuple(subject.samples[i].file for i in positions[:2]), text=said))
    return subject.faulty(
        "conflicting-captions",
        reasons,
        title="One picture, different captions",
        unit="pictures",
        says=(
            "The same pixels under different captions: at least one of these is wrong, or does not say what is seen. "
            "All of them are listed; keep the right one."
        ),
        error_rate="Exact: pixels are compared by SHA-256, captions as they stand.",
        examples=examples,
    )
