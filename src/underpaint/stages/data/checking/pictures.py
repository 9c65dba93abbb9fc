"""Pictures that hold nothing to learn from: unreadable, other than recorded, blank, of one color."""

from __future__ import annotations

import numpy as np

from underpaint.stages.data.checking.record import Found
from underpaint.stages.data.checking.subject import Subject
from underpaint.stages.data.clean import MIN_ALPHA


def check_unreadable(subject: Subject) -> Found:
    """Report pictures that cannot be decoded, or whose pixels are not those of ``samples.jsonl``."""
    return subject.faulty(
        "unreadable",
        dict(sorted(subject.prints.problems.items())),
        title="Unreadable pictures",
        unit="pictures",
        says=(
            "Every picture is decoded in full and its pixels are compared with the recorded SHA-256. Training stops at "
            "such a picture: build the set again, or exclude it."
        ),
        error_rate="Exact: nothing that decoding or the hash can show is missed, and nothing sound is reported.",
    )


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
    return subject.faulty(
        "blank",
        dict(sorted(nothing_to_see(subject).items())),
        title="Blank or one-colored pictures",
        unit="pictures",
        says="A caption of a picture that shows nothing teaches a model to draw nothing: exclude them.",
        error_rate=(
            f"Exact by its definition: all pixels equal, or a mean alpha below {MIN_ALPHA}. A picture with a single "
            "stray pixel is not blank by it."
        ),
    )
