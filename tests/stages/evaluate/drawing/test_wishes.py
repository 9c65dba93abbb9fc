from __future__ import annotations

import pytest

from underpaint.core.errors import DataError, InputError
from underpaint.core.samples import Sample
from underpaint.stages.evaluate.config import SUITES, EvaluateConfig, suite_named
from underpaint.stages.evaluate.drawing.wishes import (
    COMPOSITION,
    MAIN,
    SEEN,
    VARIED,
    Wish,
    composition_samples,
    plan_wishes,
    protocol_of,
    reference_samples,
    without_styles,
)

STYLES = ("flat", "line-art")


def sample(number: int, split: str, style: str, *, group: str | None = None, level: str = "") -> Sample:
    name = f"thing {number}"
    return Sample(
        id=f"{number:x}",
        cluster=f"{number:x}",
        group=group or f"{number:x}",
        name=name,
        caption=name,
        style=style,
        family="tests",
        source="tests",
        icon=name,
        license="CC0-1.0",
        sha256_pixels=f"{number:064x}",
        phash="0" * 16,
        split=split,
        level=level,
        weight=1.0,
        file=f"{number}-{style}.png",
    )


def samples() -> list[Sample]:
    held = [sample(n, "validation" if n % 3 else "test_concept", style) for n in range(60) for style in STYLES]
    train = [sample(n, "train", style, group=f"{n % 5:x}") for n in range(100, 140) for style in STYLES]
    new = [
        sample(n, "test_composition", style, group=f"{n % 7:x}", level="cell")
        for n in range(200, 220)
        for style in STYLES
    ]
    return [*held, *train, *new]


CONFIG = EvaluateConfig(suite="test", composition=20, varied_prompts=3, varied_seeds=4, null_sets=2)


def parts(wishes: list[Wish]) -> dict[str, int]:
    return {part: sum(w.part == part for w in wishes) for part in {w.part for w in wishes}}


def test_every_part_has_the_size_that_the_settings_say():
    found = parts(plan_wishes(samples(), CONFIG))
    assert found[MAIN] == 120 and found[COMPOSITION] == 20 and found[VARIED] == 12
    assert found["null-1:main"] == found["null-2:main"] == 120 and found["null-1:composition"] == 20
    assert 0 < found[SEEN] <= 20


def test_a_smaller_suite_asks_for_a_part_of_what_a_larger_one_asks_for():
    def asked(config: EvaluateConfig, part: str) -> set[tuple[str, int | None]]:
        return {(w.prompt_id, w.seed) for w in plan_wishes(samples(), config) if w.part == part}

    small = CONFIG.model_copy(update={"main": 30, "composition": 7})
    for part in (MAIN, COMPOSITION, "null-1:main"):
        assert asked(small, part) < asked(CONFIG, part)


def test_the_order_of_the_samples_does_not_matter():
    assert plan_wishes(samples(), CONFIG) == plan_wishes(samples()[::-1], CONFIG)


def test_another_seed_asks_for_the_same_prompts_with_other_seeds():
    first, other = (plan_wishes(samples(), CONFIG.model_copy(update={"seed": seed})) for seed in (0, 1))
    assert [w.prompt_id for w in first] == [w.prompt_id for w in other]
    assert all(a.seed != b.seed for a, b in zip(first, other, strict=True))


def test_no_picture_is_asked_for_twice_within_a_part_and_null_controls_have_other_seeds():
    wishes = plan_wishes(samples(), CONFIG)
    assert len({w.image_id for w in wishes}) == len(wishes)
    seeds = {part: {(w.prompt_id, w.seed) for w in wishes if w.part == part} for part in parts(wishes)}
    assert all(len(seeds[part]) == count for part, count in parts(wishes).items())
    assert not seeds[MAIN] & seeds["null-1:main"] and not seeds["null-1:main"] & seeds["null-2:main"]
    assert len(seeds[MAIN] & seeds[VARIED]) == 3  # the first picture of a varied prompt is that of the main part


def test_each_held_out_caption_comes_once_before_any_comes_in_a_second_style():
    held_out, _ = composition_samples(samples(), CONFIG)
    assert len({s.id for s in held_out}) == 20


def test_a_seen_partner_shares_concept_and_style():
    held_out, seen = composition_samples(samples(), CONFIG)
    pairs = {(s.group, s.style) for s in held_out}
    assert seen and all(s.split == "train" and (s.group, s.style) in pairs for s in seen)


def test_a_data_set_without_held_out_pictures_is_refused():
    with pytest.raises(DataError, match="only in train"):
        reference_samples([s for s in samples() if s.split == "train"], CONFIG)


def test_a_style_that_the_model_does_not_know_is_not_asked_for():
    wishes = without_styles(plan_wishes(samples(), CONFIG), ("flat",))
    assert {w.style for w in wishes} == {"flat", None}


def test_the_protocol_changes_with_any_prompt_style_or_seed():
    wishes = plan_wishes(samples(), CONFIG)
    digest = protocol_of(wishes, CONFIG, 64).prompts_digest
    assert digest == protocol_of(plan_wishes(samples(), CONFIG), CONFIG, 64).prompts_digest
    assert digest != protocol_of(wishes[1:], CONFIG, 64).prompts_digest
    assert digest != protocol_of(without_styles(wishes, ()), CONFIG, 64).prompts_digest


def test_an_unknown_suite_gets_a_hint():
    assert suite_named("standard") is SUITES["standard"]
    with pytest.raises(InputError, match="did you mean 'quick'"):
        suite_named("quik")
