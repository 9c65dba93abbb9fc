from __future__ import annotations

import pytest

from underpaint.core.errors import InputError
from underpaint.pipelines.limits import LIMITS, whole_within, within
from underpaint.pipelines.settings import Settings


@pytest.mark.parametrize("name", LIMITS)
def test_both_ends_are_allowed_and_what_lies_beyond_is_not(name):
    low, high = LIMITS[name].low, LIMITS[name].high
    assert (within(low, name), within(high, name)) == (low, high)
    for value in (low - 1, high + 1, float("nan")):
        with pytest.raises(InputError, match=f"{name} must .*between {low} and {high}, got "):
            within(value, name)


@pytest.mark.parametrize(("given", "meant"), [("7", 7), (" 7 ", 7), ("+7", 7), (7, 7), (7.0, 7)])
def test_a_whole_number_may_be_a_number_or_its_digits(given, meant):
    assert whole_within(given, "seed") == meant


@pytest.mark.parametrize("given", ["", "7.5", "seven", "1_0", 7.5, True, None, [7], float("inf"), "-1", "9" * 20])
def test_what_is_no_whole_number_is_refused(given):
    with pytest.raises(InputError, match="seed must be a whole number between 0 and 9007199254740991"):
        whole_within(given, "seed")


@pytest.mark.parametrize("name", ["seed", "guidance", "temperature", "steps"])
def test_settings_hold_what_may_be_asked_for(name):
    values = {"prompt": "a", "caption": "a", "seed": 0, "size": "1x1", "model": "m", "version": "0"}
    given = {**values, "model_sha256": "0" * 64, name: LIMITS[name].high}
    assert getattr(Settings.parse(given, source="test"), name) == LIMITS[name].high
    with pytest.raises(InputError, match=name):
        Settings.parse(given | {name: LIMITS[name].high + 1}, source="test")
