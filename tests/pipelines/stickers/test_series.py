from __future__ import annotations

import numpy as np
import pytest

import underpaint
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.planning import Options
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.stickers.series import (
    MOST,
    Series,
    check_same,
    draw_series,
    plan_first,
    series_from,
    series_of,
)
from underpaint.pipelines.stickers.series_folder import draw_series_into

SERIES = Series(first="a cat", others=("a grinning cat", "a crying cat"))


@pytest.fixture(scope="module")
def generator(tiny_model) -> Generator:
    return underpaint.load(tiny_model, engine="torch")


def digests(images) -> list[str]:
    return [image.info["underpaint"].pixel_sha256 for image in images]


def test_a_subject_in_moods_is_a_picture_and_one_for_each_mood():
    series = series_of("a cat", ["happy", "sad", "happy"])
    assert series == Series(first="cat face", others=("grinning cat", "crying cat"), moods=("happy", "sad"))
    assert series.labels == ["cat face", "happy", "sad"]


def test_moods_that_stand_twice_and_blanks_around_words_do_not_count():
    own = [f"with {n} hats" for n in range(MOST - 2)]
    assert len(series_of("a cat", ["sad", "sad"], [*own, f" {own[0]} ", "sad"]).others) == MOST - 1
    assert series_of("a cat", [], [f" {'x' * 200} "]).moods == ("x" * 200,)
    with pytest.raises(InputError, match=rf"the mood '{'x' * 40}\.\.\.' has 201 characters"):
        series_of("a cat", [], ["x" * 201])
    with pytest.raises(InputError, match=f"1 to {MOST - 1} moods, got {MOST}; draw several sheets"):
        series_of("a cat", ["sad", "happy"], own)


def test_moods_that_mean_the_same_picture_count_once():
    own = [f"with {n} hats" for n in range(MOST - 2)]
    same = ["{} with 0 hats", "grinning {}"]
    assert len(series_of("a cat", ["happy"], [*own, *same]).others) == MOST - 1
    with pytest.raises(InputError, match=f"1 to {MOST - 1} moods, got {MOST}; draw several sheets"):
        series_of("a cat", ["happy", "sad"], [*own, *same])


def test_mistakes_are_told_together():
    with pytest.raises(InputError, match="2 mistakes"):
        series_of(" ", ["joyful"])
    with pytest.raises(InputError, match="got 0"):
        series_of("a cat", [])
    with pytest.raises(InputError, match="between 0 and 1, got 2"):
        check_same(2.0)
    with pytest.raises(InputError, match="between 0 and 1"):
        check_same(float("nan"))


def test_rows_of_a_file_are_taken_as_they_are():
    rows = [PromptRow(prompt=text, source="f row") for text in ("a cat", "a dog")]
    assert series_from(rows) == Series(first="a cat", others=("a dog",))
    with pytest.raises(InputError, match=f"must hold 2 to {MOST} prompts for a sheet, got 1; the first"):
        series_from(rows[:1])
    with pytest.raises(InputError, match="one style and one seed"):
        series_from([rows[0], PromptRow(prompt="a dog", seed=3, source="f row 2")])


def test_the_first_picture_is_the_one_drawn_from_words_and_the_others_are_edits_of_it(generator):
    first, *others = draw_series(generator, SERIES, style="flat", seed=5)
    assert digests([first]) == digests(generator.generate("a cat", style="flat", seed=5))
    settings = [image.info["underpaint"] for image in others]
    assert [one.caption for one in settings] == list(SERIES.others)
    assert {one.edit.picture_sha256 for one in settings} == {first.info["underpaint"].pixel_sha256}
    assert {(one.style, one.seed, round(one.edit.strength, 2)) for one in settings} == {("flat", 5, 0.67)}


def test_nothing_in_common_is_each_picture_drawn_from_its_own_words_and_everything_is_one_picture(generator):
    strangers = draw_series(generator, SERIES, seed=5, same=0.0)
    assert digests(strangers) == digests(generator.generate(["a cat", *SERIES.others], seed=5))
    _, one, other = draw_series(generator, SERIES, seed=5, same=1.0)
    assert np.array_equal(np.asarray(one), np.asarray(other))


def test_a_folder_is_gone_on_with_and_the_model_is_loaded_once(generator, tmp_path):
    loaded: list[Generator] = []

    def load() -> Generator:
        loaded.append(generator)
        return generator

    first = plan_first(generator.model, SERIES, Options(seed=5))
    told: list[Progress] = []
    placed = draw_series_into(tmp_path, generator.model, first, SERIES, 0.33, load, report=told.append)
    assert [(one.done, one.total) for one in told] == [(1, 3), (2, 3), (3, 3)]
    assert [one.drawn for one in placed] == [True, True, True] and len(loaded) == 1
    assert [one.settings.pixel_sha256 for one in placed] == digests(draw_series(generator, SERIES, seed=5))
    placed[-1].path.unlink()
    again = draw_series_into(tmp_path, generator.model, first, SERIES, 0.33, load)
    assert [one.drawn for one in again] == [False, False, True] and len(loaded) == 2
    assert [one.path for one in again] == [one.path for one in placed]
