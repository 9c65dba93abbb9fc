from __future__ import annotations

import json

import pytest
import torch

from underpaint.core.artifact import seal
from underpaint.core.errors import DataError, LicenseRefused
from underpaint.core.progress import silent
from underpaint.core.samples import read_samples, write_samples
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.runtime.device import CPU
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.dataset import ATTRIBUTION
from underpaint.stages.train.pictures import Pictures
from underpaint.stages.train.tuning.own import (
    ENOUGH,
    caution,
    encoded,
    hold_out,
    may_be_mirrored,
    mirrored,
    own_samples,
    read_some,
)

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


@pytest.mark.parametrize(("count", "cautions"), [(7, False), (8, True), (ENOUGH - 1, True), (ENOUGH, False)])
def test_few_pictures_are_cautioned_about_unless_they_are_refused(
    own_pictures, style_settings, tmp_path, count, cautions
):
    samples = read_samples(own_pictures)
    write_samples(tmp_path, [samples[i % 12].model_copy(update={"id": f"id{i}"}) for i in range(count)])
    said = caution(style_settings(), tmp_path)
    assert (said is not None) == cautions and (said is None or f"{count} pictures are few" in said)


def test_sources_for_evaluation_only_are_refused(rewrite, style_settings, tmp_path):
    folder = rewrite(tmp_path / "set")
    (folder / ATTRIBUTION).write_text(json.dumps({"obligations_on_weights": {"not_for_weights": ["openmoji"]}}))
    (folder / "manifest.json").unlink()
    seal(folder, kind="dataset", stage="data", config=style_settings(), parents={})
    with pytest.raises(LicenseRefused, match="openmoji"):
        own_samples(style_settings(), folder, SIZE)


def test_pictures_are_mirrored_unless_their_captions_name_a_side_or_a_sign(own_pictures):
    samples = read_samples(own_pictures)[:2]
    words = ("a red disc", "Left arrow")
    pictures = read_some(
        own_pictures, [s.model_copy(update={"caption": w}) for s, w in zip(samples, words, strict=True)]
    )
    turned = mirrored(pictures)
    assert torch.equal(turned.pixels[0], pictures.pixels[0].flip(1))
    assert torch.equal(turned.pixels[1], pictures.pixels[1])
    assert torch.equal(mirrored(turned).pixels, pictures.pixels)
    assert may_be_mirrored("arrowhead") and not may_be_mirrored("thumbs up button")
    assert may_be_mirrored("cat", "kitten") and not may_be_mirrored("cat", "cat facing left")


@pytest.mark.parametrize("variants", [1, 5])
def test_mirrored_versions_come_after_the_others_and_the_picture_itself_is_first(
    variants, own_pictures, trained_tokenizer
):
    autoencoder = load_component(trained_tokenizer / "autoencoder", Autoencoder, AutoencoderConfig)
    noise = torch.randint(256, (3, SIZE, SIZE, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    pictures = Pictures(read_samples(own_pictures)[:3], noise, torch.ones(3))
    config = LatentsEncoding(variants=variants, reach=0)
    values = encoded(pictures, autoencoder, config, CPU, silent, mirror=True).values
    plain, turned = (
        encoded(some, autoencoder, LatentsEncoding(variants=1), CPU, silent).values[:, 0]
        for some in (pictures, mirrored(pictures))
    )
    straight = (variants + 1) // 2
    assert values.shape[:2] == (3, variants) and not torch.equal(plain, turned)
    assert all(torch.equal(values[:, version], plain) for version in range(straight))
    assert all(torch.equal(values[:, version], turned) for version in range(straight, variants))
