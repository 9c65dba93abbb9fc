"""The audit of drawn pictures: the figures of every data set, and what only drawn pictures have."""

from __future__ import annotations

from pathlib import Path

from underpaint.core.samples import read_samples
from underpaint.stages.data.audit import Audit, audit
from underpaint.stages.data.synthetic.drawing import Gallery
from underpaint.stages.data.synthetic.privacy import PrivacyReport
from underpaint.stages.data.synthetic.selection import Selection


class SyntheticAudit(Audit):
    """All figures of the checks, and what only drawn pictures have.

    Args:
        asked_for: Pictures that were asked for.
        blank: Pictures that came out blank, those drawn in place of a blank one included.
        given_up: Wishes that have no picture, since every one came out blank.
        privacy: How near the pictures come to what the model has learnt from.
    """

    asked_for: int
    blank: int
    given_up: int
    privacy: PrivacyReport
    not_checked: tuple[str, ...] = (
        "whether a picture shows its caption: the caption is what the model was asked for, not what somebody saw",
        "what the model has learnt wrongly: its mistakes and its one-sidedness are in the pictures",
    )


def audit_drawn(
    chosen: Selection, gallery: Gallery, asked_for: int, found: PrivacyReport, folder: Path
) -> SyntheticAudit:
    """Run every check on the samples that lie in the folder.

    Args:
        chosen: What became of the drawn pictures.
        gallery: All that was drawn.
        asked_for: Pictures that were asked for.
        found: How near the pictures come to what the model has learnt from.
        folder: The data set; its samples are written.

    Raises:
        DataError: Something must not be so.
    """
    checked = audit(read_samples(folder), chosen.look, chosen.dropped)
    return SyntheticAudit(
        **{name: getattr(checked, name) for name in Audit.model_fields if name != "not_checked"},
        asked_for=asked_for,
        blank=len(gallery.blank),
        given_up=gallery.given_up,
        privacy=found,
    )
