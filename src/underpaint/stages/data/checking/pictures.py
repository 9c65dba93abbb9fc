"""Pictures that hold nothing to learn from: unreadable, other than recorded, blank, of one color."""

from __future__ import annotations

import numpy as np

from underpaint.stages.data.checking.record import MAX_EXAMPLES, Example, Finding, Found, status_of
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.clean import MIN_ALPHA


def check_unreadable(subject: Subject) -> Found:
    """Report pictures that cannot be decoded, or whose pixels are not those of ``samples.jsonl``."""
    problems = subject.prints.problems
    suspects = tuple(subject.suspect(i, "unreadable", "error", why) for i, why in sorted(problems.items()))
    finding = Finding(
        check="unreadable",
        title="Unreadable pictures",
        severity="error",
        status=status_of(len(suspects)),
        count=len(suspects),
        unit="pictures",
        looked_at=len(subject.samples),
        says=(
            "Every picture is decoded in full and its pixels are compared with the recorded SHA-256. Training stops at "
            "such a picture: build the set again, or exclude it."
        ),
        error_rate="Exact: nothing that decoding or the hash can show is missed, and nothing sound is reported.",
        examples=tuple(Example(files=(s.file,), text=s.reason) for s in suspects[:MAX_EXAMPLES]),
    )
    return Found(finding=finding, suspects=suspects)


def nothing_to_see(subject: Subject) -> dict[int, str]:
    """Return the positions of blank and of one-colored pictures, with the reason."""
    prints = subject.prints
    found = {int(i): "all pixels are the same" for i in np.nonzero(prints.constant)[0] if int(i) not in prints.problems}
    for i in np.nonzero(prints.alpha < MIN_ALPHA)[0].tolist():
        if i not in prints.problems:
            found[i] = f"nearly all of it is transparent (mean alpha {prints.alpha[i]:.4f})"
    return found


def check_blank(subject: Subject) -> Found:
    """Report pictures that show nothing."""
    found = nothing_to_see(subject)
    suspects = tuple(subject.suspect(i, "blank", "error", why) for i, why in sorted(found.items()))
    finding = Finding(
        check="blank",
        title="Blank or one-colored pictures",
        severity="error",
        status=status_of(len(suspects)),
        count=len(suspects),
        unit="pictures",
        looked_at=len(subject.samples),
        says="A caption of a picture that shows nothing teaches a model to draw nothing: exclude them.",
        error_rate=(
            f"Exact by its definition: all pixels equal, or a mean alpha below {MIN_ALPHA}. A picture with a single "
            "stray pixel is not blank by it."
        ),
        examples=tuple(Example(files=(s.file,), text=s.reason) for s in suspects[:MAX_EXAMPLES]),
    )
    return Found(finding=finding, suspects=suspects)
