from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import underpaint
from underpaint.core.errors import InputError
from underpaint.stages.evaluate.drawing.cached import draw_all, picture_path
from underpaint.stages.evaluate.drawing.subjects import CallableSubject, Sampling, altered, open_subject, rgba
from underpaint.stages.evaluate.drawing.wishes import Wish
from underpaint.stages.evaluate.scores.controls import (
    ALTERATIONS,
    DAMAGES,
    Damaged,
    check_controls,
    round_to_nearest,
    shuffled,
)


def wish(number: int, prompt: str = "a red apple", cluster: str = "") -> Wish:
    return Wish(
        image_id=f"main-{number:05d}",
        part="main",
        prompt_id=f"{number}/flat",
        prompt=prompt,
        style="flat",
        seed=number,
        cluster=cluster or f"{number}",
    )


def noise(wishes: list[Wish]) -> list[np.ndarray]:
    return [np.random.default_rng(w.seed).integers(0, 256, (16, 16, 4), dtype=np.uint8) for w in wishes]


class Counted:
    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, wishes: list[Wish]) -> list[np.ndarray]:
        self.asked += [w.seed or 0 for w in wishes]
        return noise(wishes)


def test_a_native_model_draws_what_generate_draws(tiny_model, tmp_path):
    subject = open_subject(tiny_model)
    (drawn,) = draw_all(subject, [wish(7)], tmp_path)
    (image,) = underpaint.load(tiny_model).generate("a red apple", style="flat", seed=7)
    assert np.array_equal(drawn.load(), np.asarray(image))


def test_nothing_is_drawn_twice_and_a_damaged_picture_is_drawn_again(tmp_path):
    function = Counted()
    subject = CallableSubject(function=function, name="noise", digest="1")
    wishes = [wish(number) for number in range(5)]
    first = draw_all(subject, wishes[:3], tmp_path)
    assert function.asked == [0, 1, 2]
    first[1].path.write_bytes(first[1].path.read_bytes()[:60])
    again = draw_all(subject, wishes, tmp_path)
    assert function.asked == [0, 1, 2, 1, 3, 4]
    assert [p.sha256 for p in again[:3]] == [p.sha256 for p in first]


def test_an_interrupted_run_keeps_what_is_finished(tmp_path):
    done = itertools.count()

    def breaks(wishes: list[Wish]) -> list[np.ndarray]:
        if next(done) == 2:
            raise KeyboardInterrupt
        return noise(wishes)

    wishes = [wish(number) for number in range(4)]
    with pytest.raises(KeyboardInterrupt):
        draw_all(CallableSubject(function=breaks, name="noise", digest="1", batch_size=1), wishes, tmp_path)
    function = Counted()
    draw_all(CallableSubject(function=function, name="noise", digest="1"), wishes, tmp_path)
    assert function.asked == [2, 3]


def test_settings_alterations_and_models_have_places_of_their_own(tiny_model):
    plain = open_subject(tiny_model)
    subjects = [plain, open_subject(tiny_model, Sampling(guidance=2.0)), altered(plain, "x", lambda pipeline: None)]
    assert len({picture_path(Path("c"), subject.identity, wish(1)) for subject in subjects}) == 3


def test_a_function_that_returns_too_few_pictures_or_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="asked for 1 pictures and returned 0"):
        draw_all(CallableSubject(function=lambda wishes: []), [wish(1)], tmp_path)
    with pytest.raises(InputError, match="uint8 array"):
        rgba(np.zeros((4, 4)))  # pyright: ignore[reportArgumentType]


def test_pictures_without_alpha_are_opaque():
    assert (rgba(np.zeros((4, 4, 3), dtype=np.uint8))[..., 3] == 255).all()
    assert rgba(Image.new("RGB", (4, 4))).shape == (4, 4, 4)


@pytest.mark.parametrize("control", DAMAGES)
def test_damage_changes_every_picture_and_repeats(control, tmp_path):
    wishes = [wish(number) for number in range(3)]
    good = draw_all(CallableSubject(function=noise, name="noise", digest="1"), wishes, tmp_path)
    worse = draw_all(Damaged(pictures=good, control=control), wishes, tmp_path)
    assert all(a.sha256 != b.sha256 and a.load().shape == b.load().shape for a, b in zip(good, worse, strict=True))
    again = draw_all(Damaged(pictures=good, control=control), wishes, tmp_path / "other")
    assert [p.sha256 for p in worse] == [p.sha256 for p in again]


def test_shuffling_keeps_pictures_and_prompts_but_no_pair(tmp_path):
    wishes = [wish(number, cluster=str(number // 2)) for number in range(40)]
    good = draw_all(CallableSubject(function=noise, name="noise", digest="1"), wishes, tmp_path)
    mixed = shuffled(good, np.random.default_rng(0))
    assert [p.wish for p in mixed] == wishes
    assert sorted(p.sha256 for p in mixed) == sorted(p.sha256 for p in good)
    clusters = {p.sha256: p.wish.cluster for p in good}
    assert sum(clusters[p.sha256] == p.wish.cluster for p in mixed) == 0


def test_rounded_weights_take_few_levels_and_spare_the_subject(tiny_model):
    plain = open_subject(tiny_model)
    worse = altered(plain, "int4", lambda pipeline: round_to_nearest(pipeline, 4))
    weight = next(p for n, p in worse.generator.networks.network.named_parameters() if n.endswith("qkv.weight"))
    assert max(len(row.unique()) for row in weight) <= 15
    own = dict(plain.generator.networks.network.named_parameters())
    name = next(n for n, p in worse.generator.networks.network.named_parameters() if p is weight)
    assert not bool((own[name] == weight).all())
    assert set(ALTERATIONS) >= {"int4_round_to_nearest"}


def test_an_unknown_control_is_refused():
    with pytest.raises(InputError, match="no control 'jpg'"):
        check_controls(["jpg"])


def test_a_picture_without_seed_has_a_place_of_its_own():
    places = {picture_path(Path("c"), "0" * 64, replace(wish(n, "same"), seed=None)) for n in range(3)}
    assert len(places) == 3
