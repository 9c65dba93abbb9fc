from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from underpaint.stages.evaluate.drawing.subjects import request_of
from underpaint.stages.evaluate.drawing.wishes import Wish


@pytest.fixture(scope="module")
def three_decodes(load_benchmark) -> ModuleType:
    return load_benchmark("three_decodes")


def test_the_subjects_draw_what_the_pipeline_calls_its_three_decodes(three_decodes: ModuleType) -> None:
    wish = Wish(image_id="", part="main", prompt_id="", prompt="red apple", style="flat", seed=3, cluster="")
    subjects = three_decodes.decodes(None)
    drawn = {name: next(iter(subjects[name].draw([wish]))) for name in ("tokens alone", "mean residual", "2 steps")}
    request = request_of(wish, subjects["2 steps"].sampling)
    same = subjects["2 steps"].generator.pipeline.decodes([request], 2)
    for name, other in (("tokens alone", "tokens"), ("mean residual", "mean"), ("2 steps", "sampled")):
        np.testing.assert_array_equal(drawn[name], same[other][0])
    assert len({picture.tobytes() for picture in drawn.values()}) == 3


def test_the_decodes_are_kept_apart_in_caches(three_decodes: ModuleType) -> None:
    identities = [subject.identity for subject in three_decodes.decodes(None).values()]
    assert len(set(identities)) == len(identities) == 5


def test_rows_of_the_strip_are_spread_over_all_prompts(three_decodes: ModuleType) -> None:
    assert three_decodes.spread_out(9, 3).tolist() == [0, 4, 8]
    assert three_decodes.spread_out(2, 8).tolist() == [0, 1]
