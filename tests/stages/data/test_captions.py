from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.errors import DataError
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.captions import check_captions, refuse_hidden


@pytest.fixture
def samples(small_original: Path) -> list[Sample]:
    return read_samples(small_original)


def test_clean_captions_pass(samples: list[Sample]) -> None:
    report = check_captions(samples)
    assert (report.captions, report.words, report.longest_words) == (30, 32, 3)
    refuse_hidden(report)


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u202e", "\U000e0041", "\ue000"])
@pytest.mark.parametrize("key", ["name", "caption"])
def test_a_hidden_character_is_refused_by_its_code(samples: list[Sample], key: str, hidden: str) -> None:
    samples[3] = samples[3].model_copy(update={key: f"cat{hidden}"})
    with pytest.raises(DataError, match=f"U\\+{ord(hidden):04X}"):
        refuse_hidden(check_captions(samples))


def test_a_caption_that_a_prompt_could_not_be_is_refused(samples: list[Sample]) -> None:
    samples[3] = samples[3].model_copy(update={"caption": "A  Cat"})
    with pytest.raises(DataError, match="A  Cat"):
        refuse_hidden(check_captions(samples))


@pytest.mark.parametrize("other", ["cat\u200b", "A  Cat"])
def test_other_captions_are_refused_for_the_same_reasons(samples: list[Sample], other: str) -> None:
    samples[3] = samples[3].model_copy(update={"alternatives": ("a cat", other)})
    with pytest.raises(DataError):
        refuse_hidden(check_captions(samples))


def test_mixed_scripts_and_shared_captions_are_listed(samples: list[Sample]) -> None:
    samples[3] = samples[3].model_copy(update={"name": "cаt", "caption": samples[4].caption})  # а is Cyrillic
    report = check_captions(samples)
    assert report.mixed_scripts == ("cаt",)
    assert report.shared == (f"{samples[4].style}: {samples[4].caption}",)
