"""Pictures of the studio for the documentation: first view, moods, gallery in the dark, phones, the other views.

Everything in them is drawn while they are taken, with the seeds below, by the shipped model. Run it after the page or
the weights have changed, and look at what comes out.

    python benchmarks/studio_screens.py [--out docs/images]
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from studio import FLAGS, PATIENT_MS, served

DESKTOP, LOW, PHONE = (1440, 900), (1440, 660), (360, 660)
TALL, TALL_PHONE = (1280, 1000), (360, 1000)
COLORS = 256
GAP = 24
DRAWN = (
    ("full moon", "flat"),
    ("strawberry", "cartoon"),
    ("lemon", "flat"),
    ("green apple", "gradient"),
    ("mushroom", "flat"),
    ("pig face", "gradient"),
    ("panda", "flat"),
    ("octopus", "flat"),
    ("whale", "gradient"),
    ("tropical fish", "flat"),
    ("jack-o-lantern", "cartoon"),
    ("crying face", "flat"),
    ("cat face", "flat"),
    ("blue heart", "gradient"),
    ("yellow heart", "flat"),
    ("umbrella", "flat"),
    ("rocket", "flat"),
    ("fire", "gradient"),
)
"""Prompt and style of what lies in the gallery, the oldest first; seed 0."""
AT_REST = """async () => {
    const shown = [...document.images].filter((one) => one.getBoundingClientRect().top < innerHeight);
    await Promise.all(shown.map((one) => one.decode().catch(() => null)));
    await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null)));
}"""
WORDS, STYLE, SEED = "grinning face", "Flat", 0
SHEET = {"subject": "a smiling face", "style": "gradient", "seed": 4}


def draw(url: str) -> None:
    """Draw what lies in the gallery."""
    for prompt, style in DRAWN:
        body = json.dumps({"request": {"prompt": prompt, "style": style, "seed": 0}}).encode()
        asked = urllib.request.Request(f"{url}/api/v1/jobs", body, {"content-type": "application/json"})
        with urllib.request.urlopen(asked) as answer:
            job = json.load(answer)["id"]
        with urllib.request.urlopen(f"{url}/api/v1/jobs/{job}/events") as events:
            events.read()


def opened(browser: Browser, url: str, view: str, size: tuple[int, int], scheme: Any) -> Page:
    """Open a view as somebody who was never there."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, has_touch=size[0] == PHONE[0]
    )
    page = context.new_page()
    page.set_default_timeout(PATIENT_MS)
    page.goto(f"{url}/studio/#/{view}")
    page.wait_for_selector("html[data-ready]")
    return page


def drawn(page: Page) -> Page:
    """Draw four pictures in the first view, and look at its top."""
    page.get_by_role("textbox", name="What shall your sticker show?").fill(WORDS)
    page.get_by_role("radio", name=STYLE).check()
    page.get_by_text("More settings").click()
    page.get_by_role("textbox", name="Number of the picture").fill(str(SEED))
    page.get_by_text("More settings").click()
    page.get_by_role("button", name="Draw", exact=True).click()
    page.wait_for_selector(".strip[data-state=succeeded]")
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    return page


def seen(page: Page) -> Image.Image:
    """Return what a page shows once it is at rest."""
    page.evaluate(AT_REST)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def gallery(page: Page) -> Page:
    """Wait until all pictures of the gallery are there."""
    page.wait_for_selector(f".picture-grid li:nth-child({len(DRAWN)}) img")
    return page


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures beside each other, on paper."""
    width = sum(one.width for one in pictures) + GAP * (len(pictures) + 1)
    sheet = Image.new("RGB", (width, pictures[0].height + 2 * GAP), "#d9cfbe")
    left = GAP
    for one in pictures:
        sheet.paste(one, (left, GAP))
        left += one.width + GAP
    return sheet


def phones(browser: Browser, url: str) -> Image.Image:
    """Return what was drawn, the gallery in the dark, and a sticker, on phones."""
    first = drawn(opened(browser, url, "create", PHONE, "light"))
    first.locator(".strip").scroll_into_view_if_needed()
    many = gallery(opened(browser, url, "gallery", PHONE, "dark"))
    pictures = [seen(first), seen(many)]
    many.get_by_role("button", name="Open: strawberry").click()
    many.wait_for_selector(".remarks")
    return side_by_side([*pictures, seen(many)])


def redraw(page: Page) -> Page:
    """Redraw a picture of the gallery where a brush says."""
    page.evaluate("location.hash = '#/gallery'")
    page.get_by_role("button", name="Open: panda").click()
    page.get_by_role("button", name="Redraw", exact=True).click()
    page.get_by_role("textbox", name="What shall it become?").fill("a panda with a red hat")
    easel = page.locator(".easel canvas")
    easel.scroll_into_view_if_needed()
    box = easel.bounding_box() or {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0}
    places = [(box["x"] + x * box["width"], box["y"] + 0.2 * box["height"]) for x in (0.25, 0.75)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    page.mouse.up()
    page.evaluate("scrollTo(0, 0)")
    return page


def listed(page: Page) -> Page:
    """Draw a list of four lines."""
    page.get_by_role("textbox", name="What shall be drawn?").fill(
        "prompt,style,n\nred heart,flat,2\nsun,cartoon,2\nfish,gradient,2\nrocket,flat,2"
    )
    page.get_by_role("textbox", name="Name of the list").fill("for Ann")
    page.get_by_role("button", name="Draw all").click()
    page.wait_for_selector(".list-card[data-status=completed] .tile:nth-child(8) img")
    page.get_by_role("textbox", name="What shall be drawn?").fill("prompt,style\nred heart,flat\na cat,oil")
    page.wait_for_selector(".mistakes li")
    page.wait_for_selector(".note", state="detached")
    page.evaluate("document.activeElement.blur()")
    page.evaluate("scrollTo(0, 0)")
    page.locator(".mistakes").evaluate(
        "one => one.getBoundingClientRect().bottom > .85 * innerHeight && one.scrollIntoView({block: 'center'})"
    )
    return page


def queued(page: Page) -> Page:
    """Stop the queue with five jobs in it."""
    for path, body in [("queue/pause", None)] + [
        ("jobs", {"request": {"prompt": p, "style": s}}) for p, s in DRAWN[:5]
    ]:
        page.request.post(page.url.partition("/studio")[0] + f"/api/v1/{path}", data=body)
    page.wait_for_selector(".queue-row:nth-child(5)")
    return page


def compared(page: Page) -> Page:
    """Compare two styles."""
    page.get_by_role("textbox", name="What shall your sticker show?").fill("blue heart")
    page.get_by_role("group", name="Right", exact=True).get_by_role("radio", name=STYLE).check()
    page.get_by_role("radio", name="1", exact=True).check()
    page.get_by_role("button", name="Draw both").click()
    page.wait_for_selector(".pair figure:nth-of-type(2) canvas")
    page.locator(".pair").scroll_into_view_if_needed()
    return page


def moods(browser: Browser, url: str) -> Image.Image:
    """Draw a sheet of moods, and return what its view shows on a desk and on a phone."""
    body = json.dumps(SHEET).encode()
    urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/sheets", body, {"content-type": "application/json"}))
    desk = with_sheet(opened(browser, url, "moods", TALL, "light"))
    phone = with_sheet(opened(browser, url, "moods", TALL_PHONE, "dark"))
    return side_by_side([seen(desk), seen(phone)])


def with_sheet(page: Page) -> Page:
    """Wait until a sheet is finished, and write into the box whose it is."""
    page.wait_for_selector(".sheet[data-status=completed] li:last-child img")
    page.get_by_role("textbox", name="Whose moods shall be drawn?").fill(str(SHEET["subject"]))
    page.get_by_role("radio", name=str(SHEET["style"]).title()).check()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    return page


VIEWS = (("edit", redraw), ("lists", listed), ("compare", compared), ("queue", queued))
"""Views that are shown together, and what is done in them; the last one stops the queue, so it is the last."""


def others(browser: Browser, url: str, size: tuple[int, int], scheme: Any) -> list[Image.Image]:
    """Return the other views; the queue goes on afterwards."""
    taken = [seen(prepare(opened(browser, url, view, size, scheme))) for view, prepare in VIEWS]
    for job in json.load(urllib.request.urlopen(f"{url}/api/v1/jobs?state=queued"))["data"]:
        urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/jobs/{job['id']}/cancel", method="POST"))
    urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/queue/resume", method="POST"))
    return taken


def in_a_square(pictures: list[Image.Image]) -> Image.Image:
    """Return four pictures, half as large, two above two, on paper."""
    half = [one.resize((one.width // 2, one.height // 2), Image.Resampling.LANCZOS) for one in pictures]
    above, below = side_by_side(half[:2]), side_by_side(half[2:])
    sheet = Image.new("RGB", (above.width, above.height + below.height - GAP), "#d9cfbe")
    sheet.paste(above, (0, 0))
    sheet.paste(below, (0, above.height - GAP))
    return sheet


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder of the pictures")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state, served(Path(state)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        draw(url)
        taken = {
            "studio-gallery-dark": seen(gallery(opened(browser, url, "gallery", LOW, "dark"))),
            "studio-create": seen(drawn(opened(browser, url, "create", DESKTOP, "light"))),
            "studio-moods": moods(browser, url),
            "studio-phone": phones(browser, url),
            "studio-views": in_a_square(others(browser, url, DESKTOP, "light")),
            "studio-views-phone": side_by_side(others(browser, url, PHONE, "dark")),
        }
        browser.close()
    for name, picture in taken.items():
        palette = picture.quantize(COLORS)
        reduced = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        reduced.save(args.out / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
