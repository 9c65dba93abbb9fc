"""Laws of the table of points, and of their pictures on disk."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from underpaint.core.samples import write_samples
from underpaint.pipelines.flow import FlowConfig
from underpaint.pipelines.gan import GanConfig
from underpaint.pipelines.hybrid_config import HybridConfig

STYLES = ("flat", "noto")
BASES = {
    "hybrid": HybridConfig(
        styles=STYLES, guidance_shape=(0.25, 0.5, 0.75, 1.0, 0.0, 0.0), temperatures=(0.6,) * 6, residual_steps=0
    ),
    "four-scales": HybridConfig(styles=STYLES, guidance_shape=(0.5, 1.0, 1.0, 0.0), temperatures=(0.6,) * 4),
    "three-scales": HybridConfig(styles=STYLES, guidance_shape=(0.5, 1.0, 0.0), temperatures=(0.6,) * 3),
    "regression": HybridConfig(styles=STYLES, guidance_shape=(0.0,) * 6, temperatures=(0.6,) * 6, residual_steps=0),
    "flow": FlowConfig(styles=STYLES, steps=20, solver="dpmpp_2m"),
    "few-step": FlowConfig(styles=STYLES, steps=4, step_counts=(8, 4, 2, 1), guidance=0.0),
    "gan": GanConfig(styles=STYLES),
}


@pytest.fixture(scope="module")
def points(load_benchmark):
    return load_benchmark("frontier_points")


@pytest.fixture(scope="module")
def drawing(load_benchmark):
    return load_benchmark("frontier_drawing")


@pytest.fixture(scope="module")
def opened(drawing, tiny_model):
    return drawing.open_family({"hybrid": str(tiny_model), "flow": str(tiny_model / "nothing")})


def test_every_point_has_a_name_of_its_own_and_settings_that_its_pipeline_takes(points):
    assert len({point.name for point in points.POINTS}) == len(points.POINTS)
    for guidance in points.SWEEP.values():
        for point in points.POINTS:
            sampling = point.sampling(BASES[point.family], guidance)
            assert type(sampling).model_validate(sampling.model_dump()) == sampling, point.name


def test_a_point_changes_what_it_names_and_nothing_else(points):
    by_name = {point.name: point for point in points.POINTS}
    base = BASES["hybrid"]
    assert by_name[points.DEFAULT].sampling(base) == base
    off = by_name["hybrid, guidance off on last 3"].sampling(base).model_dump()
    changed = {name for name, value in base.model_dump().items() if off[name] != value}
    assert changed == {"guidance_shape"} and off["guidance_shape"][-3:] == (0.0,) * 3


def test_the_guidance_that_was_chosen_goes_to_guided_points_alone(points):
    chosen = {"guidance": 2.75}
    for point in points.FLOW:
        got = point.sampling(BASES["flow"], chosen).guidance
        assert (got == 2.75) == point.guided, point.name


def test_no_two_points_draw_the_same_by_solvers_that_coincide_in_few_steps(points):
    few = [point for point in points.FLOW if point.settings["steps"] <= 3]
    drawn = Counter()
    for point in few:
        solver, steps = point.settings["solver"], point.settings["steps"]
        plain = "euler" if steps == 1 or solver == "dpmpp_2m" else solver
        drawn[plain, steps, point.settings.get("guidance")] += 1
    assert few and set(drawn.values()) == {1}


def test_a_point_that_draws_what_an_earlier_one_draws_is_left_out(points):
    kept = points.distinct(list(points.POINTS), BASES, {})
    names = [point.name for point in kept]
    assert names[0] == points.DEFAULT and "hybrid, mean residual" not in names, "the default adds the mean already"
    assert "hybrid, guidance off on last 2" not in names and "hybrid, guidance off on last 1" in names
    without = points.distinct(list(points.POINTS), {"gan": BASES["gan"]}, {})
    assert {point.family for point in without} == {"gan"} and len(without) == len(points.GAN)
    assert len(points.distinct([*points.GAN, *points.GAN], BASES, {})) == len(points.GAN)


def test_points_come_the_cheapest_first_after_the_default_and_its_control(points):
    kept = points.distinct(list(points.POINTS), BASES, {})
    assert [point.name for point in kept[:2]] == [points.DEFAULT, points.REDRAWN]
    costs = [points.cost_of(point) for point in kept[2:]]
    assert costs == sorted(costs)
    by_name = {point.name: points.cost_of(point) for point in points.POINTS}
    assert by_name["flow, heun 4"] == 7 / 4 * by_name["flow, euler 4"] == 14.0
    assert by_name["flow, dpmpp_2m 8, no guidance"] * 2 == by_name["flow, dpmpp_2m 8, guidance 1"]


def test_every_concept_comes_once_before_any_comes_again(drawing, sample):
    samples = [sample(number, "validation", cluster=cluster) for number, cluster in enumerate("aabacdb")]
    found = drawing.one_concept_each(samples)
    assert Counter(one.id for one in found) == Counter(one.id for one in samples)
    assert [one.cluster for one in found] == list("abcd" + "ab" + "a")


def test_prompts_are_of_one_style_and_the_reference_holds_all_their_drawings(drawing, sample, tmp_path):
    samples = [sample(number, split, style=style) for number in range(6) for style in STYLES
               for split in ("validation", "train")]  # fmt: skip
    write_samples(tmp_path, samples)
    asked = drawing.ask(tmp_path, "validation", 4)
    captions = [one.caption for one in asked.samples]
    assert len(set(captions)) == 4 and {one.split for one in asked.reference} == {"validation"}
    assert list(asked.reference[:4]) == list(asked.samples)
    assert Counter(one.caption for one in asked.reference) == dict.fromkeys(captions, 2)


def test_seeds_are_those_of_the_prompt_and_the_number(asked):
    one = asked["test_concept"]
    first, again, second = (one.requests(number) for number in (0, 0, 1))
    assert first == again and len({request.seed for request in first}) == len(first)
    assert not {request.seed for request in first} & {request.seed for request in second}
    assert [request.caption for request in first] == [request.caption for request in second]


def test_a_family_without_a_folder_is_left_out(opened, tiny_model):
    assert set(opened) == {"hybrid"} and opened["hybrid"].folder == str(tiny_model)


def test_pictures_in_batches_are_those_drawn_one_by_one_up_to_rounding(opened, drawing, asked):
    model, requests = opened["hybrid"], asked["test_concept"].requests()[:5]
    batched, single = (drawing.draw(model, model.base, requests, batch).astype(int) for batch in (4, 1))
    assert batched.shape == (5, 32, 32, 4) and len(np.unique(batched)) > 10
    assert abs(batched - single).mean() < 0.5


def test_pictures_are_drawn_once_for_all_that_decides_them(opened, drawing, points, asked, tmp_path):
    model = opened["hybrid"]
    short = drawing.Asked(split="test_concept", samples=asked["test_concept"].samples[:3], reference=())
    by_name = {point.name: point for point in points.HYBRID}
    default, other = by_name[points.DEFAULT], by_name["hybrid, no guidance"]
    given = [(default, default.sampling(model.base)), (other, other.sampling(model.base)),
             (by_name[points.REDRAWN], model.base)]  # fmt: skip
    assert drawing.pictures_of(tmp_path, model, *given[0], short, missing=False) is None
    drawn = [drawing.pictures_of(tmp_path, model, point, sampling, short) for point, sampling in given]
    assert not np.array_equal(drawn[0], drawn[1]) and not np.array_equal(drawn[0], drawn[2])
    files = sorted((tmp_path / "pictures").iterdir())
    assert len(files) == 3
    np.save(drawing.place_of(tmp_path, model, default.name, given[0][1], short), np.zeros(3))
    again = drawing.pictures_of(tmp_path, model, *given[0], short, missing=False)
    assert np.array_equal(again, np.zeros(3)), "what lies there is taken"
