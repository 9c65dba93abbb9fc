from __future__ import annotations

from itertools import pairwise

import pytest
from pydantic import ValidationError

from underpaint.pipelines.hybrid_config import HybridConfig, cooling, ramp


@pytest.mark.parametrize(("scales", "off_last"), [(4, 1), (6, 2), (5, 1), (3, 0)])
def test_guidance_rises_over_every_scale_that_is_meant_to_be_guided_and_is_off_on_the_last(scales, off_last):
    shape = ramp(scales, off_last)
    guided = scales - off_last
    assert len(shape) == scales and shape[guided:] == (0.0,) * off_last
    assert shape[guided - 1] == 1.0 and shape[0] == pytest.approx(1.0 / guided)
    assert all(a < b for a, b in pairwise(shape[:guided]))


def test_temperatures_stay_warm_and_then_fall_evenly_to_the_last():
    assert cooling(6, 0.4) == pytest.approx((1.0, 1.0, 1.0, 0.8, 0.6, 0.4))
    assert cooling(3, 0.5, warm=2) == (1.0, 1.0, 0.5)
    assert cooling(3, 0.5) == (1.0, 1.0, 1.0)


def test_the_share_of_probability_is_one_number_or_one_a_scale():
    given = {"styles": ("flat",), "guidance_shape": (1.0, 0.0), "temperatures": (1.0, 1.0)}
    assert HybridConfig(**given, top_p=0.9).top_p_at(1) == 0.9
    assert HybridConfig(**given, top_p=(0.9, 0.8)).top_p_at(1) == 0.8
    with pytest.raises(ValidationError, match="one number or one for each of 2 scales"):
        HybridConfig(**given, top_p=(0.9, 0.8, 0.7))
    for none in (0.0, -3.0, 1.5, (0.9, 0.0)):
        with pytest.raises(ValidationError, match=r"greater than 0|less than or equal to 1"):
            HybridConfig(**given, top_p=none)
