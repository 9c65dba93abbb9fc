"""Every view for everybody: screen readers, keyboards, phones, dark rooms."""

from __future__ import annotations

import re

import pytest

from underpaint.stages.serve.http.studio import FOLDER

expect = pytest.importorskip("playwright.sync_api").expect
VIEWS = re.findall(r"name: '(\w+)'", (FOLDER / "js" / "views.js").read_text(encoding="utf-8"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_fault(open_studio, view, scheme):
    studio = open_studio(view, color_scheme=scheme, reduced_motion="reduce")
    assert studio.faults() == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_shows_all_without_scrolling_sideways_and_every_target_is_as_large_as_a_fingertip(open_studio, view):
    studio = open_studio(view, width=360, height=740, has_touch=True)
    assert studio.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = studio.page.evaluate(
        """() => [...document.querySelectorAll('a, button, select, summary, .chip, input')]
            .filter((one) => !['radio', 'checkbox'].includes(one.type))
            .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.closest('.unseen, .skip'))
            .map((one) => [one.outerHTML.slice(0, 100), one.getBoundingClientRect()])
            .filter(([, box]) => box.height < 43.5 || box.width < 43.5)
            .map(([html, box]) => `${html} ${box.width} x ${box.height}`)"""
    )
    assert small == []


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_one_main_heading_and_a_title_of_its_own(open_studio, view):
    studio = open_studio(view)
    assert studio.page.locator("h1").count() == 1
    assert studio.page.title().endswith("underpaint studio")
    expect(studio.page.get_by_role("navigation").locator("[aria-current=page]")).to_have_attribute("href", f"#/{view}")


def test_axe_finds_no_fault_in_what_was_drawn_and_in_its_large_view(open_studio):
    studio = open_studio(reduced_motion="reduce")
    strip = studio.draw("a red heart")
    assert studio.faults() == []
    strip.get_by_role("button", name="Open: a red heart").click()
    expect(studio.page.get_by_role("textbox", name="Note")).to_be_visible()
    assert studio.faults() == []


def test_a_sticker_is_drawn_and_opened_with_the_keyboard_alone(open_studio):
    studio = open_studio()
    keyboard = studio.page.keyboard

    def tab_to(name):
        for _ in range(60):
            keyboard.press("Tab")
            if name in studio.page.evaluate(
                "document.activeElement.id || document.activeElement.ariaLabel || document.activeElement.innerText"
            ):
                return
        raise AssertionError(f"no way to {name}")

    tab_to("prompt")
    keyboard.type("a brown bear")
    keyboard.press("Enter")
    studio.page.locator(".strip[data-state=succeeded]").wait_for()
    tab_to("Open: a brown bear")
    keyboard.press("Enter")
    expect(studio.page.get_by_role("dialog", name="Your sticker")).to_be_visible()
    keyboard.press("Escape")
    expect(studio.page.locator(":focus")).to_have_attribute("aria-label", "Open: a brown bear")


def test_the_end_of_a_drawing_is_said_to_those_who_do_not_see_it(open_studio):
    studio = open_studio()
    studio.draw("a red heart", n=2)
    expect(studio.page.locator("[role=status].unseen")).to_have_text("2 stickers are ready: a red heart")


def test_the_theme_that_was_chosen_holds_in_every_tab_and_after_a_reload(open_studio, chromium):
    context = chromium.new_context(color_scheme="light")
    first, second = open_studio(context=context), open_studio("gallery", context=context)
    dark = "getComputedStyle(document.body).backgroundColor"
    light = first.page.evaluate(dark)
    first.page.get_by_role("button", name="Dark colors").click()
    expect(second.page.get_by_role("button", name="Light colors")).to_be_visible()
    assert first.page.evaluate(dark) == second.page.evaluate(dark) != light
    second.page.reload()
    assert second.page.evaluate(dark) != light
    expect(second.page.get_by_role("button", name="Light colors")).to_be_visible()
