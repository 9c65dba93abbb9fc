from __future__ import annotations

import datetime as dt

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.publication import UNKNOWN_DATE, Publication, dataset_name
from underpaint.stages.data.synthetic.config import SyntheticConfig

SHA256 = "0" * 64
LEAST: dict[type[Publication], dict[str, object]] = {
    FolderConfig: {"name": "mine"},
    SyntheticConfig: {"name": "drawn", "size": 64, "model": "m", "model_sha256": SHA256, "wishes_sha256": SHA256},
}
BOTH = pytest.mark.parametrize("kind", LEAST, ids=lambda kind: kind.__name__)


@BOTH
@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "2026-02-30", "1", ""])
def test_a_date_that_is_no_day_is_refused_with_the_option_that_mends_it(kind: type[Publication], date: str) -> None:
    with pytest.raises(InputError) as refused:
        kind.parse({**LEAST[kind], "date": date}, source="the command")
    assert str(refused.value) == (
        "the command: invalid settings: date: a date is a day of the calendar such as 2026-11-21; give one with "
        f"--date, or none if it is unknown (got {date!r})"
    )


@BOTH
@pytest.mark.parametrize("name", ["My Pictures", "-x", "", "x" * 101, "ä", "a/b", "a\n"])
def test_a_name_that_no_file_should_have_is_refused(kind: type[Publication], name: str) -> None:
    with pytest.raises(InputError, match=r"the command: invalid settings: name: a name has at most 100 .* --name"):
        kind.parse({**LEAST[kind], "name": name}, source="the command")


@BOTH
def test_a_date_is_kept_in_one_spelling(kind: type[Publication]) -> None:
    day = dt.date(2026, 11, 21)
    assert {
        kind.parse({**LEAST[kind], "date": date}, source="").date for date in ("20261121", str(day), "2026-W47-6")
    } == {str(day)}
    assert kind.parse(LEAST[kind], source="").date == UNKNOWN_DATE


def test_a_background_that_is_no_color_is_refused_with_the_option_that_mends_it() -> None:
    with pytest.raises(InputError, match=r"background: a background is 'transparent' or .* --background \(got 'blue'"):
        FolderConfig.parse({"name": "x", "background": "blue"}, source="the command")


@pytest.mark.parametrize("text", ["My Pictures", "-x.", "Bäume (2)", "x" * 200, "a.b-c_d", "...", "ß", ""])
def test_any_text_becomes_a_name_that_is_allowed_and_stays_it(text: str) -> None:
    name = dataset_name(text, otherwise="pictures")
    assert FolderConfig.parse({"name": name}, source="").name == name == dataset_name(name, otherwise="other")
