"""What a sheet is made of: a picture for each mood, in words of its own, whoever it is of."""

from __future__ import annotations

import pytest

from underpaint.core.errors import FieldError
from underpaint.pipelines.stickers.moods import MOODS, first_words, words_of
from underpaint.pipelines.stickers.own_moods import own_words
from underpaint.pipelines.stickers.series import series_of
from underpaint.stages.serve.batches.kinds import SHEETS
from underpaint.stages.serve.sheets.handing_in import seed_of
from underpaint.stages.serve.sheets.plan import MOST_MOODS, SheetPlan, pictures_of


@pytest.mark.parametrize("subject", ["a smiling face", "a cat", "a woman", "a purple dragon"])
def test_every_mood_has_words_of_its_own(subject):
    pictures = pictures_of(subject, list(MOODS))
    assert [one.mood for one in pictures] == [None, *MOODS] and pictures[0].prompt == first_words(subject)
    assert len({one.prompt for one in pictures[1:]}) == len(MOODS)


def test_a_mood_that_is_named_twice_is_drawn_once():
    assert [one.mood for one in pictures_of("a cat", ["sad", "happy", "sad"])] == [None, "sad", "happy"]


def test_moods_that_mean_the_same_picture_are_drawn_once_and_count_once_as_by_the_command():
    own = ["grinning {}", "{} with 0 hats", " with 0 hats", "with 1 hat"]
    drawn, series = pictures_of("a cat", ["happy"], own), series_of("a cat", ["happy"], own)
    assert [one.mood for one in drawn] == [None, "happy", "{} with 0 hats", "with 1 hat"]
    assert [one.prompt for one in drawn] == [series.first, *series.others]
    assert [one.mood for one in drawn[1:]] == [*series.moods]
    hats = [f"with {n} hats" for n in range(MOST_MOODS)]
    assert len(pictures_of("a cat", [], [*hats, *(f"{{}} {one}" for one in hats)])) == 1 + MOST_MOODS


def test_the_name_of_a_mood_among_words_of_ones_own_means_that_mood_as_by_the_command():
    own = ["happy", "Sad", "happy cat", "in-love"]
    drawn, series = pictures_of("a cat", ["in-love"], own), series_of("a cat", ["in-love"], own)
    words = [words_of("a cat", "in-love"), words_of("a cat", "happy"), words_of("a cat", "sad"), "happy cat"]
    assert [one.prompt for one in drawn[1:]] == [*series.others] == words
    assert [one.mood for one in drawn[1:]] == [*series.moods] == ["in-love", "happy", "Sad", "happy cat"]


@pytest.mark.parametrize(
    ("subject", "words", "prompt"),
    [
        ("a cat", "with a hat", "cat with a hat"),
        ("a cat", "{} with a hat", "cat with a hat"),
        ("a cat", "a sleepy Cat in bed", "a sleepy Cat in bed"),
        ("a cat", "on a catapult", "cat on a catapult"),
        ("a smiling face", "an angry face", "an angry face"),
        ("a T-rex", "a T-rex in the rain", "a T-rex in the rain"),
        ("a hot-dog", "a hot-dog with a hat", "a hot-dog with a hat"),
        ("a cat!", "a cat in the rain", "a cat in the rain"),
        ("a robot (red)", "a robot with a hat", "a robot with a hat"),
        ("a woman with a hat", "in the rain, without a hat", "woman with a hat in the rain, without a hat"),
        ("a woman with a hat", "a woman in the rain", "a woman in the rain"),
        ("\N{CAT}", "with a hat", "\N{CAT} with a hat"),
        ("a cat \N{CAT}", "with a hat", "cat \N{CAT} with a hat"),
        ("a purple dragon", "{} and another {}", "purple dragon and another purple dragon"),
    ],
)
def test_words_of_ones_own_are_of_the_subject_however_they_are_written(subject, words, prompt):
    assert own_words(subject, words) == prompt
    drawn = pictures_of(subject, ["sad"], [words, " ", words, "happy"])
    assert [one.mood for one in drawn] == [None, "sad", words, "happy"]
    assert [one.prompt for one in drawn[2:]] == [prompt, words_of(subject, "happy")]


def test_a_sheet_has_as_many_moods_as_fit_whoever_says_them():
    assert len(pictures_of("a cat", [], [f"with {n} hats" for n in range(MOST_MOODS)])) == 1 + MOST_MOODS
    for own in ([], [f"with {n} hats" for n in range(MOST_MOODS + 1)]):
        with pytest.raises(FieldError, match="1 to 32 moods"):
            pictures_of("a cat", [], own)


def test_what_differs_from_the_first_picture_is_words_and_how_much_stays():
    plan = SheetPlan(
        subject="a cat",
        pictures=pictures_of("a cat", ["sad"]),
        model="r-0",
        style="flat",
        seed=7,
        guidance=None,
        same=0.25,
    )
    first, (other,) = plan.first().model_dump(), plan.others()
    assert other.strength == 0.75 and other.prompt != first["prompt"]
    alike = other.model_dump(exclude={"prompt", "strength", "input_fidelity", "seam"})
    assert alike == {name: value for name, value in first.items() if name != "prompt"}


def test_the_same_key_is_the_same_sheet_with_the_same_seed():
    assert SHEETS.id_of("ann", "k") == SHEETS.id_of("ann", "k") != SHEETS.id_of("ben", "k")
    assert SHEETS.id_of("ann", None) != SHEETS.id_of("ann", None)
    assert seed_of("sheet_1") == seed_of("sheet_1") != seed_of("sheet_2")


@pytest.mark.parametrize(("subject", "moods", "param"), [(" ", ["sad"], "subject"), ("a cat", ["jolly"], "moods")])
def test_what_has_no_words_is_refused(subject, moods, param):
    with pytest.raises(FieldError) as refused:
        pictures_of(subject, moods)
    assert refused.value.param == param
