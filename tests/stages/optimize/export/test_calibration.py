from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.errors import InputError
from underpaint.core.text import canonicalize
from underpaint.pipelines.model_folder import Model, open_model
from underpaint.pipelines.prompts import PromptRow
from underpaint.stages.optimize.export import check
from underpaint.stages.optimize.export.calibration import CAPTIONS, LEAST_PICTURES, LEAST_PROMPTS, plan_calibration


@pytest.fixture
def model(tiny_model: Path) -> Model:
    return open_model(tiny_model)


def rows(number: int, **values: object) -> list[PromptRow]:
    return [PromptRow.parse({"prompt": f"cat {index}", **values}, source="here") for index in range(number)]


def test_the_list_that_comes_along_is_enough_and_is_not_what_exports_are_checked_with(model: Model):
    found = plan_calibration(model, None, None)
    assert found.prompts == len(CAPTIONS) == len(set(CAPTIONS)) >= LEAST_PROMPTS
    assert len(found.requests) >= LEAST_PICTURES and len(set(found.requests)) == len(found.requests)
    assert {request.style for request in found.requests} == {None, *model.styles}
    assert all(canonicalize(caption) == caption for caption in CAPTIONS)
    assert not set(CAPTIONS) & set(check.CAPTIONS)


def test_prompts_are_drawn_as_often_as_it_takes(model: Model):
    assert len(plan_calibration(model, rows(17), None).requests) == 4 * 17
    assert len(plan_calibration(model, rows(16, n=4), None).requests) == 64
    assert {r.style for r in plan_calibration(model, rows(16, style="flat"), None).requests} == {"flat"}


def test_too_few_prompts_or_pictures_are_refused_with_what_is_missing(model: Model):
    with pytest.raises(InputError, match="at least 16 different prompts, got 15; add 1 to the file"):
        plan_calibration(model, rows(15), None)
    with pytest.raises(InputError, match="at least 16 different prompts, got 1;"):
        plan_calibration(model, [PromptRow(prompt="a cat")] * 64, None)
    with pytest.raises(InputError, match="at least 64 pictures, got 48; raise the column n"):
        plan_calibration(model, rows(16, n=3), None)


def test_a_mistake_in_the_file_is_named_with_its_row(model: Model):
    with pytest.raises(InputError, match=r"p\.csv, row 3.*oil"):
        plan_calibration(model, [*rows(20), PromptRow(prompt="x", style="oil", source="p.csv, row 3")], None)


def test_the_digest_is_that_of_the_pictures(model: Model):
    first = plan_calibration(model, rows(16), None)
    assert first.digest == plan_calibration(model, rows(16), None).digest
    others = [plan_calibration(model, rows(17), None), plan_calibration(model, rows(16, style="flat"), None)]
    others += [plan_calibration(model, rows(16, seed=5), None), plan_calibration(model, rows(16), 2)]
    assert len({first.digest, *(other.digest for other in others)}) == 5


def test_what_is_measured_with_was_not_calibrated_with(model: Model):
    found = plan_calibration(model, None, None)
    others = found.others(16)
    assert len({request.caption for request in others}) == 16
    assert not {request.seed for request in others} & {request.seed for request in found.requests}
    assert len({request.seed for request in others}) == 16
