from __future__ import annotations

from typing import Any

import pytest

from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.batching.compatibility import batch_key
from underpaint.stages.serve.queue.job import Submission


def settings(**others: Any) -> Settings:
    asked = {"prompt": "a cat", "caption": "a cat", "seed": 1, "size": "64x64", "model": "m", "version": "1"}
    return Settings.model_validate({**asked, "model_sha256": "a" * 64, **others})


@pytest.mark.parametrize("others", [{"caption": "a dog"}, {"seed": 2}, {"style": "flat"}, {"background": "#ffffff"}])
def test_pictures_that_differ_in_what_is_each_ones_own_go_together(others: dict[str, Any]) -> None:
    assert batch_key(settings(**others)) == batch_key(settings())


@pytest.mark.parametrize(
    "others",
    [{"guidance": 2.0}, {"temperature": 0.5}, {"steps": 4}, {"size": "32x32"}, {"model_sha256": "b" * 64}],
)
def test_pictures_that_differ_in_what_is_the_batchs_do_not(others: dict[str, Any]) -> None:
    assert batch_key(settings(**others)) != batch_key(settings())
    assert batch_key(settings(), kind="edit") != batch_key(settings())


def test_equal_keys_are_equal_numbers() -> None:
    asked = [settings(guidance=g, steps=s) for g in (None, 0, 0.0, 1, 1.5) for s in (None, 0, 1)]
    for left in asked:
        for right in asked:
            assert (batch_key(left) == batch_key(right)) == (left.request.numbers == right.request.numbers)


def test_a_job_can_carry_the_key() -> None:
    Submission(owner="ann", request={}, batch_key=batch_key(settings(guidance=1.23456789012345678)))
