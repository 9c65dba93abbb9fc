"""Balance: who and what is shown how often, and in which split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from underpaint.core.samples import Sample
from underpaint.stages.data.checking.record import Finding, Found, status_of
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.representation import counted, gender_word, tone_of

MOST_ROWS = 12
LARGE_GROUP = 0.05
"""Share of all pictures from which one group is called large."""
UNEVEN = 10
"""How many times rarer than the most frequent one a style, or one gender word than the other, is called rare."""


def most_frequent(values: Sequence[str]) -> dict[str, int]:
    """Count values and keep the most frequent ones; of equally frequent ones those that come first by name."""
    return dict(sorted(Counter(values).items(), key=lambda entry: (-entry[1], entry[0]))[:MOST_ROWS])


def tables_of(samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Count the pictures by everything that they say of themselves; tones and styles only where there are any."""
    words = [word for s in samples for word in set(re.findall(r"[a-z]{3,}", s.caption))]
    tables = {
        "split": counted(s.split for s in samples),
        "style": counted(s.style or "no style" for s in samples),
        "style and split": counted(f"{s.style or 'no style'} {s.split}" for s in samples),
        "gender word in the caption": counted(gender_word(s.caption) for s in samples),
        "skin tone": counted(tone_of(s) for s in samples),
        "skin tone and gender word": counted(f"{tone_of(s)} {gender_word(s.caption)}" for s in samples),
        "largest groups": most_frequent([s.group or s.id for s in samples]),
        "most frequent captions": most_frequent([s.caption for s in samples]),
        "most frequent words": most_frequent(words),
    }
    if list(tables["skin tone"]) == ["none"]:
        del tables["skin tone"], tables["skin tone and gender word"]
    if list(tables["style"]) == ["no style"]:
        del tables["style"], tables["style and split"]
    return tables


def warnings_of(samples: Sequence[Sample], tables: dict[str, dict[str, int]]) -> list[str]:
    """Put into words what is uneven."""
    found, total = [], len(samples)
    styles = tables.get("style", {})
    found += [
        f"style {name!r} has {count:,} of {total:,} pictures, {max(styles.values()) / count:.0f} times fewer than the "
        "most frequent one"
        for name, count in styles.items()
        if count * UNEVEN <= max(styles.values())
    ]
    found += [
        f"group {name!r} alone has {count:,} of {total:,} pictures"
        for name, count in tables["largest groups"].items()
        if count > max(2, LARGE_GROUP * total)
    ]
    gender = tables["gender word in the caption"]
    fewer, more = sorted((gender.get("man", 0), gender.get("woman", 0)))
    if fewer * UNEVEN <= more and more >= UNEVEN:
        found.append(f"captions name {gender.get('man', 0):,} men alone and {gender.get('woman', 0):,} women alone")
    tones = {tone: count for tone, count in tables.get("skin tone", {}).items() if tone not in ("none", "several")}
    if tones and min(tones.values()) * 2 <= max(tones.values()):
        found.append(f"skin tones are uneven: {', '.join(f'{tone} {count:,}' for tone, count in tones.items())}")
    if len(tables["split"]) == 1:
        found.append(f"there is one split only, {next(iter(tables['split']))!r}: nothing is held out to measure with")
    return found


def check_balance(subject: Subject) -> Found:
    """Count, and report what is uneven."""
    tables = tables_of(subject.samples)
    warnings = warnings_of(subject.samples, tables)
    finding = Finding(
        check="balance",
        title="Who and what is shown how often",
        severity="note",
        status=status_of(len(warnings)),
        count=len(warnings),
        unit="remarks",
        looked_at=len(subject.samples),
        says="; ".join(warnings) or "Nothing is strikingly uneven; the tables below have the numbers.",
        error_rate=(
            "Counted from captions and ids, not from what is seen: people whom no word names are not counted, and a "
            "set can be even in words and uneven in pictures."
        ),
        counts=tables,
    )
    return Found(finding=finding)
