from __future__ import annotations

import random

from underpaint.stages.data.checking.balance import MOST_ROWS, most_frequent, tables_of, tone_of, warnings_of
from underpaint.stages.data.checking.run import Checked


def test_a_table_does_not_depend_on_the_order_of_what_is_counted() -> None:
    values = ["often"] * 3 + [f"once {number:02d}" for number in range(2 * MOST_ROWS)]
    expected = {"often": 3, **{f"once {number:02d}": 1 for number in range(MOST_ROWS - 1)}}
    for seed in range(5):
        shuffled = random.Random(seed).sample(values, len(values))
        assert list(most_frequent(shuffled).items()) == list(expected.items())


def test_what_nothing_has_is_no_table(sound: Checked) -> None:
    plain = [s.model_copy(update={"id": s.file, "style": ""}) for s in sound.subject.samples]
    assert {tone_of(sample) for sample in plain} == {"none"}
    assert not {name for name in tables_of(plain) if "style" in name or "tone" in name}
    assert "style and split" in tables_of(sound.subject.samples)


def test_a_rare_style_a_large_group_and_a_single_split_are_said(sound: Checked) -> None:
    few = [s.model_copy(update={"split": "train", "group": "one"}) for s in sound.subject.samples]
    few = [s for s in few if s.style == "flat"] + [s for s in few if s.style != "flat"][:2]
    found = " ".join(warnings_of(few, tables_of(few)))
    assert "style 'cartoon' has 2 of 32 pictures, 15 times fewer" in found
    assert "group 'one' alone has 32 of 32 pictures" in found
    assert "there is one split only, 'train'" in found
