from __future__ import annotations

import hashlib
from pathlib import Path

from underpaint.core.samples import read_samples
from underpaint.stages.data.audit import samples_digest


def test_the_digest_of_samples_covers_what_training_sees(small_original: Path) -> None:
    first, *rest = read_samples(small_original)
    lines = (f"{s.style} {s.id} {s.split} {s.sha256_pixels} {s.caption}\n" for s in (first, *rest))
    assert samples_digest([first, *rest]) == hashlib.sha256("".join(lines).encode()).hexdigest()
    for change in ({"caption": "x"}, {"alternatives": ("x",)}, {"split": "x"}, {"sha256_pixels": "x"}):
        assert samples_digest([first.model_copy(update=change), *rest]) != samples_digest([first, *rest])
    assert samples_digest([first.model_copy(update={"license": "x"}), *rest]) == samples_digest([first, *rest])
