"""How words are read, over HTTP, while somebody still writes them: alone, or as moods of a subject."""

from __future__ import annotations

PATH = "/api/v1/prompts/check"


def readings(at, prompts, **more):
    answer = at.post(PATH, json={"prompts": prompts, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_prompts_are_read_in_their_order(at):
    known, unknown = readings(at, ["a red heart", "an axolotl"])
    assert known == {"unread": "", "unknown": [], "is_foreign": False, "trouble": None}
    assert unknown["unknown"] == ["axolotl"]


def test_a_mood_is_read_as_the_words_of_its_picture(at):
    filled, named, cut = readings(at, ["{} with a hat", "an axolotl", "very " * 30], subject="a kitten")
    (alone,) = readings(at, ["kitten " + "very " * 30])
    assert (filled["unknown"], named["unknown"]) == ([], ["axolotl"])
    assert cut["unread"] == alone["unread"] != readings(at, ["very " * 30])[0]["unread"]


def test_nothing_is_said_of_a_mood_that_is_true_of_its_subject_already(at):
    (said,) = readings(at, ["with an axol and a blorptang"], subject="an axolotl")
    assert said["unknown"] == ["axol", "blorptang"]
    assert readings(at, ["mit einem Hut"], subject="eine Katze")[0]["is_foreign"] is False
    assert readings(at, ["mit einem Hut und einer Katze"], subject="a cat")[0]["is_foreign"] is True
    assert readings(at, ["{} with a hat"], subject="very " * 30)[0]["unread"] == ""


def test_a_subject_that_is_not_there_yet_adds_nothing(at):
    assert readings(at, ["with an axolotl"], subject="") == readings(at, ["with an axolotl"])


def test_what_cannot_be_read_is_placed_in_the_line_that_was_written(at):
    for subject in ("a smiling cat", "", None):
        (told,) = readings(at, ["hi 麒麟"], subject=subject)
        assert "'麒' (U+9E92 CJK UNIFIED IDEOGRAPH-9E92) at position 4, which the model cannot read" in told["trouble"]
    of_both, of_subject = readings(at, ["hi 麒麟", "with a hat"], subject="麒麟")
    assert of_both["trouble"] is of_subject["trouble"] is None


def test_moods_that_mean_the_same_picture_are_named_by_the_first_that_does(at):
    own = ["{} with a hat", "grinning {}", "with a hat", "with a tie", "sad", " with a tie", "sad"]
    asked = {"prompts": own, "subject": "a cat", "moods": ["sad", "happy"]}
    told = at.post(PATH, json=asked).json()["same_as"]
    assert told == [None, "happy", "{} with a hat", None, "sad", "with a tie", "sad"]
    assert at.post(PATH, json={"prompts": ["a cat", "a cat"]}).json()["same_as"] == [None, None]
    sheet = at.post("/api/v1/sheets", json={"subject": "a cat", "moods": asked["moods"], "own": own}).json()
    assert sheet["counts"]["total"] == 1 + len(asked["moods"]) + told.count(None)


def test_a_named_mood_that_has_no_words_is_refused(at):
    answer = at.post(PATH, json={"prompts": ["with a hat"], "subject": "a cat", "moods": ["jolly"]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "moods")


def test_a_subject_longer_than_a_sheet_takes_is_refused(at):
    answer = at.post(PATH, json={"prompts": ["sad"], "subject": "x" * 201})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "subject")
