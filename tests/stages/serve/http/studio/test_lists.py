"""Lists: pasted or brought as a file, looked through while they are written, drawn as a whole or not at all."""

from __future__ import annotations

import io
import zipfile

import pytest

expect = pytest.importorskip("playwright.sync_api").expect
TABLE = "prompt;style;n\na red heart;flat;2\na rocket;;1\n"


def box(studio):
    return studio.page.get_by_role("textbox", name="What shall be drawn?")


def test_lines_with_mistakes_are_left_out_and_undo_brings_them_back(open_studio):
    studio = open_studio("lists")
    text = "prompt,style\na red heart,flat\na cat,oil\na rocket,flat"
    box(studio).fill(text)
    studio.page.get_by_role("button", name="Leave this line out").click()
    expect(box(studio)).to_have_value("prompt,style\na red heart,flat\na rocket,flat")
    expect(studio.page.get_by_role("button", name="Draw all")).to_be_enabled()
    studio.page.get_by_role("button", name="Undo").click()
    expect(box(studio)).to_have_value(text)


def open_file(studio, content):
    file = {"name": "stickers.csv", "mimeType": "text/csv", "buffer": content}
    studio.page.locator("input[type=file][accept*=csv]").set_input_files(file)


def test_a_pasted_list_is_counted_then_drawn_and_taken_along_as_one_file(open_studio, tmp_path):
    studio = open_studio("lists")
    box(studio).fill("a red heart\na green heart\n\na blue heart")
    expect(studio.page.get_by_text("3 lines, 3 stickers, about")).to_be_visible()
    studio.page.get_by_role("textbox", name="Name of the list").fill("Three hearts")
    studio.page.evaluate(
        """() => {
            window.noticed = [];
            const added = (changes) => changes.flatMap((one) => [...one.addedNodes].map((note) => note.innerText));
            const seen = (changes) => noticed.push(...added(changes));
            new MutationObserver(seen).observe(document.querySelector('.notes'), {childList: true});
        }"""
    )
    studio.page.get_by_role("button", name="Draw all").click()
    card = studio.page.locator(".list-card", has=studio.page.get_by_role("heading", name="Three hearts"))
    expect(card).to_have_attribute("data-status", "completed")
    expect(card).to_contain_text("3 of 3 lines drawn")
    expect(card.locator(".tile img")).to_have_count(3)
    assert studio.page.evaluate("noticed") == [], "a notice would cover the card, which says the same"
    assert box(studio).input_value() == ""
    with studio.page.expect_download() as download:
        card.get_by_role("button", name="ZIP").click()
    assert download.value.suggested_filename == "underpaint-three-hearts.zip"
    download.value.save_as(tmp_path / "hearts.zip")
    names = zipfile.ZipFile(io.BytesIO((tmp_path / "hearts.zip").read_bytes())).namelist()
    assert sum(name.endswith(".png") for name in names) == 3


def test_a_file_that_is_no_text_leaves_the_list_alone(open_studio):
    studio = open_studio("lists")
    box(studio).fill("a red heart")
    open_file(studio, b"\x89PNG\r\n\x1a\n\x00\x00")
    expect(studio.page.get_by_role("alert")).to_contain_text("“stickers.csv” is no list")
    expect(box(studio)).to_have_value("a red heart")


def test_mistakes_are_told_with_their_lines_before_anything_is_drawn(open_studio):
    studio = open_studio("lists")
    box(studio).fill("prompt,style,n\na red heart,flat,2\na cat,oil,1\na rocket,flat,99")
    mistakes = studio.page.locator(".mistakes li")
    expect(mistakes).to_have_count(2)
    expect(mistakes.first).to_contain_text("Unknown style 'oil'")
    expect(mistakes.last).to_contain_text("“n” must be a whole number between 1 and 10, got 99")
    expect(studio.page.get_by_role("button", name="Draw all")).to_be_disabled()
    mistakes.last.get_by_role("button", name="Line 4").click()
    selected = "input => input.value.slice(input.selectionStart, input.selectionEnd)"
    assert box(studio).evaluate(selected) == "a rocket,flat,99"
    box(studio).fill("prompt,style,n\na red heart,flat,2")
    expect(mistakes).to_have_count(0)
    expect(studio.page.get_by_role("button", name="Draw all")).to_be_enabled()


def test_what_is_long_is_told_with_its_line_while_somebody_writes_and_what_cannot_be_read_holds_the_button(open_studio):
    studio = open_studio("lists")
    button, mistakes = studio.page.get_by_role("button", name="Draw all"), studio.page.locator(".verdict .mistakes li")
    box(studio).fill("a red heart\n" + "very " * 130 + "sad\n" + "x" * 650)
    expect(mistakes).to_have_text("Line 3The prompt begins with a word of 650 characters; at most 400 are read.")
    expect(button).to_be_disabled()
    box(studio).fill("a red heart\n" + "very " * 130 + "sad")
    expect(button).to_be_enabled()
    expect(studio.page.locator(".hints summary")).to_have_text("A hint for one line")
    expect(mistakes).to_be_visible()
    expect(mistakes).to_contain_text("Line 2That is long; the end is not read: “very")
    button.click()
    card = studio.page.locator(".list-card").first
    expect(card).to_have_attribute("data-status", "completed")
    expect(card).to_contain_text("2 of 2 lines drawn")


def test_a_table_is_opened_from_a_file(open_studio):
    studio = open_studio("lists")
    open_file(studio, TABLE.encode())
    expect(box(studio)).to_have_value(TABLE)
    expect(studio.page.get_by_text("2 lines, 3 stickers")).to_be_visible()


def test_letters_that_cannot_be_read_hold_the_button_with_the_reason(open_studio):
    studio = open_studio("lists")
    box(studio).fill("a red heart\nhi 麒麟")
    told = "Line 2The prompt holds '麒' (U+9E92 CJK UNIFIED IDEOGRAPH-9E92) at position 4, which the model cannot read"
    expect(studio.page.locator(".mistakes li")).to_contain_text(told)
    expect(studio.page.get_by_role("button", name="Draw all")).to_be_disabled()


@pytest.mark.slow
def test_ten_thousand_lines_are_taken_and_more_are_refused_in_words_with_the_text_kept(open_studio):
    studio = open_studio("lists", tolerant=True)
    open_file(studio, b"a red heart\n" * 10_000)
    expect(studio.page.get_by_text("10,000 lines, 10,000 stickers")).to_be_visible()
    open_file(studio, b"a red heart\n" * 10_001)
    expect(studio.page.locator(".verdict .mistake")).to_contain_text("10,000")
    expect(studio.page.get_by_role("button", name="Draw all")).to_be_disabled()
    assert box(studio).evaluate("input => input.value.length") == 10_001 * len("a red heart\n")


def test_a_list_is_canceled_and_what_was_drawn_stays(open_studio):
    studio = open_studio("lists")
    studio.page.request.post(f"{studio.url}/api/v1/queue/pause")
    try:
        box(studio).fill("a red heart\na rocket")
        studio.page.get_by_role("textbox", name="Name of the list").fill("Given up")
        studio.page.get_by_role("button", name="Draw all").click()
        card = studio.page.locator(".list-card", has=studio.page.get_by_role("heading", name="Given up"))
        card.get_by_role("button", name="Cancel").click()
        expect(card).to_have_attribute("data-status", "cancelled")
        expect(card).to_contain_text("the rest was canceled")
        expect(card).not_to_contain_text("failed")
    finally:
        studio.page.request.post(f"{studio.url}/api/v1/queue/resume")


def test_a_list_whose_answer_was_lost_is_drawn_once(open_studio):
    studio = open_studio("lists", tolerant=True)
    keys = []

    def lose(route):
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            return route.continue_()
        route.fetch()
        return route.abort()

    studio.page.route("**/api/v1/batch-list", lose)
    box(studio).fill("a red heart")
    studio.page.get_by_role("textbox", name="Name of the list").fill("Sent twice")
    studio.page.get_by_role("button", name="Draw all").click()
    expect(box(studio)).to_have_value("")
    expect(studio.page.get_by_role("heading", name="Sent twice")).to_have_count(1)
    expect(studio.page.get_by_text("Handing it in")).to_have_count(0)
    expect(studio.page.locator(".banner")).to_be_hidden()
    expect(studio.page.get_by_role("alert")).to_have_count(0)
    assert len(keys) == 2 and len(set(keys)) == 1


def test_what_is_written_while_a_list_is_on_its_way_stays(open_studio):
    studio = open_studio("lists", tolerant=True)
    sent = []

    def lose(route):
        sent.append(route)
        return route.abort() if len(sent) == 1 else route.continue_()

    studio.page.route("**/api/v1/batch-list", lose)
    box(studio).fill("a red heart")
    studio.page.get_by_role("textbox", name="Name of the list").fill("On its way")
    with studio.page.expect_request_finished(lambda one: one.method == "POST" and one.url.endswith("/batch-list")):
        studio.page.get_by_role("button", name="Draw all").click()
        box(studio).fill("a red heart\nsomething else")
    expect(studio.page.get_by_role("heading", name="On its way")).to_have_count(1)
    expect(box(studio)).to_have_value("a red heart\nsomething else")


def test_what_was_written_is_there_after_a_reload(open_studio):
    studio = open_studio("lists")
    box(studio).fill("a red heart\nhalf a li")
    studio.page.reload()
    expect(box(studio)).to_have_value("a red heart\nhalf a li")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lists_have_no_fault_on_a_phone(open_studio, scheme):
    studio = open_studio("lists", width=360, color_scheme=scheme)
    box(studio).fill("prompt,style\na cat,oil")
    expect(studio.page.locator(".mistakes li")).to_have_count(1)
    assert studio.faults() == []
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_hints_for_lines_forbid_nothing(open_studio):
    studio = open_studio("lists")
    box(studio).fill("a red heart\neine Katze\nan axolotl")
    studio.page.get_by_text("Hints for 2 lines").click()
    hints = studio.page.locator(".hints li")
    expect(hints.first).to_contain_text("far better")
    expect(hints.last).to_contain_text("“axolotl”")
    hints.last.get_by_role("button", name="Line 3").click()
    selected = box(studio).evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert selected == "an axolotl" and studio.faults() == []
    expect(studio.page.get_by_role("button", name="Draw all")).to_be_enabled()


def test_lists_that_rest_are_asked_for_in_one_request(open_studio):
    studio = open_studio("lists")
    for name in ("one", "two"):
        box(studio).fill("a red heart")
        studio.page.get_by_role("textbox", name="Name of the list").fill(name)
        studio.page.get_by_role("button", name="Draw all").click()
        card = studio.page.locator(".list-card", has=studio.page.get_by_role("heading", name=name, exact=True)).first
        expect(card).to_have_attribute("data-status", "completed")
    asked = []
    studio.page.on("request", lambda request: asked.append(request.url) if "/batch-list" in request.url else None)
    studio.page.evaluate(
        "fetch('/api/v1/batch-list', {method: 'POST', headers: {'content-type': 'application/json'}, "
        "body: JSON.stringify({text: 'a green heart', name: 'three'})})"
    )
    card = studio.page.locator(".list-card", has=studio.page.get_by_role("heading", name="three", exact=True)).first
    expect(card).to_have_attribute("data-status", "completed")
    assert len({url for url in asked if "/rows" in url}) == 1


def test_a_list_whose_looking_through_always_breaks_off_is_sent_three_times_and_then_offered(open_studio):
    studio = open_studio("lists", tolerant=True)
    sent = []

    def break_off(route):
        sent.append(route)
        return route.fulfill(status=200, content_type="text/event-stream", body="")

    studio.page.route("**/api/v1/batch-list/check*", break_off)
    box(studio).fill("a red heart")
    again = studio.page.get_by_role("button", name="Look through it")
    expect(studio.page.locator(".verdict .mistake")).to_have_text("Looking through it broke off again and again.")
    assert len(sent) == 3
    studio.page.unroute("**/api/v1/batch-list/check*")
    again.click()
    expect(studio.page.get_by_role("button", name="Draw all")).to_be_enabled()


def test_a_list_that_is_refused_says_so_and_leaves_the_verdict_of_what_was_written_meanwhile(open_studio):
    studio = open_studio("lists", tolerant=True)
    held = []
    studio.page.route("**/api/v1/batch-list", lambda route: held.append(route))
    box(studio).fill("a red heart")
    with studio.page.expect_request("**/api/v1/batch-list"):
        studio.page.get_by_role("button", name="Draw all").click()
    box(studio).fill("prompt,style\na cat,oil")
    expect(studio.page.locator(".mistakes li")).to_have_count(1)
    error = {"message": "the disk is full", "type": "server_error", "param": None, "code": "storage_full"}
    held[0].fulfill(status=503, json={"error": error})
    expect(studio.page.locator(".note.error")).to_contain_text("The disk is full")
    expect(studio.page.locator(".mistakes li")).to_have_count(1)
    expect(studio.page.get_by_role("button", name="Draw all")).to_be_disabled()


def test_a_list_that_is_handed_in_forgets_no_other_list_that_is_on_its_way(open_studio, stored):
    studio = open_studio("lists", tolerant=True)
    held = []
    studio.page.route(
        "**/api/v1/batch-list",
        lambda route: held.append(route) if route.request.method == "POST" else route.continue_(),
    )
    for text in ("a red heart", "a green heart"):
        box(studio).fill(text)
        with studio.page.expect_request(lambda one: one.method == "POST" and one.url.endswith("/batch-list")):
            studio.page.get_by_role("button", name="Draw all").click()
    held[0].continue_()
    expect(studio.page.get_by_text("One sticker is on its way.")).to_be_visible()
    assert stored(studio, "list.pending")["key"] == held[1].request.headers["idempotency-key"]
    held[1].continue_()
    expect(box(studio)).to_have_value("")
