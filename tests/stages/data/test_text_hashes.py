"""Hashes of texts count as a set of the texts does."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from underpaint.stages.data import text_hashes
from underpaint.stages.data.text_hashes import TextHashes, among, text_hash


@pytest.mark.parametrize("lot", [1, 7, 1000])
def test_they_count_what_a_counter_counts(lot: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_hashes, "LOT", lot)
    texts = [str(number) for number in np.random.default_rng(0).zipf(1.3, 500).tolist()]
    hashes, counts = TextHashes(), Counter(texts)
    for text in texts:
        hashes.add(text)
    assert hashes.count() == len(counts)
    assert hashes.once().tolist() == sorted(map(text_hash, counts))
    assert hashes.again().tolist() == sorted(text_hash(text) for text, n in counts.items() if n > 1)
    assert all(among(hashes.again(), text_hash(text)) == (n > 1) for text, n in counts.items())


def test_texts_are_told_from_other_texts_of_the_same_letters() -> None:
    assert text_hash("ab", "c") != text_hash("a", "bc") != text_hash("abc")
    assert text_hash("\ud800") != text_hash("\ud801")


def test_nothing_is_among_no_hashes() -> None:
    assert not among(TextHashes().again(), text_hash("a"))
