"""A second language: a folder of words and one entry; what it lacks is said in English."""

from __future__ import annotations

import re

import pytest

from underpaint.stages.serve.http.studio import FOLDER

expect = pytest.importorskip("playwright.sync_api").expect
TABLE = (FOLDER / "js" / "words" / "languages.js").read_text(encoding="utf-8")
ENTRY = "  xx: { name: 'Çõďé', rtl: true, load: () => import('./xx/words.js') },\n};"
WORDS = "export const words = {'create.draw': '[Ðŕáŵ]', 'moods.draw': ({ n }) => `[${n} šťíčķéŕš]`};"


@pytest.fixture
def speaking(chromium):
    """Make a browser of a locale, whose server knows a pseudo-language."""
    contexts = []

    def context(locale, words=WORDS):
        made = chromium.new_context(locale=locale)
        body = re.sub(r"^\};$", lambda _: ENTRY, TABLE, flags=re.MULTILINE)
        script = {"content_type": "text/javascript"}
        made.route("**/js/words/languages.js", lambda route: route.fulfill(body=body, **script))
        made.route("**/js/words/xx/words.js", lambda route: route.fulfill(body=words, **script))
        contexts.append(made)
        return made

    return context


def test_the_browsers_language_is_spoken_and_what_it_lacks_stays_english(open_studio, speaking):
    studio = open_studio(context=speaking("xx"))
    expect(studio.page.get_by_role("button", name="[Ðŕáŵ]")).to_be_visible()
    expect(studio.page.get_by_role("group", name="How many")).to_be_visible()
    assert studio.page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["xx", "rtl"]
    studio.page.get_by_role("link", name="Moods").click()
    expect(studio.page.get_by_role("button", name="[9 šťíčķéŕš]")).to_be_visible()


def test_the_switch_chooses_another_language_for_good(open_studio, speaking):
    studio = open_studio(context=speaking("en-US"))
    expect(studio.page.get_by_role("button", name="Draw", exact=True)).to_be_visible()
    studio.page.get_by_role("combobox", name="Language").select_option(label="Çõďé")
    expect(studio.page.get_by_role("button", name="[Ðŕáŵ]")).to_be_visible()
    studio.page.reload()
    expect(studio.page.get_by_role("button", name="[Ðŕáŵ]")).to_be_visible()
    studio.page.get_by_role("combobox", name="Language").select_option(label="English")
    expect(studio.page.get_by_role("button", name="Draw", exact=True)).to_be_visible()


def test_a_language_whose_words_are_broken_leaves_the_page_in_english(open_studio, speaking):
    studio = open_studio(context=speaking("xx", words="export const words = {"))
    expect(studio.page.get_by_role("button", name="Draw", exact=True)).to_be_visible()
    assert studio.page.evaluate("document.documentElement.lang") == "en"


def test_with_one_language_there_is_no_switch(studio):
    assert studio.page.get_by_role("combobox", name="Language").count() == 0
