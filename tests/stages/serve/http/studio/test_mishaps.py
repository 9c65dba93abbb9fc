"""What goes wrong leaves a clear message, and everything that somebody had."""

from __future__ import annotations

import json
import re
from urllib.parse import urlparse

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

expect = pytest.importorskip("playwright.sync_api").expect
PROMPT = "What shall your sticker show?"


def ask(studio, prompt, n=8):
    """Ask for pictures and return their strip, without waiting for them."""
    studio.page.get_by_role("textbox", name=PROMPT).fill(prompt)
    studio.page.get_by_role("radio", name=str(n), exact=True).check()
    studio.page.get_by_role("button", name="Draw", exact=True).click()
    return studio.page.locator(".strip", has=studio.page.get_by_role("heading", name=prompt, exact=True)).first


def jobs(studio):
    return studio.jobs()


def errors(studio):
    return studio.page.locator(".note.error")


def test_a_connection_that_is_lost_in_mid_picture_loses_nothing(open_studio, chromium):
    context = chromium.new_context()
    studio = open_studio(context=context, tolerant=True)
    strip = ask(studio, "a cyan heart")
    expect(strip).to_have_attribute("data-job", re.compile("job-"))
    context.set_offline(True)
    studio.page.get_by_role("textbox", name=PROMPT).fill("typed while nobody answered")
    studio.page.get_by_role("button", name="Draw", exact=True).click()
    expect(studio.page.locator(".banner")).to_be_visible()
    context.set_offline(False)
    expect(studio.page.locator(".banner")).to_be_hidden()
    expect(studio.page.locator(".strip[data-state=succeeded]")).to_have_count(2)
    drawn = [job["request"]["prompt"] for job in jobs(studio)]
    assert drawn.count("a cyan heart") == drawn.count("typed while nobody answered") == 1


@pytest.mark.parametrize(
    ("name", "path"), [("Lists", "batch-list?*"), ("Queue", "queue"), ("Moods", "sheets?*"), ("Gallery", "gallery?*")]
)
def test_a_view_whose_answer_was_lost_asks_again_by_itself_and_no_error_stays(open_studio, name, path):
    studio = open_studio(tolerant=True)
    asked = []

    def lose(route):
        asked.append(route)
        return route.abort() if len(asked) == 1 else route.continue_()

    studio.page.route(f"**/api/v1/{path}", lose)
    with studio.page.expect_response(lambda answer: f"/api/v1/{path.partition('?')[0]}" in answer.url and answer.ok):
        studio.page.get_by_role("link", name=name, exact=True).click()
    expect(studio.page.locator(".banner")).to_be_hidden()
    expect(errors(studio)).to_have_count(0)
    assert len(asked) >= 2


REFUSAL = {"error": {"message": "the disk is full", "type": "server_error", "param": None, "code": "storage_full"}}


@pytest.mark.parametrize("how", ["refused", "lost"])
def test_the_error_of_a_try_ends_with_the_next_one_or_with_the_line(open_studio, how):
    studio = open_studio("queue", tolerant=True)
    tries = []

    def answer(route):
        tries.append(route)
        if len(tries) > 1:
            return route.fulfill(status=200, content_type="application/json", body="{}")
        return route.abort() if how == "lost" else route.fulfill(status=503, json=REFUSAL)

    studio.page.route("**/api/v1/queue/pause", answer)
    pause = studio.page.get_by_role("button", name="Pause all")
    if how == "lost":
        with studio.page.expect_response(lambda answer: answer.url.endswith("/health")):
            pause.click()
    else:
        pause.click()
        expect(errors(studio)).to_contain_text("The disk is full")
        pause.click()
    expect(studio.page.locator(".banner")).to_be_hidden()
    expect(errors(studio)).to_have_count(0)
    assert len(tries) == (2 if how == "refused" else 1)


def test_the_error_of_a_comparison_ends_when_it_is_drawn_again(open_studio):
    studio = open_studio("compare", tolerant=True)
    studio.page.route("**/api/v1/jobs", lambda route: route.fulfill(status=503, json=REFUSAL), times=2)
    studio.page.get_by_role("textbox", name=PROMPT).fill("a red heart")
    draw = studio.page.get_by_role("button", name="Draw both")
    draw.click()
    expect(errors(studio)).to_contain_text("The disk is full")
    draw.click()
    expect(studio.page.locator(".pair").first).to_be_visible()
    expect(errors(studio)).to_have_count(0)


@pytest.mark.slow
def test_a_server_that_is_killed_and_started_again_goes_on_where_it_was(open_studio, start_server, tmp_path):
    server = start_server(tmp_path).wait_until_ready()
    studio = open_studio(server=server, tolerant=True)
    studio.draw("a red heart")
    server.signal(9)
    server.process.wait()
    ask(studio, "a rocket", n=2)
    expect(studio.page.locator(".banner")).to_be_visible()
    again = start_server(tmp_path, "--port", urlparse(server.url).port).wait_until_ready()
    assert again.url == server.url
    expect(studio.page.locator(".strip[data-state=succeeded]")).to_have_count(2)
    expect(studio.page.locator(".banner")).to_be_hidden()
    assert [job["request"]["prompt"] for job in jobs(studio)] == ["a red heart", "a rocket"]


@pytest.mark.slow
def test_a_server_with_a_key_asks_for_it_once_and_then_shows_everything(open_studio, start_server, tmp_path):
    key = "a-key-of-thirty-two-characters-00"
    server = start_server(tmp_path, UNDERPAINT_SERVE_API_KEY=key).wait_until_ready()
    studio = open_studio(server=server, tolerant=True, waits=False)
    for wrong in ("wrong", key):
        studio.page.get_by_role("textbox", name="Key").fill(wrong)
        studio.page.get_by_role("button", name="Enter").click()
    studio.page.wait_for_selector("html[data-ready]")
    strip = studio.draw("a red heart")
    expect(strip.locator("img")).to_have_js_property("naturalWidth", 64)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (429, "queue_full", "212 s of drawing wait already"),
        (409, "gallery_full", "your gallery takes 1,000.0 of 1,000 MB"),
        (503, "storage_full", "the disk is full"),
    ],
)
def test_what_keeps_the_server_from_drawing_is_said_beside_the_words(open_studio, status, code, message):
    studio = open_studio(tolerant=True)
    body = json.dumps({"error": {"message": message, "type": "server_error", "param": None, "code": code}})
    answer = {"status": status, "content_type": "application/json", "body": body}
    studio.page.route("**/api/v1/jobs", lambda route: route.fulfill(**answer))
    strip = ask(studio, "a red heart")
    expect(strip.locator(".state")).to_contain_text(message[1:])
    expect(strip.get_by_role("button", name="Try again")).to_be_visible()
    assert studio.page.get_by_role("textbox", name=PROMPT).input_value() == "a red heart"


def test_a_page_that_is_older_than_its_server_asks_to_be_loaded_again(open_studio):
    studio = open_studio(tolerant=True)
    studio.page.get_by_role("textbox", name=PROMPT).fill("half a sentence")
    studio.page.route("**/js/views/gallery.js", lambda route: route.fulfill(status=404, body="{}"))
    studio.page.get_by_role("link", name="Gallery").click()
    expect(studio.page.get_by_role("dialog")).to_contain_text("older than the server")
    studio.page.unroute("**/js/views/gallery.js")
    studio.page.get_by_role("button", name="Load the page again").click()
    expect(studio.page.get_by_role("heading", name="Gallery")).to_be_visible()
    studio.page.get_by_role("link", name="Draw", exact=True).click()
    expect(studio.page.get_by_role("textbox", name=PROMPT)).to_have_value("half a sentence")


def test_words_that_look_like_markup_stay_words(studio):
    prompt = '<img src=x onerror=alert(1)> & "quotes"'
    strip = studio.draw(prompt)
    assert strip.get_by_role("heading").inner_text() == prompt
    strip.locator("button.paper").click()
    expect(studio.page.get_by_role("dialog").locator(".words")).to_have_text(prompt)


def test_a_browser_that_keeps_nothing_still_draws(open_studio, chromium):
    context = chromium.new_context()
    full = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }"
    context.add_init_script(full)
    open_studio(context=context).draw("a red heart")


def test_a_job_that_is_canceled_says_so_and_keeps_what_is_drawn(open_studio):
    studio = open_studio(tolerant=True)
    with studio.paused():
        strip = ask(studio, "a green tree", n=4)
        expect(strip.locator(".state")).to_contain_text("paused")
        strip.get_by_role("button", name="Cancel").click()
        expect(strip.locator(".state")).to_contain_text("Canceled")
    assert strip.locator(".tile").count() == 0


def bring(studio, path):
    """Add a file to the gallery, and return what the page says."""
    studio.page.locator("input[type=file]").set_input_files(path)
    alert = studio.page.get_by_role("alert")
    expect(alert).to_be_visible()
    return alert.inner_text()


def test_a_picture_of_a_hundred_megapixels_is_refused_by_its_name_and_size(open_studio, tmp_path):
    Image.new("1", (10_000, 10_000)).save(tmp_path / "huge.png")
    studio = open_studio("gallery", tolerant=True)
    told = bring(studio, tmp_path / "huge.png")
    assert "“huge.png”" in told and "10,000 x 10,000" in told
    studio.page.get_by_role("link", name="Draw", exact=True).click()
    studio.draw("a red heart")


@pytest.mark.parametrize(
    "text", ['{"prompt": ["<script>"]}', '{"__proto__": {"prompt": "x"}}', "{" * 50_000, "\u202e\0x", "x" * 2_000_000]
)
def test_hostile_words_in_a_picture_change_nothing(open_studio, tmp_path, text):
    info = PngInfo()
    for key in ("parameters", "underpaint"):
        info.add_itxt(key, text, zip=True)
    Image.new("RGBA", (64, 64)).save(tmp_path / "evil.png", pnginfo=info)
    studio = open_studio(tolerant=True)
    studio.page.get_by_role("textbox", name=PROMPT).fill("half a word")
    studio.page.evaluate(
        """(bytes) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], 'evil.png', {type: 'image/png'}));
            document.body.dispatchEvent(new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: files}));
        }""",
        list((tmp_path / "evil.png").read_bytes()),
    )
    alert = studio.page.get_by_role("alert")
    expect(alert).to_be_visible()
    assert len(alert.inner_text()) < 600
    assert studio.page.get_by_role("textbox", name=PROMPT).input_value() == "half a word"


def test_trouble_of_a_server_between_takes_no_strip_off_the_list(open_studio):
    studio = open_studio(tolerant=True)
    strip = studio.draw("a gray heart")
    bad = {"status": 502, "content_type": "text/html", "body": "<h1>Bad Gateway</h1>"}
    studio.page.route("**/api/v1/jobs/*", lambda route: route.fulfill(**bad), times=2)
    studio.page.reload()
    again = studio.page.locator(".strip", has=studio.page.get_by_role("heading", name="a gray heart"))
    again.locator(".tile[data-picture]").wait_for()
    assert again.get_attribute("data-job") and strip.count() == 1


def test_a_job_that_met_trouble_is_tried_again_under_its_own_key(open_studio):
    studio = open_studio(tolerant=True)
    keys = []

    def trouble(route):
        keys.append(route.request.headers["idempotency-key"])
        route.fetch()
        route.fulfill(status=504, content_type="text/html", body="<h1>Gateway Timeout</h1>")

    studio.page.route("**/api/v1/jobs", trouble, times=1)
    studio.page.get_by_role("textbox", name="What shall your sticker show?").fill("a silver heart")
    studio.page.get_by_role("button", name="Draw", exact=True).click()
    studio.page.on("request", lambda request: keys.append(request.headers.get("idempotency-key")))
    studio.page.get_by_role("button", name="Try again").click()
    studio.page.locator(".strip[data-state=succeeded]").wait_for()
    assert [key for key in keys if key] == [keys[0]] * 2


def test_arrows_in_a_note_move_in_its_words_and_not_to_another_picture(studio):
    strip = studio.draw("a golden heart", n=2)
    strip.get_by_role("button", name="Open: a golden heart").first.click()
    note = studio.page.get_by_role("textbox", name="Note")
    note.fill("for Ann")
    note.press("ArrowLeft")
    assert note.input_value() == "for Ann"


def gallery_lost(studio, strip):
    """Let a picture's entry in the gallery be out of reach until told; return its digest and how to reach it again."""
    digest = strip.locator(".tile").get_attribute("data-picture")
    is_back, asked = [], []

    def answer(route):
        asked.append(route)
        return route.continue_() if is_back else route.abort()

    studio.page.route(f"**/api/v1/gallery/{digest}", answer)
    return digest, lambda: is_back.append(True), asked


def jump(studio, address):
    studio.page.evaluate("address => { location.hash = address; }", address)


def wait_out(studio):
    """Let the page's clock run on at once, by more than the waits for a line that is lost for a moment take.

    What is tried again after a wait first asks whether the server is there, so each round waits for such an answer.
    """
    for _ in range(5):
        studio.page.clock.run_for(5_000)
        studio.page.evaluate("fetch('/health').then(() => null)")


def test_a_sketch_stays_when_the_picture_that_was_asked_for_could_come_after_all(open_studio):
    studio = open_studio(tolerant=True)
    studio.page.clock.install()
    digest, back, asked = gallery_lost(studio, studio.draw("a maroon heart"))
    jump(studio, f"#/edit?picture={digest}")
    wait_out(studio)
    assert len(asked) > 1
    studio.page.get_by_role("button", name="Sketch").click()
    studio.page.get_by_role("textbox", name="What shall it become?").fill("a sun")
    easel = studio.page.locator(".easel canvas")
    easel.focus()
    for key in ("Space", "Shift+ArrowRight", "Space"):
        studio.page.keyboard.press(key)
    back()
    wait_out(studio)
    expect(studio.page.get_by_role("textbox", name="What shall it become?")).to_have_value("a sun")
    assert studio.page.evaluate("JSON.parse(sessionStorage['underpaint.edit']).layers.paint !== null")
    assert asked and errors(studio).count() == 0


def test_what_a_view_was_waiting_for_is_neither_drawn_nor_asked_for_when_it_is_left(open_studio):
    studio = open_studio(tolerant=True)
    studio.page.clock.install()
    digest, back, asked = gallery_lost(studio, studio.draw("a teal heart"))
    before = len(jobs(studio))
    for address in (f"#/edit?picture={digest}&vary=1", f"#/compare?left={digest}&right={digest}"):
        num_asked = len(asked)
        with studio.page.expect_event("requestfailed", lambda one: digest in one.url):
            jump(studio, address)
        assert len(asked) > num_asked
        jump(studio, "#/queue")
        expect(studio.page.get_by_role("button", name="Pause all")).to_be_visible()
    back()
    num_asked = len(asked)
    wait_out(studio)
    assert len(asked) == num_asked and len(jobs(studio)) == before
    assert errors(studio).count() == 0
