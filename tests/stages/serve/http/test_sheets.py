"""Sheets over HTTP: a subject in its moods, drawn once whatever happens, the same pictures as by the command."""

from __future__ import annotations

import pytest
from PIL import Image

import underpaint
from underpaint.core.config import digest_of
from underpaint.pipelines.marks import mark_for
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.picture_file import pixel_digest
from underpaint.pipelines.planning import Options
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.stickers.moods import MOODS, USUAL
from underpaint.pipelines.stickers.series import SAME, plan_first, series_from, series_of
from underpaint.pipelines.stickers.series_folder import draw_series_into
from underpaint.stages.serve.sheets.request import SheetRequest

PATH = "/api/v1/sheets"


def test_a_sheet_has_the_pixels_that_the_command_gives(at, tmp_path, over):
    moods = ["in-love", "sad", "cool"]
    answer = at.post(PATH, json={"subject": "a cat", "moods": moods, "seed": 4, "style": "gradient"})
    assert answer.status_code == 202, answer.text
    assert [one["mood"] for one in answer.json()["pictures"]] == [None, *moods]
    done = over(at, f"{PATH}/{answer.json()['id']}")
    assert (done["status"], done["counts"]) == ("completed", {"total": 4, "completed": 4, "failed": 0})
    series = series_of("a cat", moods)
    assert [one["prompt"] for one in done["pictures"]] == [series.first, *series.others]
    model = open_model(None)
    first = plan_first(model, series, Options(style="gradient", seed=4))
    marked = first.model_copy(update={"watermark": mark_for("public")})
    placed = draw_series_into(tmp_path, model, marked, series, SAME, underpaint.load)
    by_command = [pixel_digest(Image.open(one.path)) for one in placed]
    assert [one["image"]["pixel_sha256"] for one in done["pictures"]] == by_command
    in_gallery = [at.get(f"/api/v1/gallery/{one['image']['pixel_sha256']}").json() for one in done["pictures"]]
    first = done["pictures"][0]["image"]["pixel_sha256"]
    assert [one["parent"] for one in in_gallery] == [None, first, first, first]


def test_a_sheet_in_words_of_ones_own_has_the_pixels_of_the_commands_file_of_words(at, tmp_path, over):
    asked = {"subject": "a cat", "moods": ["sad"], "own": ["with a party hat"], "seed": 4}
    done = over(at, f"{PATH}/{at.post(PATH, json=asked).json()['id']}")
    assert [one["mood"] for one in done["pictures"]] == [None, "sad", "with a party hat"]
    words = ["cat face", "crying cat", "cat with a party hat"]
    assert [one["prompt"] for one in done["pictures"]] == words
    series = series_from([PromptRow(prompt=one) for one in words])
    model = open_model(None)
    first = plan_first(model, series, Options(seed=4)).model_copy(update={"watermark": mark_for("public")})
    placed = draw_series_into(tmp_path, model, first, series, SAME, underpaint.load)
    by_command = [pixel_digest(Image.open(one.path)) for one in placed]
    assert [one["image"]["pixel_sha256"] for one in done["pictures"]] == by_command


def test_all_mistakes_of_a_sheet_come_in_one_answer(at):
    error = at.post(PATH, json={"subject": " ", "moods": ["sad", "jolly"], "style": "oil"}).json()["error"]
    assert (error["param"], error["code"]) == ("subject", "invalid_value")
    assert error["message"].startswith("3 mistakes: (1) the subject is empty; ")
    assert "no mood 'jolly'" in error["message"] and "'oil'" in error["message"]
    asked = {"subject": "a cat", "moods": ["sad"], "own": ["with a hat", "with a sw4stika"]}
    alone = at.post(PATH, json=asked).json()["error"]
    assert (alone["param"], alone["code"]) == ("own", "moderation_blocked")
    assert alone["message"].startswith("'with a sw4stika': ")


def test_a_line_of_ones_own_is_named_as_its_writer_sees_it_with_all_else_that_is_wrong(at):
    own = ["with a hat", "x" * 230, "in\ttabs", "with a hat", ""]
    error = at.post(PATH, json={"subject": "a cat", "own": own, "style": "oil"}).json()["error"]
    assert error["param"] == "own.1"
    assert error["message"].startswith(
        "3 mistakes: (1) line 2 of your own moods has 230 characters; at most 200 fit; (2) line 3 of your own moods "
        "holds the character '\\t'; write it as one line of words; (3) unknown style 'oil'"
    )
    error = at.post(PATH, json={"subject": "a cat", "own": [f"with {n} hats" for n in range(33)]}).json()["error"]
    assert error["param"] == "own" and "a sheet has 1 to 32 moods, got 33; take some away" in error["message"]


def test_a_wrong_form_of_a_sheet_is_told_with_all_that_is_wrong_besides(at):
    asked = {"subjekt": "a cat", "same": 2, "style": "oil", "moods": ["jolly"], "own": ["x" * 201]}
    error = at.post(PATH, json=asked).json()["error"]
    assert error["message"].startswith("6 mistakes: ") and error["code"] == "missing_field"
    for words in (
        "the field 'subject' is missing",
        "did you mean 'subject'?",
        "same must be less than or equal to 1",
        "unknown style 'oil'",
        "no mood 'jolly'",
        "line 1 of your own moods has 201 characters",
    ):
        assert words in error["message"]
    nobody = at.post(PATH, json={"subject": 3, "model": "nobody", "style": "oil"}).json()["error"]
    assert nobody["param"] == "subject" and "oil" not in nobody["message"]


def test_every_line_of_ones_own_is_looked_at_and_no_mistake_is_made_up(at):
    late = at.post(PATH, json={"subject": "a cat", "moods": [], "own": [""] * 32 + ["with\na hat"]}).json()["error"]
    assert late["param"] == "own.32" and "line 33 of your own moods" in late["message"]
    formless = at.post(PATH, json={"subject": "a cat", "moods": [], "own": [3]}).json()["error"]
    assert formless["param"].startswith("own") and "moods, got 0" not in formless["message"]


def test_moods_are_named_however_they_are_written_and_all_unknown_ones_are_told(at):
    asked = {"subject": "a cat", "moods": ["sad"], "own": [" with a sw4stika"]}
    alone = at.post(PATH, json=asked).json()["error"]
    assert alone["param"] == "own" and alone["message"].startswith("'with a sw4stika': ")
    error = at.post(PATH, json={"subject": "a cat", "moods": ["jolly", "grumpy"]}).json()["error"]
    assert error["param"] == "moods" and "no mood 'jolly' or 'grumpy'" in error["message"]


def test_a_sheet_without_words_of_ones_own_has_the_digest_that_it_had_before_there_were_any():
    sheet = SheetRequest(subject="a cat", moods=["sad"])
    before = {name: value for name, value in sheet.model_dump(mode="json").items() if name != "own"}
    assert digest_of(before) == sheet.digest() != SheetRequest(subject="a cat", moods=["sad"], own=["x"]).digest()


def test_a_sheet_is_drawn_once_under_its_key_and_another_is_refused(at, over):
    headers = {"idempotency-key": "one"}
    asked = {"subject": "a dog", "moods": ["happy"]}
    first = at.post(PATH, json=asked, headers=headers)
    again = at.post(PATH, json=asked, headers=headers)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"] and first.json()["seed"] == again.json()["seed"]
    for others in (["sad"], ["jolly"]):
        assert at.post(PATH, json={**asked, "moods": others}, headers=headers).status_code == 409
    over(at, f"{PATH}/{first.json()['id']}")
    assert at.get(PATH, params={"limit": 1}).json()["data"][0]["id"] == first.json()["id"]


def test_sheets_are_neither_lists_nor_batches(at, over):
    name = at.post(PATH, json={"subject": "a fox", "moods": ["happy"]}).json()["id"]
    over(at, f"{PATH}/{name}")
    for path in ("/api/v1/batch-list", "/v1/batches"):
        assert name not in [one["id"] for one in at.get(path, params={"limit": 100}).json()["data"]]
    assert at.get(f"/api/v1/batch-list/{name}").status_code == 404
    assert at.get(f"{PATH}/batch_nothing").json()["error"]["code"] == "sheet_not_found"


def test_a_sheet_whose_server_is_killed_goes_on_and_draws_nothing_twice(start_server, tmp_path, over):
    killed = start_server(tmp_path).wait_until_ready()
    with killed.client() as client:
        client.post("/api/v1/queue/pause")
        name = client.post(PATH, json={"subject": "a cat", "moods": ["happy", "sad"]}).json()["id"]
    killed.end(9)
    server = start_server(tmp_path).wait_until_ready()
    with server.client(timeout=120) as client:
        assert client.get(f"{PATH}/{name}").json()["finished_at"] is None
        client.post("/api/v1/queue/resume")
        done = over(client, f"{PATH}/{name}")
        assert done["counts"] == {"total": 3, "completed": 3, "failed": 0}
        assert len(client.get("/api/v1/jobs").json()["data"]) == 3


def test_a_sheet_whose_first_picture_is_cancelled_says_so_and_draws_no_more(at, eventually, over):
    at.post("/api/v1/queue/pause")
    try:
        name = at.post(PATH, json={"subject": "a bear", "moods": ["happy"]}).json()["id"]
        job = eventually(lambda: at.get(f"{PATH}/{name}").json()["pictures"][0]["job"])
        at.post(f"/api/v1/jobs/{job}/cancel")
        done = over(at, f"{PATH}/{name}")
    finally:
        at.post("/api/v1/queue/resume")
    assert done["status"] == "failed" and "it was cancelled" in done["error"]
    assert [one["state"] for one in done["pictures"]] == ["cancelled", "waiting"]


def test_a_sheet_is_cancelled_before_its_first_picture(at, over):
    at.post("/api/v1/queue/pause")
    try:
        name = at.post(PATH, json={"subject": "a panda"}).json()["id"]
        assert at.post(f"{PATH}/{name}/cancel").json()["status"] in ("cancelling", "cancelled")
        done = over(at, f"{PATH}/{name}")
    finally:
        at.post("/api/v1/queue/resume")
    assert done["status"] == "cancelled" and len(done["pictures"]) == 1 + len(USUAL)
    assert at.post(f"{PATH}/{name}/cancel").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "subject"),
        ({"subject": "  "}, 400, "subject"),
        ({"subject": "a cat", "moods": ["jolly"]}, 400, "moods"),
        ({"subject": "a cat", "moods": []}, 400, "moods"),
        ({"subject": "a cat", "moods": [], "own": [" "]}, 400, "moods"),
        ({"subject": "a cat", "own": ["x" * 201]}, 400, "own.0"),
        ({"subject": "a cat", "same": 1.5}, 400, "same"),
        ({"subject": "a cat", "style": "oil"}, 400, "style"),
        ({"subject": "a swastika"}, 400, "subject"),
        ({"subject": "a cat", "model": "nobody"}, 404, "model"),
        ({"subject": "a cat", "paper": "a4"}, 400, "paper"),
    ],
)
def test_what_is_no_sheet_is_refused(at, body, status, param):
    answer = at.post(PATH, json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text


def test_the_capabilities_name_every_mood(client):
    moods = client.get("/api/v1/capabilities").json()["moods"]
    assert [one["name"] for one in moods] == list(MOODS)
    assert [one["name"] for one in moods if one["is_usual"]] == [mood for mood in MOODS if mood in USUAL]
