"""The gallery: found again, told apart, deleted and brought back, on every page that is open."""

from __future__ import annotations

import zipfile

import pytest
from PIL import Image

expect = pytest.importorskip("playwright.sync_api").expect


def cells(studio):
    return studio.page.locator(".picture-grid li")


def draw_through_the_server(studio, prompt, n=1):
    """Draw pictures without the page, and wait until they are in the gallery."""
    script = """async ([prompt, n]) => {
        const headers = {'content-type': 'application/json'};
        const body = JSON.stringify({request: {prompt, n}});
        const made = await (await fetch('/api/v1/jobs', {method: 'POST', headers, body})).json();
        const events = await fetch(`/api/v1/jobs/${made.id}/events`);
        await events.text();
        const found = await (await fetch(`/api/v1/gallery?job=${made.id}`)).json();
        return found.data.map((one) => one.pixel_sha256);
    }"""
    return studio.page.evaluate(script, [prompt, n])


def in_gallery(studio, query):
    return studio.page.evaluate(f"fetch('/api/v1/gallery?{query}').then(answer => answer.json())")


def test_what_was_drawn_is_found_by_its_words_and_comes_by_itself(open_studio):
    studio = open_studio("gallery?search=watering+can")
    expect(studio.page.get_by_text("Nothing fits.")).to_be_visible()
    drawn = draw_through_the_server(studio, "a watering can", n=2)
    expect(cells(studio)).to_have_count(2)
    assert {cell.get_attribute("data-picture") for cell in studio.page.locator(".tile").all()} == set(drawn)
    studio.page.get_by_role("searchbox").fill("watering teapot")
    expect(cells(studio)).to_have_count(0)
    assert "watering+teapot" in studio.page.url


def test_deleting_can_be_undone_and_what_is_in_the_bin_can_be_brought_back(open_studio):
    studio = open_studio("gallery?search=blue+circle")
    draw_through_the_server(studio, "a blue circle", n=3)
    expect(cells(studio)).to_have_count(3)
    for i in (0, 2):
        studio.page.get_by_role("checkbox", name="Choose: a blue circle").nth(i).check()
    expect(studio.page.get_by_text("2 chosen")).to_be_visible()
    studio.page.get_by_role("button", name="Delete").click()
    expect(cells(studio)).to_have_count(1)
    studio.page.get_by_role("button", name="Undo").click()
    expect(cells(studio)).to_have_count(3)
    cells(studio).first.get_by_role("button", name="Open").focus()
    studio.page.keyboard.press("Delete")
    expect(cells(studio)).to_have_count(2)
    studio.page.get_by_role("radio", name="Bin").check()
    expect(cells(studio)).to_have_count(1)
    studio.page.get_by_role("checkbox", name="Choose: a blue circle").check()
    studio.page.get_by_role("button", name="Bring back").click()
    expect(cells(studio)).to_have_count(0)
    assert in_gallery(studio, "search=blue+circle")["total"] == 3


def test_favorites_stars_and_notes_are_kept_and_can_be_looked_for(open_studio):
    studio = open_studio("gallery?search=orange+star")
    draw_through_the_server(studio, "an orange star", n=2)
    expect(cells(studio)).to_have_count(2)
    cells(studio).first.get_by_role("button", name="Favorite").click()
    expect(cells(studio).first.get_by_role("button", name="Favorite")).to_have_attribute("aria-pressed", "true")
    cells(studio).first.get_by_role("button", name="Open").click()
    dialog = studio.page.get_by_role("dialog")
    dialog.get_by_role("button", name="4 stars").click()
    expect(dialog.get_by_role("button", name="4 stars")).to_have_attribute("aria-pressed", "true")
    dialog.get_by_role("textbox", name="Note").fill("for Ann's birthday")
    with studio.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        dialog.get_by_role("textbox", name="Note").blur()
    studio.page.keyboard.press("Escape")
    studio.page.get_by_role("radio", name="Favorites").check()
    studio.page.get_by_role("searchbox").fill("ann birthday")
    expect(cells(studio)).to_have_count(1)
    found = in_gallery(studio, "search=ann")["data"]
    assert [(one["favorite"], one["rating"], one["note"]) for one in found] == [(True, 4, "for Ann's birthday")]


def test_arrows_walk_through_the_pictures_large_and_small(open_studio):
    studio = open_studio("gallery?search=gray+cube")
    draw_through_the_server(studio, "a gray cube", n=3)
    expect(cells(studio)).to_have_count(3)
    openers = studio.page.get_by_role("button", name="Open: a gray cube")
    openers.first.focus()
    studio.page.keyboard.press("ArrowRight")
    studio.page.keyboard.press("End")
    expect(openers.nth(2)).to_be_focused()
    assert openers.evaluate_all("all => all.filter(one => one.tabIndex === 0).length") == 1
    studio.page.keyboard.press("Enter")
    studio.page.keyboard.press("ArrowRight")
    expect(studio.page.locator("[role=status].unseen")).to_have_text("Picture 1 of 3: a gray cube")
    studio.page.keyboard.press("Escape")
    expect(openers.nth(2)).to_be_focused()


def test_a_picture_that_is_dropped_fills_the_form_with_what_drew_it(open_studio, tmp_path):
    studio = open_studio("gallery")
    [digest] = draw_through_the_server(studio, "a pink flower")
    drop(studio, "flower.png", studio.page.request.get(f"{studio.url}/api/v1/images/{digest}").body())
    expect(studio.page.get_by_role("textbox", name="What shall your sticker show?")).to_have_value("a pink flower")
    studio.page.get_by_role("button", name="Draw", exact=True).click()
    expect(studio.page.locator(".strip .tile").first).to_have_attribute("data-picture", digest)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 200])
def test_a_file_that_is_no_sticker_leaves_everything_and_is_told_why(open_studio, content):
    studio = open_studio(tolerant=True)
    studio.page.get_by_role("textbox", name="What shall your sticker show?").fill("half a word")
    drop(studio, "what.png", content)
    said = "“what.png” does not say how it was drawn, so the form stays as it is. The picture"
    expect(studio.page.get_by_role("alert")).to_contain_text(said)
    expect(studio.page.get_by_role("textbox", name="What shall your sticker show?")).to_have_value("half a word")


def test_a_file_that_is_no_picture_is_not_even_sent(open_studio):
    studio, sent = open_studio(), []
    studio.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    drop(studio, "notes.txt", b"notes of a meeting", kind="text/plain")
    expect(studio.page.get_by_role("alert")).to_have_text("“notes.txt” is no picture. Drop a PNG that underpaint drew.")
    assert sent == []


def test_a_huge_file_is_not_even_sent(open_studio):
    studio = open_studio()
    sent = []
    studio.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    studio.page.evaluate(
        """() => {
            const files = new DataTransfer();
            const huge = new File([new Uint8Array(8)], 'huge.png', {type: 'image/png'});
            Object.defineProperty(huge, 'size', {value: 200_000_000});
            files.items.add(huge);
            const event = new DragEvent('drop', {bubbles: true, cancelable: true});
            Object.defineProperty(event, 'dataTransfer', {value: {files: [huge], types: ['Files']}});
            document.body.dispatchEvent(event);
        }"""
    )
    expect(studio.page.get_by_role("alert")).to_contain_text("larger than any sticker")
    assert sent == []


def test_a_picture_of_ones_own_comes_into_the_gallery(open_studio, tmp_path):
    studio = open_studio("gallery")
    Image.new("RGBA", (64, 64), (10, 200, 30, 255)).save(tmp_path / "mine.png")
    studio.page.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
    expect(studio.page.get_by_text("The picture is in your gallery.")).to_be_visible()
    assert in_gallery(studio, "limit=200")["data"][0]["kind"] == "brought"


def drop(studio, name, content, kind="image/png"):
    """Drop a file on the page."""
    studio.page.evaluate(
        """([name, bytes, type]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], name, {type}));
            document.body.dispatchEvent(new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: files}));
        }""",
        [name, list(content), kind],
    )


def test_two_tabs_show_the_same_and_ask_over_one_connection(open_studio, chromium):
    context = chromium.new_context()
    first = open_studio("gallery?search=teal+drop", context=context)
    streams = []
    context.on("request", lambda request: streams.append(request.url) if "/api/v1/events" in request.url else None)
    second = open_studio("gallery?search=teal+drop", context=context)
    draw_through_the_server(first, "a teal drop")
    for studio in (first, second):
        expect(cells(studio)).to_have_count(1)
    assert streams == []
    cells(second).first.get_by_role("button", name="Open").focus()
    second.page.keyboard.press("Delete")
    expect(cells(first)).to_have_count(0)
    first.page.close()
    second.page.get_by_role("button", name="Undo").click()
    expect(cells(second)).to_have_count(1)
    assert len(streams) == 1


def test_chosen_pictures_are_downloaded_as_files_as_a_sheet_and_as_stickers_for_other_apps(open_studio, tmp_path):
    studio = open_studio("gallery?search=violet+star")
    draw_through_the_server(studio, "a violet star", n=3)
    expect(cells(studio)).to_have_count(3)
    studio.page.get_by_role("checkbox", name="Choose: a violet star").first.check()
    studio.page.get_by_role("button", name="Choose all").click()
    names = {}
    for kind in ("ZIP", "Sheet"):
        with studio.page.expect_download() as download:
            studio.page.get_by_role("button", name=kind).click()
        names[kind] = tmp_path / download.value.suggested_filename
        download.value.save_as(names[kind])
    with zipfile.ZipFile(names["ZIP"]) as files:
        assert sum(name.endswith(".png") for name in files.namelist()) == 3
    with Image.open(names["Sheet"]) as sheet:
        assert sheet.format == "PNG" and sheet.width > 64
    studio.page.get_by_role("button", name="Sticker pack").click()
    dialog = studio.page.get_by_role("dialog", name="Make 3 stickers for other apps")
    dialog.get_by_role("checkbox", name="Telegram, stickers").uncheck()
    assert studio.faults() == []
    with studio.page.expect_download() as download:
        dialog.get_by_role("button", name="Download the pack").click()
    download.value.save_as(tmp_path / "pack.zip")
    with zipfile.ZipFile(tmp_path / "pack.zip") as files:
        assert {name.split("/")[0] for name in files.namelist()} == {"whatsapp"}


def test_a_picture_is_downloaded_larger(open_studio, tmp_path):
    studio = open_studio("gallery?search=black+spade")
    draw_through_the_server(studio, "a black spade")
    cells(studio).first.get_by_role("button", name="Open").click()
    studio.page.get_by_role("button", name="Other sizes and apps").click()
    with studio.page.expect_download() as download:
        studio.page.get_by_role("button", name="256 × 256 pixels").click()
    download.value.save_as(tmp_path / "large.png")
    with Image.open(tmp_path / "large.png") as large:
        assert large.size == (256, 256) and large.mode == "RGBA"


def test_more_stickers_than_a_pack_takes_are_no_mistake(open_studio):
    studio = open_studio("gallery?search=tiny+star")
    places = studio.page.evaluate("fetch('/api/v1/capabilities').then(answer => answer.json())")["places"]
    assert [one["name"] for one in places if one["splits"]] == ["whatsapp"]
    studio.page.evaluate("""async () => {
        const main = document.querySelector('script[type=module]').src;
        const {openPack} = await import(main.replace('main.js', 'parts/pack.js'));
        const capabilities = await (await fetch('/api/v1/capabilities')).json();
        const digests = Array.from({length: 61}, (_, i) => String(i));
        openPack({capabilities}, digests);
    }""")
    dialog = studio.page.get_by_role("dialog", name="Make 61 stickers for other apps")
    expect(dialog).to_contain_text("You get 3 packs of up to 30 stickers each.")
    expect(dialog.locator(".mistake")).to_have_count(0)


def test_many_changes_are_one_question_and_what_was_shown_stays(open_studio):
    studio = open_studio("gallery?search=purple+moon")
    draw_through_the_server(studio, "a purple moon", 3)
    expect(cells(studio)).to_have_count(3)
    asked = []
    studio.page.on("request", lambda request: asked.append(request.url) if "/gallery?" in request.url else None)
    studio.page.evaluate("""async () => {
        const {data} = await (await fetch('/api/v1/gallery?search=purple+moon&limit=1')).json();
        for (let rating = 1; rating <= 5; rating += 1) {
            const body = JSON.stringify({rating});
            const headers = {'content-type': 'application/json'};
            await fetch(`/api/v1/gallery/${data[0].pixel_sha256}`, {method: 'PATCH', headers, body});
        }
        const body = JSON.stringify({action: 'delete', pictures: [data[0].pixel_sha256]});
        await fetch('/api/v1/gallery/actions', {method: 'POST', headers: {'content-type': 'application/json'}, body});
    }""")
    expect(cells(studio)).to_have_count(2)
    assert 1 <= len(asked) - 1 <= 4


def test_sizes_that_a_picture_has_already_are_not_offered(open_studio, tmp_path):
    studio = open_studio("gallery")
    Image.effect_noise((300, 300), 90).convert("RGBA").save(tmp_path / "mine.png")
    studio.page.locator("input[type=file][multiple]").set_input_files(tmp_path / "mine.png")
    mine = cells(studio).filter(has=studio.page.locator("img[width='300']"))
    mine.first.get_by_role("button", name="Open").click()
    studio.page.get_by_role("button", name="Other sizes and apps").click()
    expect(studio.page.get_by_role("button", name="512 × 512 pixels")).to_be_visible()
    expect(studio.page.get_by_role("button", name="256 × 256 pixels")).to_have_count(0)
