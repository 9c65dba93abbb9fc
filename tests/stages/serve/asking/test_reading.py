"""How prompts are read: the end that is cut is the one that drawing cuts, words in pieces are told."""

from __future__ import annotations

import shutil

import pytest

import underpaint
from underpaint.pipelines.opening import open_model
from underpaint.stages.serve.asking.reading import Reader, Readers, Reading, reader_of


@pytest.fixture(scope="module")
def reader() -> Reader:
    found = reader_of(open_model(None))
    assert found is not None
    return found


def test_what_is_beyond_the_longest_text_is_what_the_model_does_not_read(reader):
    generator = underpaint.load()
    for prompt in ("a cat", "a very " * 11 + "big cat", "a very " * 30 + "big axolotl", "x" * 80 + " cat"):
        assert reader.read(prompt).unread == generator.unread(prompt), prompt


@pytest.mark.parametrize(
    "prompt",
    ["a red heart", "a jellyfish with sunglasses", "smiling cat with heart-eyes", "two sparkly cupcakes", "🐱"],
)
def test_nothing_is_said_of_plain_english(reader, prompt):
    assert not reader.read(prompt), reader.read(prompt)


def test_words_that_are_put_together_from_pieces_are_told_each_once(reader):
    assert reader.read("an axolotl and a blorptang, an axolotl").unknown == ("axolotl", "blorptang")


@pytest.mark.parametrize(
    "prompt",
    ["eine rote Katze", "un gato rojo con sombrero", "katze herz blume", "une chat avec un chapeau", "een rode kat"],
)
def test_another_language_is_noticed(reader, prompt):
    assert reader.read(prompt).is_foreign


@pytest.mark.parametrize(
    "prompt",
    [
        *("i've got a red heart", "a cat i\u2019ve seen", "a jester's hat", "they aren't sad", "a con artist"),
        *("los angeles skyline", "les paul guitar", "med student", "capybara meme", "big sur at sunset"),
        *("von neumann", "a comic-con badge", "an mit student", "uno cards", "a dog named una"),
    ],
)
def test_english_is_not_called_another_language(reader, prompt):
    assert not reader.read(prompt).is_foreign


@pytest.mark.parametrize("prompt", ["i've got a red heart", "a clown's hat", "they aren't sad"])
def test_an_apostrophe_does_not_cut_a_word(reader, prompt):
    assert not reader.read(prompt)


def test_letters_that_have_no_counterpart_are_told_in_the_words_of_the_refusal(reader):
    found = reader.read("кошка и 猫")
    assert found.trouble is not None and not found.unknown
    assert reader.read("").trouble is not None


def test_there_is_nothing_to_say_of_an_empty_reading():
    assert not Reading() and Reading(unread="cat") and Reading(is_foreign=True)


def test_a_model_whose_files_cannot_be_read_for_a_moment_is_told_of_afterwards(tiny_model, tmp_path):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    model, readers = open_model(folder), Readers()
    for part in ("text_tokenizer", "text_encoder"):
        (folder / part).rename(folder / "away")
        assert list(readers.read(model, ["zzyzx"])) == [Reading()]
        (folder / "away").rename(folder / part)
    assert [reading.unknown for reading in readers.read(model, ["zzyzx"])] == [("zzyzx",)]


def test_a_model_with_a_tokenizer_of_its_own_kind_is_looked_at_once(tiny_model, tmp_path):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    model, readers = open_model(folder), Readers()
    (folder / "text_encoder" / "config.json").write_text("{}")
    assert readers.of(model) is None
    shutil.copy(tiny_model / "text_encoder" / "config.json", folder / "text_encoder")
    assert readers.of(model) is None and Readers().of(model) is not None


def test_a_model_that_shares_its_words_reads_as_the_one_that_it_shares_them_with(sharing_model):
    shared, whole = (reader_of(open_model(name)) for name in ("doubled", "stickers-64"))
    assert shared is not None and whole is not None
    for prompt in ("zzyzx", "a very " * 11 + "big cat"):
        assert shared.read(prompt) == whole.read(prompt)
