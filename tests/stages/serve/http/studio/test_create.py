"""The first view: from words to pictures, whatever happens in between."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from underpaint.pipelines.picture_file import read_settings

expect = pytest.importorskip("playwright.sync_api").expect


def box(studio):
    return studio.page.get_by_role("textbox", name="What shall your sticker show?")


def test_words_become_pictures_and_enter_draws(studio):
    box(studio).fill("a red heart")
    box(studio).press("Enter")
    strip = studio.page.locator(".strip[data-state=succeeded]")
    strip.wait_for()
    pictures = strip.get_by_role("button", name="Open: a red heart")
    assert pictures.count() == 4
    for picture in pictures.locator("img").all():
        expect(picture).to_have_js_property("naturalWidth", 64)


def test_enter_that_is_held_down_hands_in_one_job_and_no_line_break(studio):
    with studio.paused():
        box(studio).fill("a red heart")
        for _ in range(3):
            studio.page.keyboard.down("Enter")
        studio.page.keyboard.up("Enter")
        studio.page.locator(".strip[data-state=queued]").first.wait_for()
        assert box(studio).input_value() == "a red heart"
    studio.page.locator(".strip[data-state=succeeded]").first.wait_for()
    assert studio.page.locator(".strip").count() == 1


def test_a_picture_is_downloaded_with_its_settings_and_its_number_draws_it_again(studio, tmp_path):
    strip = studio.draw("a purple heart")
    strip.get_by_role("button", name="Open: a purple heart").click()
    with studio.page.expect_download() as download:
        studio.page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.startswith("underpaint-a-purple-heart-")
    download.value.save_as(tmp_path / "heart.png")
    settings = read_settings(tmp_path / "heart.png")
    studio.page.get_by_role("button", name="Use its settings").click()
    assert studio.page.get_by_role("dialog").count() == 0
    studio.page.get_by_text("More settings").click()
    assert studio.page.get_by_role("textbox", name="Number of the picture").input_value() == str(settings.seed)
    again = studio.draw("a purple heart")
    first, second = (one.get_attribute("data-picture") for one in (again.locator(".tile"), strip.locator(".tile")))
    assert first == second == settings.pixel_sha256


def test_without_words_the_page_says_what_is_missing(studio):
    studio.page.get_by_role("button", name="Draw", exact=True).click()
    assert studio.page.locator("#prompt-mistake").is_visible()
    assert studio.page.evaluate("document.activeElement.id") == "prompt"
    assert studio.page.locator(".strip").count() == 0


def test_an_idea_fills_in_words_and_style(studio):
    studio.page.get_by_role("button", name="rocket").click()
    assert box(studio).input_value() == "rocket"
    assert studio.page.get_by_role("group", name="Style").get_by_role("radio", name="Flat").is_checked()


def test_what_was_typed_and_drawn_is_there_after_a_reload(studio):
    strip = studio.draw("a green heart", n=2)
    drawn = strip.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.picture)")
    box(studio).fill("half a sentence about")
    studio.page.reload()
    studio.page.locator(".strip[data-state=succeeded] .tile").first.wait_for()
    assert box(studio).input_value() == "half a sentence about"
    again = studio.page.locator(".strip .tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.picture)")
    assert again == drawn and len(drawn) == 2


def test_what_the_server_refuses_is_said_in_its_words_and_can_be_tried_again(open_studio):
    studio = open_studio(tolerant=True)
    refusal = {"message": "this prompt is not drawn here", "code": "moderation_blocked", "param": "prompt"}
    answer = {"status": 400, "content_type": "application/json", "body": json.dumps({"error": refusal})}
    studio.page.route("**/api/v1/jobs", lambda route: route.fulfill(**answer))
    box(studio).fill("something bad")
    box(studio).press("Enter")
    studio.page.get_by_text("This prompt is not drawn here.").first.wait_for()
    studio.page.unroute("**/api/v1/jobs")
    studio.page.get_by_role("button", name="Try again").click()
    studio.page.locator(".strip[data-state=succeeded]").wait_for()


def test_a_job_whose_answer_was_lost_is_drawn_once(open_studio):
    studio = open_studio(tolerant=True)
    lost = []

    def lose(route):
        lost.append(route.request.headers["idempotency-key"])
        route.fetch()
        route.abort() if len(lost) == 1 else route.continue_()

    studio.page.route("**/api/v1/jobs", lose)
    strip = studio.draw("a yellow heart")
    assert len(lost) == 2 and lost[0] == lost[1]
    jobs = studio.jobs()
    assert [job["id"] for job in jobs if job["request"]["prompt"] == "a yellow heart"] == [
        strip.get_attribute("data-job")
    ]


def test_unfinished_pictures_are_shown_where_a_model_makes_them(open_studio, tiny_server):
    studio = open_studio(server=tiny_server)
    studio.page.evaluate(
        """() => {
            window.seen = [];
            const look = (records) => records.flatMap((one) => [...one.addedNodes])
                .filter((one) => one.className === 'preview').forEach((one) => window.seen.push(one.src));
            new MutationObserver(look).observe(document.body, {subtree: true, childList: true});
        }"""
    )
    seen = []
    for number in range(1, 9):  # Where unfinished and finished come at one moment, the finished picture alone is shown.
        with studio.paused():
            box(studio).fill("a red heart")
            box(studio).press("Enter")
            studio.page.locator(".strip[data-state=queued]").wait_for()
        expect(studio.page.locator(".strip[data-state=succeeded]")).to_have_count(number)
        if seen := studio.page.evaluate("window.seen"):
            break
    assert seen and all(one.startswith("data:image/png;base64,") for one in seen)
    assert studio.page.locator("img.preview").count() == 0


def test_where_no_unfinished_pictures_come_none_is_made_up(studio):
    with studio.paused():
        box(studio).fill("a red heart")
        box(studio).press("Enter")
        expect(studio.page.locator(".tile.waiting")).to_have_count(4)
        expect(studio.page.get_by_text("The queue is paused")).to_be_visible()
        assert studio.page.locator(".tile.waiting img").count() == 0
    studio.page.locator(".strip[data-state=succeeded]").wait_for()


def test_the_form_is_shown_as_code_that_the_server_understands(studio):
    box(studio).fill("it's a heart")
    studio.page.get_by_role("button", name="Copy as code").click()
    text = studio.page.get_by_role("region", name="curl").inner_text()
    assert f"{studio.url}/v1/images/generations" in text and "it'\\''s a heart" in text
    assert 'prompt="it\'s a heart"' in studio.page.get_by_role("region", name="Python").inner_text()


def test_a_large_view_is_what_lanczos_makes_of_colors_weighted_by_opacity(studio):
    strip = studio.draw("a red heart")
    address = strip.locator("img").get_attribute("src")
    small = Image.open(io.BytesIO(studio.page.request.get(address).body())).convert("RGBa")
    strip.get_by_role("button", name="Open: a red heart").click()
    studio.page.wait_for_function(
        "() => document.querySelector('canvas.large')?.getContext('2d').getImageData(256, 256, 1, 1).data[3] > 0"
    )
    url = studio.page.locator("canvas.large").evaluate("canvas => canvas.toDataURL()")
    large = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBa")
    reference = small.resize((512, 512), Image.Resampling.LANCZOS)
    difference = np.abs(np.asarray(large, np.int16) - np.asarray(reference, np.int16))
    assert difference.mean() < 0.5 and np.quantile(difference, 0.99) <= 4


@pytest.mark.slow
def test_another_model_brings_its_own_styles_and_draws(open_studio, start_server, tiny_model, tmp_path):
    server = start_server(tmp_path, "-m", "stickers-64", "-m", f"tiny={tiny_model}").wait_until_ready()
    studio = open_studio(server=server)
    studio.page.get_by_text("More settings").click()
    box(studio).fill("a red heart")
    studio.page.get_by_role("combobox", name="Who draws").focus()
    studio.page.get_by_role("combobox", name="Who draws").select_option("tiny")
    expect(studio.page.get_by_role("combobox", name="Who draws")).to_be_focused()
    assert box(studio).input_value() == "a red heart"
    strip = studio.draw("a red heart")
    jobs = studio.page.evaluate("fetch('/api/v1/jobs').then(answer => answer.json())")["data"]
    models = studio.page.evaluate("fetch('/api/v1/capabilities').then(answer => answer.json())")["models"]
    assert jobs[0]["release"] == next(one["release"] for one in models if one["name"] == "tiny")
    strip.get_by_role("button", name="Open: a red heart").click()
    expect(studio.page.get_by_role("dialog").locator(".facts")).to_contain_text("tiny")


@pytest.mark.slow
def test_the_shipped_model_for_twice_the_side_is_chosen_and_draws(open_studio, start_server, tmp_path):
    server = start_server(tmp_path, "-m", "stickers-64", "-m", "stickers-128").wait_until_ready()
    studio = open_studio(server=server)
    studio.page.get_by_text("More settings").click()
    studio.page.get_by_role("combobox", name="Who draws").select_option("stickers-128")
    strip = studio.draw("a red heart")
    for side in ("naturalWidth", "naturalHeight"):
        expect(strip.locator("img").first).to_have_js_property(side, 128)
    strip.get_by_role("button", name="Open: a red heart").click()
    expect(studio.page.get_by_role("dialog").locator(".facts")).to_contain_text("stickers-128")


def hint(studio):
    return studio.page.locator("#prompt-hint")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("a very " * 15 + "red heart", "the end is not read: “a very a very a very red heart”"),
        ("an axolotl", "may not know “axolotl”"),
        ("eine rote Katze", "understands English words far better"),
    ],
)
def test_what_the_model_will_not_read_is_said_quietly_while_somebody_types(studio, words, told):
    usual = hint(studio).inner_text()
    box(studio).fill(words)
    expect(hint(studio)).to_contain_text(told)
    assert "prompt-hint" in box(studio).get_attribute("aria-describedby")
    assert studio.page.get_by_role("button", name="Draw", exact=True).is_enabled() and studio.faults() == []
    box(studio).fill("a red heart")
    expect(hint(studio)).to_have_text(usual)


def test_letters_that_cannot_be_read_hold_the_button_with_the_reason(studio):
    button, mistake = studio.page.get_by_role("button", name="Draw", exact=True), studio.page.locator("#prompt-mistake")
    usual = hint(studio).inner_text()
    box(studio).fill("hi 麒麟")
    expect(mistake).to_contain_text(re.compile("^The prompt holds '麒' .* at position 4, which the model cannot read;"))
    expect(button).to_be_disabled()
    box(studio).press("Enter")
    assert studio.page.locator(".strip").count() == 0 and mistake.inner_text() and studio.faults() == []
    assert hint(studio).inner_text() == usual
    box(studio).fill("a red heart")
    expect(button).to_be_enabled()
    expect(mistake).to_be_empty()


def test_words_that_are_put_right_are_drawn_though_they_were_not_looked_at_yet(studio):
    mistake = studio.page.locator("#prompt-mistake")
    box(studio).fill("hi 麒麟")
    expect(mistake).not_to_be_empty()
    with studio.page.expect_response("**/api/v1/jobs") as sent:
        studio.page.route("**/api/v1/prompts/check", lambda _: None)
        box(studio).fill("a red heart")
        box(studio).press("Enter")
    assert sent.value.status == 202 and "a red heart" in sent.value.request.post_data


def test_a_hint_that_does_not_come_is_none(open_studio):
    studio = open_studio(tolerant=True)
    studio.page.route("**/api/v1/prompts/check", lambda route: route.fulfill(status=503, body="{}"))
    usual = hint(studio).inner_text()
    with studio.page.expect_response("**/api/v1/prompts/check"):
        box(studio).fill("eine Katze")
    studio.draw("a red heart")
    assert hint(studio).inner_text() == usual and studio.page.get_by_role("alert").count() == 0


def test_one_can_type_at_once_but_no_keyboard_covers_a_phone(open_studio):
    focused = "document.activeElement.id"
    assert open_studio().page.evaluate(focused) == "prompt"
    phone = {"width": 360, "height": 740, "has_touch": True, "is_mobile": True}
    assert open_studio(**phone).page.evaluate(focused) == ""


def test_every_setting_has_words_that_a_child_understands(studio):
    studio.page.get_by_text("More settings").click()
    for name in ("How exactly it follows your words", "How surprising"):
        slider = studio.page.get_by_role("slider", name=name)
        expect(slider).to_have_accessible_description(re.compile("^To the left"))
    text = studio.page.locator("form.ask").inner_text()
    assert not re.search("guidance|temperature|closeness|daring|seed|prompt|step", text, flags=re.IGNORECASE)
