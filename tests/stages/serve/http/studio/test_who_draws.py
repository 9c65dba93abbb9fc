"""Who draws: every view that draws offers the models of the server in the same words, and none where there is one."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

expect = pytest.importorskip("playwright.sync_api").expect
DRAWING = ("create", "moods", "edit", "lists", "compare")
"""The views that draw."""


@pytest.fixture(scope="module")
def several(start_server, tiny_model, tmp_path_factory) -> Any:
    """A server of both shipped models, and of a third with other styles."""
    named = ["-m", "stickers-64", "-m", "stickers-128", "-m", f"tiny={tiny_model}"]
    return start_server(tmp_path_factory.mktemp("several-state"), *named).wait_until_ready()


def bring(studio, data):
    """Lay a PNG on the easel."""
    given = {"name": "mine.png", "mimeType": "image/png", "buffer": data}
    studio.page.locator(".edit input[type=file]").set_input_files(given)
    studio.page.get_by_role("textbox", name="What shall it become?").wait_for()


def shown(studio, view):
    """Bring a view to where its choice is in sight, and return all choices of who draws."""
    if view == "edit" and studio.page.locator(".edit-start").is_visible():
        image = Image.new("RGBA", (64, 64), (220, 60, 40, 255))
        image.save(file := io.BytesIO(), "PNG")
        bring(studio, file.getvalue())
    folds = studio.page.locator("details", has=studio.page.get_by_text("More settings"))
    folds.evaluate_all("folds => folds.forEach(fold => (fold.open = true))")
    return studio.page.get_by_role("combobox", name="Who draws")


def chosen(studio, view, name):
    """Choose who draws."""
    shown(studio, view).select_option(name)
    return studio


def styles(studio):
    return studio.page.get_by_role("group", name="Style").get_by_role("radio").count()


def last_job(studio):
    return studio.jobs()[-1]["request"]


def releases(studio):
    models = studio.page.evaluate("fetch('/api/v1/capabilities').then(answer => answer.json())")["models"]
    return {model["name"]: model["release"] for model in models}


@pytest.mark.slow
@pytest.mark.parametrize("view", DRAWING)
def test_where_a_server_has_several_models_each_view_that_draws_has_the_choice_and_else_none(
    open_studio, several, view
):
    studio = open_studio(view, server=several)
    choices = shown(studio, view)
    expect(choices).to_have_count(2 if view == "compare" else 1)
    assert choices.first.locator("option").all_inner_texts() == ["stickers-64", "stickers-128", "tiny"]
    expect(choices.first).to_have_value("stickers-64")
    assert studio.faults() == []
    expect(shown(open_studio(view), view)).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("view", ["moods", "edit", "lists"])
def test_the_styles_are_those_of_who_draws_and_the_choice_outlasts_a_reload(open_studio, several, view):
    studio = open_studio(view, server=several)
    usual = styles(chosen(studio, view, "stickers-128"))
    studio.page.get_by_role("radio", name="Line art").check()
    shown(studio, view).select_option("tiny")
    expect(studio.page.get_by_role("radio", name="Any")).to_be_checked()
    assert 0 < styles(studio) != usual
    expect(studio.page.get_by_role("radio", name="Line art")).to_have_count(0)
    studio.page.reload()
    studio.page.wait_for_selector("html[data-ready]")
    expect(shown(studio, view)).to_have_value("tiny")
    assert 0 < styles(studio) != usual


@pytest.mark.slow
def test_a_sheet_is_drawn_and_drawn_again_by_whom_was_chosen(open_studio, several):
    studio = open_studio("moods", server=several, reduced_motion="reduce")
    chosen(studio, "moods", "stickers-128")
    studio.page.get_by_role("textbox", name="Whose moods shall be drawn?").fill("a cat")
    studio.page.get_by_role("group", name="Moods").get_by_role("checkbox", checked=True).evaluate_all(
        "boxes => boxes.slice(1).forEach(box => box.click())"
    )
    with studio.page.expect_request("**/api/v1/sheets") as asked:
        studio.page.get_by_role("button", name="Draw 2 stickers").click()
    assert asked.value.post_data_json["model"] == "stickers-128"
    sheets = studio.page.locator(".sheet")
    expect(sheets.first).to_have_attribute("data-status", "completed")
    expect(sheets.first.locator("img")).to_have_count(2)
    for picture in sheets.first.locator("img").all():
        expect(picture).to_have_js_property("naturalWidth", 128)
    shown(studio, "moods").select_option("stickers-64")
    with studio.page.expect_request("**/api/v1/sheets") as asked:
        sheets.first.get_by_role("button", name="Draw it again").click()
    assert asked.value.post_data_json["model"] == "stickers-128"
    expect(sheets).to_have_count(2)


@pytest.mark.slow
def test_a_picture_is_redrawn_by_whom_was_chosen_and_one_that_was_drawn_here_by_whom_drew_it(open_studio, several):
    studio = chosen(open_studio("edit", server=several), "edit", "stickers-128")
    studio.page.get_by_role("textbox", name="What shall it become?").fill("a red ball")
    studio.page.get_by_role("radio", name="1", exact=True).check()
    studio.page.get_by_role("button", name="Redraw", exact=True).click()
    strip = studio.page.locator(".strip[data-state=succeeded]").first
    expect(strip.locator("img").first).to_have_js_property("naturalWidth", 128)
    digest = strip.locator(".tile").first.get_attribute("data-picture")
    other = open_studio(f"edit?picture={digest}", server=several)
    expect(other.page.get_by_role("textbox", name="What shall it become?")).to_have_value("a red ball")
    expect(shown(other, "edit")).to_have_value("stickers-128")


@pytest.mark.slow
@pytest.mark.parametrize("reloads", [False, True])
def test_a_picture_has_its_own_pixels_for_the_model_of_its_size_whoever_was_chosen_when_it_was_brought(
    open_studio, several, reloads
):
    studio = open_studio("edit", server=several)
    given = Image.fromarray(np.random.default_rng(3).integers(0, 256, (128, 128, 4), np.uint8))
    given.save(file := io.BytesIO(), "PNG")
    bring(studio, file.getvalue())
    expect(shown(studio, "edit")).to_have_value("stickers-64")
    easel = studio.page.locator(".easel canvas")
    easel.scroll_into_view_if_needed()
    box = easel.bounding_box()
    studio.page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.1 * box["height"])
    studio.page.get_by_role("textbox", name="What shall it become?").fill("a red ball")
    studio.page.get_by_role("radio", name="1", exact=True).check()

    def drawn():
        with studio.page.expect_request("**/api/v1/jobs") as asked:
            studio.page.get_by_role("button", name="Redraw", exact=True).click()
        strip = studio.page.locator(".strip").first
        expect(strip).to_have_attribute("data-state", "succeeded")
        digest = strip.locator(".tile").get_attribute("data-picture")
        image = studio.page.request.get(f"{studio.url}/api/v1/images/{digest}").body()
        sent = asked.value.post_data_json["request"]
        return sent, np.asarray(Image.open(io.BytesIO(image)).convert("RGBA"))

    small, pixels = drawn()
    assert pixels.shape[0] == 64 and sides(small) == (256, 256)
    shown(studio, "edit").select_option("stickers-128")
    if reloads:
        studio.page.reload()
        studio.page.wait_for_selector("html[data-ready]")
        expect(shown(studio, "edit")).to_have_value("stickers-128")
    large, pixels = drawn()
    assert bytes_of(large["images"][0]) == file.getvalue() and sides(large) == (128, 128)
    assert (pixels[64:] == np.asarray(given)[64:]).all() and (pixels[:64] != np.asarray(given)[:64]).any()


def bytes_of(picture):
    return base64.b64decode(picture["image_url"].partition(",")[2])


def sides(request):
    """Return how wide picture and mask of a request are."""
    return tuple(Image.open(io.BytesIO(bytes_of(one))).width for one in (request["images"][0], request["mask"]))


@pytest.mark.slow
def test_a_list_is_looked_through_and_drawn_by_whom_was_chosen(open_studio, several):
    studio = chosen(open_studio("lists", server=several), "lists", "tiny")
    with studio.page.expect_request("**/api/v1/batch-list/check*") as asked:
        studio.page.get_by_role("textbox", name="What shall be drawn?").fill("a red heart")
    assert asked.value.post_data_json["common"] == {"model": "tiny"}
    studio.page.get_by_role("button", name="Draw all").click()
    expect(studio.page.locator(".list-card").first).to_have_attribute("data-status", "completed")
    assert last_job(studio)["model"] == releases(studio)["tiny"]


@pytest.mark.slow
def test_the_sides_of_a_comparison_differ_in_who_draws_alone(open_studio, several):
    studio = open_studio("compare", server=several)
    studio.page.get_by_role("textbox", name="What shall your sticker show?").fill("a red heart")
    right = studio.page.get_by_role("group", name="Right", exact=True)
    right.get_by_role("radio", name="Line art").check()
    right.get_by_role("combobox", name="Who draws").select_option("tiny")
    expect(right.get_by_role("radio", name="Any")).to_be_checked()
    right.get_by_role("combobox", name="Who draws").select_option("stickers-128")
    studio.page.get_by_role("button", name="Draw both").click()
    expect(studio.page.locator(".pair canvas")).to_have_count(4)
    one, other = (job["request"] for job in studio.jobs()[-2:])
    names = releases(studio)
    assert {one.pop("model"), other.pop("model")} == {names["stickers-64"], names["stickers-128"]} and one == other


@pytest.mark.slow
def test_a_model_that_is_served_no_longer_is_forgotten_for_the_usual_one(open_studio, several):
    studio = open_studio("lists", server=several)
    studio.page.evaluate("sessionStorage.setItem('underpaint.list', JSON.stringify({text: 'a cat', model: 'gone'}))")
    with studio.page.expect_request("**/api/v1/batch-list/check*") as asked:
        studio.page.reload()
    assert asked.value.post_data_json["common"] == {}
    expect(shown(studio, "lists")).to_have_value("stickers-64")


@pytest.mark.slow
@pytest.mark.parametrize("view", ["moods", "edit", "lists"])
def test_the_choice_has_room_on_a_phone(open_studio, several, view):
    phone = open_studio(view, server=several, width=360, height=740)
    expect(shown(phone, view)).to_be_visible()
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth") and phone.faults() == []
