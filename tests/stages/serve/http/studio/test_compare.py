"""The comparison: two ways to ask, side by side, of which nothing differs but what was changed."""

from __future__ import annotations

import json
import re

import pytest

expect = pytest.importorskip("playwright.sync_api").expect


def draw(studio, prompt="a red heart", *, style=None):
    studio.page.get_by_role("textbox", name="What shall your sticker show?").fill(prompt)
    if style is not None:
        side(studio, "Right").get_by_role("radio", name=style).check()
    studio.page.get_by_role("button", name="Draw both").click()
    expect(studio.page.locator(".pair canvas")).to_have_count(4)


def side(studio, name):
    return studio.page.get_by_role("group", name=name, exact=True)


def jobs(studio):
    return [job["request"] for job in studio.jobs()[-2:]]


def test_both_sides_draw_the_same_words_and_numbers_and_only_what_was_changed_differs(open_studio):
    studio = open_studio("compare")
    draw(studio, style="Flat")
    left, right = sorted(jobs(studio), key=lambda request: "style" in request)
    assert left["seed"] == right["seed"] and left["n"] == right["n"] == 2
    assert right == {**left, "style": "flat"}
    pair = studio.page.locator(".pair").first
    expect(pair.locator("figcaption").last).to_contain_text("Flat")
    expect(pair.locator("figcaption").first).to_contain_text("as usual")
    expect(pair.locator("figcaption").first).not_to_contain_text("Follows the words")
    expect(pair.locator("figcaption").first).to_contain_text(" J ")


def test_the_same_on_both_sides_is_said_to_be_the_same(open_studio):
    studio = open_studio("compare")
    draw(studio)
    expect(studio.page.locator(".pair").get_by_text("Both are the same picture, pixel by pixel.")).to_have_count(2)


def test_votes_are_counted_and_kept_over_a_reload_with_the_pairs(open_studio):
    studio = open_studio("compare")
    draw(studio, style="Line art")
    studio.page.get_by_role("button", name="Left is better").first.click()
    studio.page.get_by_role("button", name="No difference").last.click()
    expect(studio.page.get_by_text("Left 1, right 0, no difference 1.")).to_be_visible()
    drawn = studio.page.locator(".pair .tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.picture)")
    studio.page.reload()
    expect(studio.page.locator(".pair canvas")).to_have_count(4)
    expect(studio.page.get_by_text("Left 1, right 0, no difference 1.")).to_be_visible()
    again = studio.page.locator(".pair .tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.picture)")
    assert again == drawn


def test_what_is_made_larger_on_one_side_is_larger_on_both_and_moves_with_it(open_studio):
    studio = open_studio("compare")
    draw(studio, style="Flat")
    pair = studio.page.locator(".pair").first
    pair.get_by_role("button", name="Larger").click()
    transforms = "canvases => canvases.map(canvas => canvas.style.transform)"
    left, right = pair.locator("canvas").evaluate_all(transforms)
    assert left == right and "scale(1.5)" in left
    frame = pair.locator(".paper").first
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    studio.page.mouse.move(*middle)
    studio.page.mouse.down()
    studio.page.mouse.move(middle[0] + 40, middle[1], steps=4)
    studio.page.mouse.up()
    moved = pair.locator("canvas").evaluate_all(transforms)
    assert moved[0] == moved[1] != left
    pair.get_by_role("button", name="The whole picture").click()
    assert pair.locator("canvas").first.evaluate("canvas => canvas.style.transform") == "translate(0%, 0%) scale(1)"


def test_two_pictures_that_are_there_are_compared(studio):
    strip = studio.draw("a purple heart", n=2)
    digests = strip.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.picture)")
    for picture in strip.get_by_role("button", name="Open: a purple heart").all():
        picture.click()
        studio.page.get_by_role("dialog").get_by_role("button", name="Compare").click()
    expect(studio.page.locator(".pair canvas")).to_have_count(2)
    shown = studio.page.locator(".pair .tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.picture)")
    assert shown == digests
    expect(studio.page.locator(".pair figcaption").first).to_contain_text("Number")


def test_without_words_nothing_is_drawn_and_it_is_said(open_studio):
    studio = open_studio("compare")
    studio.page.get_by_role("button", name="Draw both").click()
    expect(studio.page.get_by_text("Write what you want to see first")).to_be_visible()
    assert studio.page.locator(".pair").count() == 0


def test_letters_that_cannot_be_read_hold_the_button_with_the_reason(open_studio):
    studio = open_studio("compare")
    words = studio.page.get_by_role("textbox", name="What shall your sticker show?")
    button, mistake = studio.page.get_by_role("button", name="Draw both"), studio.page.locator("#compare-mistake")
    words.fill("hi 麒麟")
    expect(mistake).to_contain_text(re.compile("^The prompt holds '麒' .* at position 4, which the model cannot read;"))
    expect(button).to_be_disabled()
    words.press("Enter")
    assert studio.page.locator(".pair").count() == 0 and mistake.inner_text() and studio.faults() == []
    words.fill("an axolotl")
    expect(button).to_be_enabled()
    expect(mistake).to_be_empty()
    expect(studio.page.locator("#compare-hint")).to_contain_text("may not know “axolotl”")


@pytest.fixture
def read_by_two(open_studio):
    """Open the comparison on a server with another model, told what each answers; returns also who was asked what."""

    def open_it(**answers):
        studio, asked = open_studio("compare"), []

        def with_another(route):
            known = route.fetch().json()
            another = {**known["models"][0], "name": "another", "release": "another-0", "is_default": False}
            route.fulfill(json={**known, "models": [*known["models"], another]})

        def read(route):
            body = json.loads(route.request.post_data)
            asked.append((*body["prompts"], body["model"]))
            usual = {"unread": "", "unknown": ["heart"], "is_foreign": False, "trouble": None}
            answer = usual | answers["another" if body["model"] == "another" else "first"]
            route.fulfill(json={"object": "list", "data": [answer], "same_as": [None]})

        studio.page.route("**/api/v1/capabilities", with_another)
        studio.page.route("**/api/v1/prompts/check", read)
        studio.page.reload()
        return studio, asked

    return open_it


def by_another_on_the_right(studio, prompt="a red heart"):
    studio.page.get_by_role("textbox", name="What shall your sticker show?").fill(prompt)
    side(studio, "Right").get_by_role("combobox", name="Who draws").select_option("another")


HEART = "The model may not know “heart”; it draws what it can make of it."


def test_words_that_are_put_right_are_drawn_though_they_were_not_looked_at_yet(open_studio):
    studio = open_studio("compare")
    words = studio.page.get_by_role("textbox", name="What shall your sticker show?")
    words.fill("hi 麒麟")
    expect(studio.page.locator("#compare-mistake")).not_to_be_empty()
    studio.page.route("**/api/v1/prompts/check", lambda _: None)
    with studio.page.expect_response("**/api/v1/jobs") as sent:
        words.fill("a red heart")
        words.press("Enter")
    assert sent.value.ok and "a red heart" in sent.value.request.post_data


def test_words_are_looked_at_by_the_models_of_both_sides(read_by_two):
    studio, _ = read_by_two(first={}, another={"trouble": "the other model cannot read this"})
    hint, mistake = studio.page.locator("#compare-hint"), studio.page.locator("#compare-mistake")
    studio.page.get_by_role("textbox", name="What shall your sticker show?").fill("a red heart")
    expect(hint).to_have_text(HEART)
    expect(mistake).to_be_empty()
    by_another_on_the_right(studio)
    expect(mistake).to_have_text("another: The other model cannot read this.")
    expect(studio.page.get_by_role("button", name="Draw both")).to_be_disabled()
    expect(hint).to_have_text(HEART)


def test_a_model_that_reads_otherwise_than_the_other_is_named(read_by_two):
    studio, _ = read_by_two(first={}, another={"unknown": ["red", "heart"], "unread": "heart"})
    by_another_on_the_right(studio)
    both = HEART.replace("“heart”", "“red”, “heart”")
    unread = "another: That is long; the end is not read: “heart”"
    expect(studio.page.locator("#compare-hint")).to_have_text(f"stickers-64: {HEART} another: {both} {unread}")


def test_words_are_looked_at_again_only_if_they_or_a_model_are_others(read_by_two):
    studio, asked = read_by_two(first={"trouble": "no"}, another={"trouble": "no"})
    by_another_on_the_right(studio)
    expect(studio.page.locator("#compare-mistake")).to_have_text("No.")
    expect(studio.page.get_by_role("button", name="Draw both")).to_be_disabled()
    before = len(asked)
    side(studio, "Right").get_by_role("slider").first.press("ArrowRight")
    side(studio, "Left").get_by_role("radio", name="Flat").check()
    with studio.page.expect_response("**/api/v1/prompts/check"):
        side(studio, "Right").get_by_role("combobox", name="Who draws").select_option("stickers-64")
    assert asked[before:] == [("a red heart", "stickers-64")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_comparison_has_no_fault_on_a_phone(open_studio, scheme):
    studio = open_studio("compare", width=360, color_scheme=scheme)
    draw(studio, style="Flat")
    expect(studio.page.get_by_role("button", name="Left is better").first).to_be_visible()
    assert studio.faults() == []
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_comparison_whose_jobs_are_gone_is_gone_without_a_word(open_studio):
    studio = open_studio("compare", tolerant=True)
    draw(studio)
    body = '{"error": {"message": "there is no such job", "code": "job_not_found"}}'
    answer = {"status": 404, "content_type": "application/json", "body": body}
    studio.page.route("**/api/v1/jobs/*", lambda route: route.fulfill(**answer))
    studio.page.reload()
    studio.page.wait_for_function("() => !JSON.parse(sessionStorage['underpaint.compare.shown']).jobs.length")
    assert studio.page.locator(".pair").count() == studio.page.get_by_role("alert").count() == 0


def test_without_words_only_what_is_here_is_spoken_of(open_studio):
    studio = open_studio("compare")
    studio.page.get_by_role("button", name="Draw both").click()
    expect(studio.page.locator("#compare-mistake")).to_have_text("Write what you want to see first.")
    assert studio.page.locator(".pair").count() == 0
