"""Redrawing: pictures brought, sketched or drawn here, as a whole or in part, by hand or by keys."""

from __future__ import annotations

import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

expect = pytest.importorskip("playwright.sync_api").expect


def sticker(side=64):
    image = Image.new("RGBA", (side, side))
    ImageDraw.Draw(image).ellipse((side // 8, side // 8, side - 8, side - 8), fill=(220, 60, 40, 180))
    return image


def png(image):
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def noise(side):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 4), dtype=np.uint8))


def drop(studio, data, name, kind, at="header"):
    event = """([bytes, name, type]) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([new Uint8Array(bytes)], name, {type}));
        return dataTransfer;
    }"""
    files = studio.page.evaluate_handle(event, [list(data), name, kind])
    studio.page.dispatch_event(at, "drop", {"dataTransfer": files})


def bring(studio, data, name="mine.png", kind="image/png"):
    file = {"name": name, "mimeType": kind, "buffer": data}
    studio.page.locator(".edit input[type=file]").set_input_files(file)


def stroke(studio, *points):
    easel = studio.page.locator(".easel canvas")
    easel.scroll_into_view_if_needed()
    box = easel.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    studio.page.mouse.move(*places[0])
    studio.page.mouse.down()
    for place in places[1:]:
        studio.page.mouse.move(*place, steps=4)
    studio.page.mouse.up()


def redraw(studio, prompt, *, n=1):
    studio.page.get_by_role("textbox", name="What shall it become?").fill(prompt)
    studio.page.get_by_role("group", name="How many").get_by_role("radio", name=str(n), exact=True).check()
    studio.page.get_by_role("button", name="Redraw", exact=True).click()
    return finished(studio)


def finished(studio):
    strip = studio.page.locator(".strip").first
    expect(strip).to_have_attribute("data-state", "succeeded")
    return strip


def pixels(studio, tile):
    digest = tile.get_attribute("data-picture")
    data = studio.page.request.get(f"{studio.url}/api/v1/images/{digest}").body()
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def test_outside_the_part_that_was_chosen_no_pixel_changes(open_studio):
    studio = open_studio("edit")
    given = sticker()
    bring(studio, png(given))
    expect(studio.page.locator(".easel")).to_be_visible()
    stroke(studio, (0.2, 0.2), (0.8, 0.2))
    strip = redraw(studio, "a red ball with a hat")
    drawn, before = pixels(studio, strip.locator(".tile")), np.asarray(given)
    assert (drawn[24:] == before[24:]).all()
    assert (drawn[:24] != before[:24]).any()


def test_a_sketch_is_painted_with_keys_alone_and_redrawn(open_studio):
    studio = open_studio("edit")
    studio.page.get_by_role("button", name="Sketch").press("Enter")
    easel = studio.page.locator(".easel canvas")
    easel.focus()
    studio.page.keyboard.press("Space")
    for _ in range(3):
        studio.page.keyboard.press("Shift+ArrowRight")
    studio.page.keyboard.press("Space")
    studio.wait_until("canvas => canvas.getContext('2d').getImageData(400, 256, 1, 1).data[3] === 255", easel)
    strip = redraw(studio, "a sun", n=2)
    expect(strip.locator(".tile img")).to_have_count(2)


def test_an_empty_sheet_and_missing_words_are_told(open_studio):
    studio = open_studio("edit")
    studio.page.get_by_role("button", name="Sketch").click()
    studio.page.get_by_role("button", name="Redraw", exact=True).click()
    expect(studio.page.locator(".mistake", has_text="Write what the sticker shall show.")).to_be_visible()
    studio.page.get_by_role("textbox", name="What shall it become?").fill("a sun")
    studio.page.get_by_role("button", name="Redraw", exact=True).click()
    expect(studio.page.get_by_text("The sheet is still empty.")).to_be_visible()
    assert studio.page.locator(".strip").count() == 0


def test_letters_that_cannot_be_read_hold_the_button_with_the_reason_until_other_words_are_there(open_studio):
    studio = open_studio("edit")
    studio.page.get_by_role("button", name="Sketch").click()
    words = studio.page.get_by_role("textbox", name="What shall it become?")
    button, mistake = (
        studio.page.get_by_role("button", name="Redraw", exact=True),
        studio.page.locator(".ask .prompt .mistake"),
    )
    hint = studio.page.locator(".ask .prompt .hint")
    usual = hint.inner_text()
    for others in (lambda: words.fill("a red heart"), lambda: bring(studio, png(sticker()))):
        words.fill("hi 麒麟")
        expect(mistake).to_contain_text(
            re.compile("^The prompt holds '麒' .* at position 4, which the model cannot read;")
        )
        expect(button).to_be_disabled()
        words.press("Enter")
        assert studio.page.locator(".strip").count() == 0 and mistake.inner_text() and studio.faults() == []
        assert hint.inner_text() == usual
        others()
        expect(button).to_be_enabled()
        expect(mistake).to_be_empty()
    words.fill("an axolotl")
    expect(hint).to_contain_text("may not know “axolotl”")


def negative_box(studio):
    """Unfold the further settings; return the box for what shall not be seen, its hint and its mistake."""
    studio.page.get_by_role("button", name="Sketch").click()
    studio.page.get_by_role("textbox", name="What shall it become?").fill("a red heart")
    studio.page.get_by_text("More settings").click()
    words = studio.page.get_by_role("textbox", name="What shall not be seen")
    ids = words.get_attribute("aria-describedby").split()
    return words, *(studio.page.locator(f"#{one}") for one in ids)


def test_what_the_model_hardly_knows_of_what_shall_not_be_seen_is_said_there(open_studio):
    studio = open_studio("edit")
    words, hint, mistake = negative_box(studio)
    expect(hint).to_have_attribute("role", "status")
    for text, told in (
        ("an axolotl", "The model may not know “axolotl”; it can hardly draw away from that."),
        ("ein roter Hut und eine Katze", "It understands English words far better, also to draw away from."),
        ("a hat", "It is drawn away from that."),
    ):
        words.fill(text)
        expect(hint).to_contain_text(told)
        expect(mistake).to_be_empty()
    expect(studio.page.get_by_role("button", name="Redraw", exact=True)).to_be_enabled()
    assert studio.faults() == []


def test_letters_that_cannot_be_read_of_what_shall_not_be_seen_hold_the_button_too(open_studio):
    studio = open_studio("edit")
    words, _, mistake = negative_box(studio)
    button = studio.page.get_by_role("button", name="Redraw", exact=True)
    words.fill("麒麟")
    expect(mistake).to_contain_text(re.compile("'麒' .* at position 1, which the model cannot read;"))
    expect(words).to_have_attribute("aria-invalid", "true")
    expect(button).to_be_disabled()
    words.press("Enter")
    expect(words).to_be_focused()
    assert studio.page.locator(".strip").count() == 0 and studio.faults() == []
    studio.page.get_by_text("More settings").click()
    expect(words).to_be_hidden()
    studio.page.get_by_role("textbox", name="What shall it become?").press("Enter")
    expect(words).to_be_focused()
    studio.page.reload()
    expect(words).to_be_visible()  # unfolded, since it holds the button
    expect(button).to_be_disabled()
    words.fill("a hat")
    expect(mistake).to_be_empty()
    expect(button).to_be_enabled()


def test_what_holds_the_button_is_said_beside_it_while_the_box_is_folded_away(open_studio):
    studio = open_studio("edit")
    words, _, mistake = negative_box(studio)
    beside = studio.page.locator(".edit-form > .mistake")
    words.fill("hat шляпа")
    expect(mistake).to_contain_text("at position 5")
    expect(beside).to_be_empty()
    studio.page.get_by_text("More settings").click()
    expect(words).to_be_hidden()
    expect(studio.page.get_by_role("button", name="Redraw", exact=True)).to_be_disabled()
    expect(beside).to_have_text(f"What shall not be seen: {mistake.text_content()}")
    assert studio.faults() == []
    studio.page.get_by_text("More settings").click()
    expect(beside).to_be_empty()


def test_what_the_server_refuses_of_what_shall_not_be_seen_is_said_below_that_box_alone(open_studio):
    studio = open_studio("edit", tolerant=True)
    words, _, mistake = negative_box(studio)
    bring(studio, png(sticker()))
    prompt = studio.page.get_by_role("textbox", name="What shall it become?")
    expect(prompt).to_have_value("")
    prompt.fill("a red heart")
    studio.page.route("**/api/v1/prompts/check", lambda _: None)
    with studio.page.expect_response("**/api/v1/jobs") as sent:
        words.fill("hat шляпа")
        studio.page.get_by_text("More settings").click()
        prompt.press("Enter")
    assert sent.value.status == 400
    expect(mistake).to_contain_text(re.compile("^The prompt holds 'ш' .* at position 5, which the model cannot read;"))
    expect(words).to_be_focused()
    expect(studio.page.locator(".strip")).to_have_count(0)
    assert studio.page.get_by_role("heading", name="What became of it").count() == 0
    with studio.page.expect_response("**/api/v1/jobs") as sent:
        words.fill("a hat")
        expect(mistake).to_be_empty()
        words.press("Enter")
    assert sent.value.status == 202
    expect(studio.page.locator(".strip")).to_have_count(1)


def test_strokes_are_taken_back_and_the_other_part_can_be_chosen(open_studio):
    studio = open_studio("edit")
    bring(studio, png(sticker()))
    veiled = """() => {
        const data = JSON.parse(sessionStorage.getItem('underpaint.edit')).layers.veil;
        return data === null ? null : data.length;
    }"""
    stroke(studio, (0.5, 0.5), (0.6, 0.5))
    first = studio.page.evaluate(veiled)
    stroke(studio, (0.2, 0.2), (0.3, 0.8))
    assert studio.page.evaluate(veiled) != first
    studio.page.get_by_role("button", name="Undo").click()
    assert studio.page.evaluate(veiled) == first
    studio.page.get_by_role("button", name="The other part").click()
    studio.page.get_by_role("button", name="Clear").click()
    assert studio.page.evaluate(veiled) is None


def test_variations_of_a_picture_are_one_step_away_and_know_their_parent(studio):
    strip = studio.draw("a purple heart")
    parent = strip.locator(".tile").get_attribute("data-picture")
    strip.get_by_role("button", name="Open: a purple heart").click()
    studio.page.get_by_role("button", name="Variations").click()
    expect(studio.page.locator(".edit .strip").first).to_have_attribute("data-state", "succeeded")
    tiles = studio.page.locator(".edit .strip .tile")
    expect(tiles.locator("img")).to_have_count(4)
    child = tiles.first.get_attribute("data-picture")
    known = studio.page.request.get(f"{studio.url}/api/v1/gallery/{child}").json()
    assert known["parent"] == parent and known["settings"]["edit"]["strength"] == 0.5


def test_picture_veil_and_words_are_there_after_a_reload(open_studio):
    studio = open_studio("edit")
    bring(studio, png(sticker()))
    stroke(studio, (0.2, 0.5), (0.8, 0.5))
    studio.page.get_by_role("textbox", name="What shall it become?").fill("a red ball")
    look = "canvas => Array.from(canvas.getContext('2d').getImageData(256, 256, 1, 1).data)"
    before = studio.page.locator(".easel canvas").evaluate(look)
    studio.page.reload()
    expect(studio.page.get_by_role("textbox", name="What shall it become?")).to_have_value("a red ball")
    studio.page.wait_for_function(
        "seen => JSON.stringify(Array.from(document.querySelector('.easel canvas').getContext('2d')"
        ".getImageData(256, 256, 1, 1).data)) === JSON.stringify(seen)",
        arg=before,
    )


def head_of_a_png(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (head_of_a_png(10_000, 10_000), "poster.png", "“poster.png” has 10000 × 10000 pixels, and at most 40 million"),
        (b"not a picture", "letter.png", "“letter.png” is no PNG, JPEG or WebP that can be opened"),
        (head_of_a_png(64, 65), "head.png", "“head.png” is cut off or damaged"),
        (png(noise(64))[:1500], "cut.png", "“cut.png” is cut off or damaged"),
        (png(noise(200))[:9000], "photo.png", "“photo.png” is cut off or damaged"),
    ],
    ids=["far too large", "no picture", "cut off", "cut off at the model's size", "cut off at another size"],
)
def test_what_cannot_be_taken_is_said_and_what_lay_there_stays(open_studio, data, name, words):
    studio = open_studio("edit")
    bring(studio, png(sticker()))
    studio.page.get_by_role("textbox", name="What shall it become?").fill("a red ball")
    bring(studio, data, name)
    expect(studio.page.get_by_role("alert")).to_contain_text(words)
    expect(studio.page.get_by_role("textbox", name="What shall it become?")).to_have_value("a red ball")
    expect(studio.page.locator(".easel")).to_be_visible()


@pytest.mark.parametrize("at", ["header", ".edit"])
def test_what_is_dropped_is_taken_as_this_view_takes_it_and_a_good_picture_ends_the_complaint(open_studio, at):
    studio = open_studio("edit")
    alert = studio.page.get_by_role("alert")
    drop(studio, b"Dear Ann", "note.txt", "text/plain", at)
    expect(alert).to_contain_text("“note.txt” is no PNG, JPEG or WebP")
    drop(studio, png(sticker()), "mine.png", "image/png", at)
    expect(studio.page.locator(".easel")).to_be_visible()
    expect(alert).to_have_count(0)


def test_what_is_dropped_after_this_view_is_another_views(open_studio):
    studio = open_studio("edit")
    studio.page.get_by_role("link", name="Draw", exact=True).click()
    drop(studio, b"Dear Ann", "note.txt", "text/plain")
    expect(studio.page.get_by_role("alert")).to_contain_text("Drop a PNG that underpaint drew")


@pytest.mark.parametrize(
    ("kind", "more"),
    [("JPEG", {}), ("WEBP", {}), ("JPEG", {"icc_profile": bytes(700_000)})],
    ids=["JPEG", "WebP", "JPEG with a head of 700 KB"],
)
def test_photographs_of_any_shape_are_fitted_into_the_square(open_studio, kind, more):
    studio = open_studio("edit")
    Image.new("RGB", (900, 300), (40, 160, 70)).save(file := io.BytesIO(), kind, **more)
    bring(studio, file.getvalue(), f"wide.{kind.lower()}", f"image/{kind.lower()}")
    look = "canvas => [64, 256].map(y => canvas.getContext('2d').getImageData(256, y, 1, 1).data[3])"
    expect(studio.page.locator(".easel")).to_be_visible()
    studio.page.wait_for_function(f"() => ({look})(document.querySelector('.easel canvas'))[1] === 255")
    assert studio.page.locator(".easel canvas").evaluate(look) == [0, 255]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_redrawing_has_no_fault_on_a_phone(open_studio, scheme):
    studio = open_studio("edit", width=360, color_scheme=scheme)
    assert studio.faults() == []
    studio.page.get_by_role("button", name="Sketch").click()
    assert studio.faults() == []
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= 360
