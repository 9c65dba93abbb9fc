from __future__ import annotations

import json

import pytest

from underpaint.core.artifact import seal
from underpaint.core.errors import DataError, LicenseRefused
from underpaint.core.samples import read_samples
from underpaint.stages.train.dataset import ATTRIBUTION
from underpaint.stages.train.tuning.own import hold_out, own_samples

SIZE = 32


def test_whole_groups_are_held_out_and_nothing_is_in_both_parts(own_pictures):
    samples = [s.model_copy(update={"cluster": str(i // 3)}) for i, s in enumerate(read_samples(own_pictures))]
    learned, held_out = hold_out(samples, 0.2)
    assert len(learned) + len(held_out) == len(samples) and len(held_out) == 3
    assert not {s.cluster for s in learned} & {s.cluster for s in held_out}


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_at_least_the_share_asked_for_is_held_out(own_pictures, share):
    learned, held_out = hold_out(read_samples(own_pictures), share)
    assert len(held_out) == round(share * 12) and len(learned) == 12 - len(held_out)


def test_the_split_of_a_data_set_is_kept_where_it_holds_out_enough(own_pictures):
    samples = [s.model_copy(update={"split": "validation"}) if i in (2, 5, 7) else s
               for i, s in enumerate(read_samples(own_pictures))]  # fmt: skip
    assert hold_out(samples, 0.2)[1] == [samples[i] for i in (2, 5, 7)]


def test_the_order_of_the_samples_does_not_change_what_is_held_out(own_pictures):
    samples = read_samples(own_pictures)
    forth, back = hold_out(samples, 0.3)[1], hold_out(samples[::-1], 0.3)[1]
    assert {s.id for s in forth} == {s.id for s in back}


def test_pictures_without_a_style_get_one_to_ask_for(rewrite, style_settings, tmp_path):
    parts = own_samples(style_settings(), rewrite(tmp_path / "set", style=""), SIZE)
    assert {sample.style for part in parts for sample in part} == {"own"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"count": 7}, "has 7 pictures to learn from, but a style needs 8 at least"),
        ({"caption": " "}, "12 pictures without a caption"),
        ({"size": 24}, "holds pictures of 24 px.* again with --size 32"),
        ({"cluster": "one"}, "all 12 pictures are near-duplicates"),
        ({"split": "test_concept"}, "has 0 pictures to learn from"),
    ],
)
def test_pictures_that_cannot_be_learned_from_are_refused(rewrite, style_settings, tmp_path, changes, expected):
    with pytest.raises(DataError, match=expected):
        own_samples(style_settings(), rewrite(tmp_path / "set", **changes), SIZE)


def test_sources_for_evaluation_only_are_refused(rewrite, style_settings, tmp_path):
    folder = rewrite(tmp_path / "set")
    (folder / ATTRIBUTION).write_text(json.dumps({"obligations_on_weights": {"not_for_weights": ["openmoji"]}}))
    (folder / "manifest.json").unlink()
    seal(folder, kind="dataset", stage="data", config=style_settings(), parents={})
    with pytest.raises(LicenseRefused, match="openmoji"):
        own_samples(style_settings(), folder, SIZE)
