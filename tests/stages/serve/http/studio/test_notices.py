"""Notices never stand in the way: they end with what they are about, and nothing that is clicked lies under them."""

from __future__ import annotations

import io
import itertools

import pytest
from PIL import Image

expect = pytest.importorskip("playwright.sync_api").expect
SCREENS = {"desktop": (1280, 900), "phone": (360, 740)}
MOST = {"desktop": 2, "phone": 1}
FRESH = itertools.count()
UNCOVERED = """element => {
    const box = element.getBoundingClientRect();
    return [0.1, 0.5, 0.9].every(x => [0.1, 0.5, 0.9].every(y => {
        const at = document.elementFromPoint(box.left + x * box.width, box.top + y * box.height);
        return at !== null && (element.contains(at) || at.contains(element));
    }));
}"""


def upload(name, data):
    return {"name": name, "mimeType": "image/png", "buffer": data}


def picture(side=64, mode="RGBA"):
    Image.new(mode, (side, side), 1 if mode == "1" else (200, 40, 60, 255)).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def bring(studio, *files):
    studio.page.locator("main input[type=file]").set_input_files(list(files))


def alerts(studio):
    return studio.page.locator(".note.error:visible")


def screen(name):
    width, height = SCREENS[name]
    return {"width": width, "height": height}


def choose_brought(studio, n=2):
    """Bring pictures into the gallery and choose them, each by its pixels: others may come before it meanwhile.

    What is chosen may lie under the bar that the first choice brings, so no pointer is used.
    """
    brought = []
    for shade in range(n):
        Image.new("RGBA", (64, 64), (next(FRESH), shade, n, 255)).save(file := io.BytesIO(), "PNG")
        with studio.page.expect_response(lambda answer: answer.request.method == "POST") as told:
            bring(studio, upload(f"mine{shade}.png", file.getvalue()))
        brought.append(told.value.json()["pixel_sha256"])
    expect(studio.page.locator(".note:visible").last).to_contain_text("in your gallery")
    for digest in brought:
        studio.page.locator(f".tile[data-picture='{digest}'] .chooser input").evaluate("box => box.click()")


@pytest.mark.parametrize("size", SCREENS)
def test_redraw_is_clicked_while_an_error_stands(open_studio, size):
    studio = open_studio("edit", tolerant=True, **screen(size))
    bring(studio, upload("good.png", picture()))
    studio.page.get_by_role("textbox", name="What shall it become?").fill("a red ball")
    studio.page.evaluate("scrollTo(0, 1e6)")
    bring(studio, upload("letter.png", b"Dear Ann"))
    expect(alerts(studio)).to_contain_text("letter.png")
    redraw = studio.page.locator("main .button.main:visible")
    redraw.scroll_into_view_if_needed()
    studio.wait_until(UNCOVERED, redraw)
    redraw.click()
    expect(studio.page.locator(".strip")).to_have_count(1)
    expect(alerts(studio)).to_have_count(1)


def test_a_new_try_ends_the_error_of_the_former(open_studio):
    studio = open_studio("edit")
    bring(studio, upload("letter.png", b"Dear Ann"))
    expect(alerts(studio)).to_contain_text("letter.png")
    bring(studio, upload("huge.png", picture(10_000, "1")))
    expect(alerts(studio)).to_contain_text("huge.png")
    expect(alerts(studio)).to_have_count(1)
    bring(studio, upload("good.png", picture()))
    expect(studio.page.locator(".easel")).to_be_visible()
    expect(alerts(studio)).to_have_count(0)


def test_errors_of_a_view_end_with_it(open_studio):
    studio = open_studio("edit")
    bring(studio, upload("letter.png", b"Dear Ann"))
    expect(studio.page.get_by_role("alert")).to_contain_text("letter.png")
    studio.page.get_by_role("link", name="Gallery").click()
    expect(studio.page.get_by_role("heading", name="Gallery")).to_be_visible()
    expect(studio.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("size", SCREENS)
def test_at_most_two_notices_stand_and_the_action_bar_stands_free(open_studio, size):
    studio = open_studio("gallery", tolerant=True, **screen(size))
    choose_brought(studio)
    bring(studio, *(upload(f"letter{i}.png", b"Dear Ann") for i in range(4)))
    expect(alerts(studio).last).to_contain_text("letter3.png")
    expect(alerts(studio)).to_have_count(MOST[size])
    expect(studio.page.locator(".older")).to_be_visible()
    for name in ("Sticker pack", "Delete"):
        studio.wait_until(UNCOVERED, studio.page.locator(".bar").get_by_role("button", name=name))
    bar, notes = (studio.page.locator(one).bounding_box() for one in (".bar", ".notes"))
    assert bar["y"] + bar["height"] <= notes["y"]
    studio.page.locator(".bar").get_by_role("button", name="Sticker pack").click()
    dialog = studio.page.get_by_role("dialog")
    make = dialog.get_by_role("button", name="Download the pack")
    expect(make).to_be_visible()
    studio.wait_until(UNCOVERED, make)
    expect(dialog.get_by_role("alert")).to_have_count(MOST[size])


@pytest.mark.parametrize("size", SCREENS)
def test_the_button_of_the_pack_is_always_in_sight(open_studio, size):
    studio = open_studio("gallery", **screen(size))
    choose_brought(studio)
    studio.page.locator(".bar").get_by_role("button", name="Sticker pack").click()
    dialog = studio.page.get_by_role("dialog")
    make = dialog.get_by_role("button", name="Download the pack")
    expect(make).to_be_visible()
    foot, body = dialog.locator(".foot"), dialog.locator(".dialog-body")
    edges = [box["y"] + box["height"] for box in (foot.bounding_box(), body.bounding_box())]
    assert abs(edges[0] - edges[1]) <= 2
    for place in ("0", "1e6"):
        body.evaluate(f"body => body.scrollTo(0, {place})")
        expect(make).to_be_in_viewport(ratio=1)
        studio.wait_until(UNCOVERED, make)


def test_the_names_of_all_views_have_room_on_a_phone(open_studio):
    studio = open_studio(**screen("phone"))
    boxes = studio.page.locator("nav a span").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().toJSON())"
    )
    edges = [edge for box in boxes for edge in (box["left"], box["right"])]
    assert edges[0] >= 4 and edges[-1] <= 360 - 4
    assert all(b["left"] - a["right"] >= 4 for a, b in itertools.pairwise(boxes))
    sizes = studio.page.locator("nav a span").evaluate_all(
        "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 13
