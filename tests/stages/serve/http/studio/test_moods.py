"""Moods: a word becomes a sheet of one character, which survives a reload and is taken along as files."""

from __future__ import annotations

import re
import zipfile

import pytest
from PIL import Image

expect = pytest.importorskip("playwright.sync_api").expect


def box(studio):
    return studio.page.get_by_role("textbox", name="Whose moods shall be drawn?")


def choose(studio, *moods):
    """Choose these moods and no others."""
    studio.page.get_by_role("group", name="Moods").evaluate(
        """(group, moods) => {
            const wrong = (label) => label.control.checked !== moods.includes(label.innerText);
            [...group.querySelectorAll('label')].filter(wrong).forEach((label) => label.click());
        }""",
        moods,
    )


def draw(studio, subject, *moods, others=0):
    box(studio).fill(subject)
    choose(studio, *moods)
    studio.page.get_by_role("button", name=f"Draw {1 + len(moods) + others} stickers").click()
    return studio.page.locator(".sheet", has=studio.page.get_by_role("heading", name=subject, exact=True)).first


def finished(sheet):
    expect(sheet).to_have_attribute("data-status", "completed")
    return sheet


@pytest.fixture
def moods(open_studio):
    return open_studio("moods", reduced_motion="reduce")


def test_an_idea_and_one_press_draw_a_sheet_with_every_mood_named(moods):
    moods.page.get_by_role("button", name="a smiling face").click()
    expect(box(moods)).to_have_value("a smiling face")
    expect(box(moods)).to_be_focused()
    moods.page.keyboard.press("Enter")
    sheet = finished(moods.page.locator(".sheet").first)
    named = ["As it is", "happy", "laughing", "in love", "kissing", "cool", "sad", "angry", "tired"]
    assert sheet.locator("li > p").all_inner_texts() == named
    expect(sheet.locator(".tile img")).to_have_count(len(named))
    assert moods.faults() == []
    sheet.get_by_role("button", name="Open: grinning face").click()
    expect(moods.page.get_by_role("dialog", name="Your sticker")).to_be_visible()


def test_moods_in_words_of_ones_own_are_drawn_named_and_asked_for_again(moods):
    moods.page.get_by_role("textbox", name="In words of your own").fill("with a party hat\n\nin a t-shirt\n")
    sheet = finished(draw(moods, "a cat", "happy", others=2))
    named = ["As it is", "happy", "with a party hat", "in a t-shirt"]
    assert sheet.locator("li > p").all_inner_texts() == named
    expect(sheet.get_by_role("button", name="Open: cat with a party hat")).to_be_visible()
    first, latest = str(sheet.get_attribute("data-sheet")), moods.page.locator(".sheet").first
    sheet.get_by_role("button", name="Draw it again").click()
    expect(latest).not_to_have_attribute("data-sheet", first)
    again = finished(latest)
    assert again.locator("li > p").all_inner_texts() == named


def test_a_sheet_is_taken_along_as_files_on_paper_and_for_messengers(moods, tmp_path):
    sheet = finished(draw(moods, "a dog", "happy", "sad"))

    def download(button, name):
        with moods.page.expect_download() as taken:
            button.click()
        taken.value.save_as(tmp_path / name)
        return tmp_path / name

    with zipfile.ZipFile(download(sheet.get_by_role("button", name="ZIP"), "all.zip")) as files:
        assert sum(name.endswith(".png") for name in files.namelist()) == 3
    with Image.open(download(sheet.get_by_role("button", name="Sheet", exact=True), "sheet.png")) as image:
        assert image.format == "PNG" and image.height > image.width
    sheet.get_by_role("button", name="Print").click()
    dialog = moods.page.get_by_role("dialog", name="Print")
    dialog.get_by_role("radio", name="A4").check()
    assert moods.faults() == []
    with Image.open(download(dialog.get_by_role("button", name="Download the page"), "a4.png")) as page:
        assert page.size == (2480, 3508)
    dialog.get_by_role("button", name="Close").first.click()
    sheet.get_by_role("button", name="Sticker pack").click()
    expect(moods.page.get_by_role("dialog", name="Make 3 stickers for other apps")).to_be_visible()


def test_a_sheet_goes_on_while_nobody_looks(moods):
    with moods.paused():
        sheet = draw(moods, "a fox", "happy")
        expect(sheet).to_contain_text("the others follow it")
        moods.page.reload()
        expect(moods.page.locator(".sheet").first.get_by_role("heading", name="a fox")).to_be_visible()
    sheet = finished(moods.page.locator(".sheet").first)
    expect(sheet.locator(".tile img")).to_have_count(2)


def test_a_sheet_is_canceled_and_can_be_drawn_again(moods):
    with moods.paused():
        sheet = draw(moods, "a koala", "cool")
        sheet.get_by_role("button", name="Cancel").click()
        expect(sheet).to_have_attribute("data-status", "cancelled")
        sheet.get_by_role("button", name="Draw it again").click()
        expect(moods.page.get_by_role("heading", name="a koala")).to_have_count(2)
    finished(moods.page.locator(".sheet").first)


def test_what_is_missing_and_what_is_refused_is_said_beside_the_box(open_studio):
    moods = open_studio("moods", tolerant=True)
    said = moods.page.locator("#subject-mistake")
    box(moods).fill("")
    moods.page.keyboard.press("Enter")
    expect(said).to_have_text("Write who it is, or choose one below.")
    box(moods).fill("a cat")
    choose(moods)
    moods.page.get_by_role("button", name="Draw 1 stickers").click()
    expect(said).to_have_text("Choose a mood or more, or write one of your own.")
    moods.page.get_by_role("button", name="All of them").click()
    box(moods).fill("a swastika")
    moods.page.get_by_role("button", name="Draw 20 stickers").click()
    expect(said).not_to_be_empty()
    expect(box(moods)).to_have_attribute("aria-invalid", "true")


def test_what_is_refused_in_words_of_ones_own_is_said_beside_these(open_studio):
    moods = open_studio("moods", tolerant=True)
    own, said = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator("#own-mistake")
    box(moods).fill("a cat")
    choose(moods)
    own.fill("with a swastika")
    moods.page.get_by_role("button", name="Draw 2 stickers").click()
    expect(said).to_contain_text("swastika")
    expect(own).to_be_focused()
    expect(own).to_have_attribute("aria-invalid", "true")
    expect(moods.page.locator("#subject-mistake")).to_be_empty()
    assert box(moods).get_attribute("aria-invalid") is None and moods.faults() == []
    own.fill("with a hat")
    expect(said).to_be_empty()


def test_what_is_wrong_with_lines_of_ones_own_is_told_as_they_are_numbered_there_before_anything_is_sent(moods):
    own, said = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator("#own-mistake")
    expect(own).to_have_accessible_description(re.compile("at most 200 characters"))
    expect(own).to_have_accessible_description(re.compile("details such as hats rarely do"))
    box(moods).fill("a cat")
    choose(moods, "happy")
    own.fill("with a tie\n\n\n" + "very " * 46 + "sad\n")
    expect(said).to_have_text("Line 4 of your own moods has 233 characters; at most 200 fit.")
    expect(moods.page.get_by_role("button", name="Draw up to 4 stickers")).to_be_disabled()
    assert moods.faults() == []
    own.fill("\n".join(f"with {n} ties" for n in range(32)))
    expect(said).to_have_text("These are 33 moods; a sheet has at most 32.")
    expect(moods.page.get_by_role("button", name="Draw 34 stickers")).to_be_disabled()
    choose(moods)
    expect(said).to_be_empty()
    expect(moods.page.get_by_role("button", name="Draw 33 stickers")).to_be_enabled()


def test_enter_draws_nothing_while_a_line_is_wrong_and_the_button_is_held_after_a_reload(moods):
    own, asked = moods.page.get_by_role("textbox", name="In words of your own"), []
    moods.page.on("request", lambda one: asked.append(one) if one.method == "POST" and "sheets" in one.url else None)
    own.fill("very " * 41)
    box(moods).fill("a cat")
    box(moods).press("Enter")
    moods.page.reload()
    expect(moods.page.locator("#own-mistake")).to_contain_text("at most 200 fit")
    expect(moods.page.locator(".ask .main")).to_be_disabled()
    assert asked == []


def test_repeated_lines_and_hard_words_of_ones_own_are_told_with_their_lines(moods):
    own, hints = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator(".own-hints li")
    box(moods).fill("a cat")
    choose(moods, "happy")
    own.fill("with a tie\n\nwith an axolotl\n with a tie\nhappy\nmit einem Hut und einer Katze")
    expect(hints).to_have_count(4)
    expect(hints.nth(1)).to_have_text("Line 4 says the same as line 1; it is drawn once.")
    expect(hints.nth(2)).to_have_text("Line 5 is the mood “happy”, which is chosen above; it is drawn once.")
    expect(hints.nth(0)).to_contain_text("Line 3: The model may not know “axolotl”")
    expect(hints.nth(3)).to_contain_text("Line 6: The model reads English.")
    expect(moods.page.get_by_role("button", name="Draw 5 stickers")).to_be_visible()
    assert moods.faults() == []


def test_lines_that_mean_the_same_picture_are_told_and_as_many_stickers_promised_as_are_drawn(moods):
    own, hints = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator(".own-hints li")
    box(moods).fill("a kitten")
    choose(moods, "happy")
    with moods.page.expect_response("**/api/v1/prompts/check"):
        own.fill("grinning {}\n{} with 0 hats\n\nwith 0 hats")
        expect(moods.page.get_by_role("button", name="Draw up to 5 stickers")).to_be_enabled()
    expect(hints.first).to_have_text("Line 1 means the same picture as the mood “happy”; it is drawn once.")
    expect(hints.last).to_have_text("Line 4 means the same picture as line 2; it is drawn once.")
    sheet = finished(draw(moods, "a kitten", "happy", others=1))
    assert sheet.locator("li > p").all_inner_texts() == ["As it is", "happy", "{} with 0 hats"]
    box(moods).fill("a dog")
    expect(moods.page.get_by_role("button", name="Draw up to 5 stickers")).to_be_visible()
    own.fill("\n".join(f"with {n // 2} ties" if n % 2 else f"{{}} with {n // 2} ties" for n in range(62)))
    expect(moods.page.get_by_role("button", name="Draw 33 stickers")).to_be_enabled()
    expect(moods.page.locator("#own-mistake")).to_be_empty()


def test_where_nobody_tells_how_many_stickers_lines_mean_it_is_said_how_many_at_most(open_studio):
    moods = open_studio("moods", tolerant=True)
    moods.page.route("**/api/v1/prompts/check", lambda route: route.fulfill(status=503, body="{}"))
    box(moods).fill("a kitty")
    choose(moods, "happy")
    with moods.page.expect_response("**/api/v1/prompts/check"):
        moods.page.get_by_role("textbox", name="In words of your own").fill("grinning {}")
    moods.page.get_by_role("button", name="Draw up to 3 stickers").click()
    sheet = moods.page.locator(".sheet", has=moods.page.get_by_role("heading", name="a kitty", exact=True)).first
    expect(finished(sheet).locator(".tile img")).to_have_count(2)


def test_characters_are_counted_as_the_server_counts_them(moods):
    own, said = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator("#own-mistake")
    box(moods).fill("a cat")
    choose(moods, "happy")
    own.fill("\N{GRINNING FACE}" * 201 + "\n" + "\N{GRINNING FACE}" * 200)
    expect(said).to_have_text("Line 1 of your own moods has 201 characters; at most 200 fit.")


def test_of_many_mistakes_and_hints_the_first_are_told_and_the_rest_is_counted(moods):
    own, said = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator("#own-mistake")
    hints = moods.page.locator(".own-hints li")
    own.fill("with a tie\n" * 15)
    expect(hints).to_have_count(11)
    expect(hints.last).to_have_text("And 4 more.")
    own.fill("\n".join(f"{n} {'very ' * 40}sad" for n in range(12)))
    expect(said).to_contain_text("Line 10 of your own moods")
    expect(said).to_have_text(re.compile(r"fit\. And 2 more\.$"))
    expect(hints).to_have_count(0)


def test_hints_stay_while_somebody_writes_and_follow_the_subject(moods):
    own, hints = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator(".own-hints li")
    box(moods).fill("a cat")
    own.fill("an axolotl in the rain")
    expect(hints).to_contain_text(["may not know “axolotl”"])
    at_once = own.evaluate(
        """(own) => {
            own.value += '.';
            own.dispatchEvent(new Event('input', {bubbles: true}));
            return document.querySelectorAll('.own-hints li').length;
        }"""
    )
    assert at_once == 1
    box(moods).fill("an axolotl")
    expect(hints).to_have_count(0)


def test_what_is_wrong_with_lines_is_spoken_once_somebody_pauses_and_interrupts_nobody(moods):
    own, said = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator("#own-mistake")
    live = moods.page.locator(".own-hints")
    expect(live).to_have_attribute("role", "status")
    assert live.evaluate("(one) => getComputedStyle(one).display") != "none"
    at_once = own.evaluate(
        """(box) => {
          box.value = "very ".repeat(41);
          box.dispatchEvent(new Event("input", { bubbles: true }));
          return document.getElementById("own-mistake").innerText;
        }"""
    )
    assert at_once == ""
    expect(said).to_contain_text("at most 200 fit")
    expect(moods.page.locator(".unseen[role=status]")).to_have_text(said.inner_text())
    assert moods.page.get_by_role("alert").count() == 0


def test_another_language_is_met_with_a_hint_here_too(moods):
    box(moods).fill("eine Katze")
    expect(moods.page.locator("#subject-hint")).to_contain_text("far better")


def test_letters_that_cannot_be_read_hold_the_button_with_the_reason_of_subject_and_of_lines(moods):
    own, button = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator(".ask .main")
    mistake, of_lines = moods.page.locator("#subject-mistake"), moods.page.locator("#own-mistake")
    box(moods).fill("a 麒麟")
    expect(mistake).to_contain_text(re.compile("^The prompt holds '麒' .* at position 3, which the model cannot read;"))
    expect(button).to_be_disabled()
    box(moods).fill("a cat")
    expect(button).to_be_enabled()
    expect(mistake).to_be_empty()
    own.fill("with a hat\n麒麟")
    expect(of_lines).to_contain_text(re.compile("^Line 2: The prompt holds '麒' .* at position 1, "))
    expect(button).to_be_disabled()
    assert moods.faults() == []
    own.fill("with a hat")
    expect(of_lines).to_be_empty()
    expect(button).to_be_enabled()


def test_words_that_are_put_right_are_drawn_though_they_were_not_looked_at_yet(moods):
    own, button = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator(".ask .main")
    choose(moods, "happy")
    box(moods).fill("a 麒麟")
    own.fill("麒麟")
    expect(moods.page.locator("#subject-mistake")).not_to_be_empty()
    expect(button).to_be_disabled()
    moods.page.route("**/api/v1/prompts/check", lambda _: None)
    with moods.paused(), moods.page.expect_response("**/api/v1/sheets") as sent:
        own.fill("with a hat")
        box(moods).fill("a cat")
        box(moods).press("Enter")
    assert sent.value.ok and all(words in sent.value.request.post_data for words in ("a cat", "with a hat"))


def test_enter_is_a_new_line_among_moods_of_ones_own(moods):
    own, asked = moods.page.get_by_role("textbox", name="In words of your own"), []
    moods.page.on("request", lambda one: asked.append(one) if one.method == "POST" and "sheets" in one.url else None)
    box(moods).fill("a cat")
    own.fill("with a hat")
    own.press("Enter")
    expect(own).to_have_value("with a hat\n")
    moods.page.reload()
    expect(own).to_have_value("with a hat\n")
    assert asked == []


def test_what_the_server_refuses_of_a_line_is_told_by_its_place_in_that_line(open_studio):
    moods = open_studio("moods", tolerant=True)
    own, said = moods.page.get_by_role("textbox", name="In words of your own"), moods.page.locator("#own-mistake")
    choose(moods, "happy")
    refused = []
    moods.page.on("response", lambda one: refused.append(one) if one.url.endswith("/api/v1/sheets") else None)
    moods.page.route("**/api/v1/prompts/check", lambda route: route.continue_() if refused else route.abort())
    with moods.page.expect_response("**/api/v1/sheets") as sent:
        own.fill("with a tie\nв шляпе")
        box(moods).fill("cat")
        box(moods).press("Enter")
    assert sent.value.status == 400 and "at position 7" in sent.value.json()["error"]["message"]
    expect(said).to_have_text(
        re.compile("^Line 2: The prompt holds 'ш' .* at position 3, which the model cannot read;")
    )
    expect(own).to_be_focused()
    assert moods.faults() == []


def test_enter_leads_to_what_is_known_to_be_wrong(moods):
    own, asked = moods.page.get_by_role("textbox", name="In words of your own"), []
    moods.page.on("request", lambda one: asked.append(one) if one.method == "POST" and "sheets" in one.url else None)
    box(moods).fill("a cat")
    own.fill("麒麟")
    expect(moods.page.locator("#own-mistake")).not_to_be_empty()
    box(moods).press("Enter")
    expect(own).to_be_focused()
    box(moods).fill("a 麒麟")
    expect(moods.page.locator("#subject-mistake")).not_to_be_empty()
    box(moods).press("Enter")
    expect(box(moods)).to_be_focused()
    assert asked == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_sheet_has_no_fault_on_a_phone(open_studio, scheme):
    phone = open_studio("moods", width=360, height=740, color_scheme=scheme, reduced_motion="reduce")
    finished(draw(phone, "a panda", "happy", "sad", "angry"))
    expect(phone.page.get_by_role("button", name="Draw 4 stickers")).to_be_enabled()
    assert phone.faults() == []
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_button_that_draws_stands_at_the_right_on_a_desk_and_fills_the_line_on_a_phone(open_studio):
    def edges(width):
        studio = open_studio("moods", width=width)
        element, form = studio.page.locator(".ask .main"), studio.page.locator(".ask .row.spread")
        inner, outer = element.bounding_box(), form.bounding_box()
        return inner["x"] - outer["x"], outer["x"] + outer["width"] - inner["x"] - inner["width"]

    for width in (1100, 1280, 1440):
        left, right = edges(width)
        assert left > 100 and abs(right) < 2
    assert max(map(abs, edges(360))) < 2
