"""The studio's files as they are sent: what may be kept, what may be run, and what they weigh."""

from __future__ import annotations

import gzip
import posixpath
import re

import pytest

from underpaint.stages.serve.asking.examples import EXAMPLES
from underpaint.stages.serve.http.studio import FOLDER, MEDIA_TYPES, PAGE, read_studio

MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def files():
    return read_studio().files


def test_browsers_are_led_to_the_studio_and_others_get_a_list(client):
    led = client.get("/", headers={"accept": "text/html,*/*;q=0.8"})
    assert (led.status_code, led.headers["location"], led.headers["vary"]) == (307, "studio/", "accept")
    listed = client.get("/", headers={"accept": "*/*"})
    assert listed.status_code == 200 and "/v1/images/generations" in listed.text and "/studio/" in listed.text
    assert client.get("/studio").headers["location"] == "studio/"


def test_a_second_visit_costs_one_request_without_a_body(client):
    first = client.get("/studio/")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/studio/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    script = re.search(r'src="([^"]+main\.js)"', first.text)
    assert script is not None
    kept = client.get(f"/studio/{script[1]}")
    assert kept.status_code == 200 and "immutable" in kept.headers["cache-control"]


def test_files_are_sent_compressed_to_whoever_can_read_that(client, files):
    plain = client.get("/studio/", headers={"accept-encoding": "identity"})
    packed = client.get("/studio/", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content == files[PAGE].data
    assert all(gzip.decompress(file.packed) == file.data for file in files.values() if file.packed)


def test_only_code_of_the_server_runs_in_the_page(client):
    rules = dict(rule.split(" ", 1) for rule in client.get("/studio/").headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'self'" and rules["img-src"] == "'self' blob: data:"
    assert not any("unsafe" in rule or "http" in rule for rule in rules.values())


def test_nothing_but_the_studio_is_sent(client):
    version = read_studio().version
    for path in (
        f"{version}/../http/studio.py",
        f"{version}/%2e%2e/config.py",
        f"{version}/nothing.js",
        "0/js/main.js",
    ):
        answer = client.get(f"/studio/{path}")
        assert answer.status_code == 404 and "error" in answer.json(), path


def test_the_version_is_that_of_every_byte(tmp_path, files):
    for name, file in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((FOLDER / name).read_bytes())
        assert MEDIA_TYPES[path.suffix] == file.media_type
    same = read_studio(tmp_path).version
    assert same == read_studio().version
    (tmp_path / "js" / "main.js").write_bytes(b" " + files["js/main.js"].data)
    assert read_studio(tmp_path).version != same


def test_every_file_of_the_folder_is_of_a_kind_that_is_sent(files):
    present = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert present == set(files)


def test_the_whole_studio_weighs_less_than_a_photo(files):
    assert sum(len(file.packed or file.data) for file in files.values()) < MOST_BYTES


def test_every_module_says_its_one_concept_and_is_short(files):
    modules = {name: file.data.decode() for name, file in files.items() if name.endswith(".js")}
    for name, text in modules.items():
        assert text.startswith(("/**", "// Before anything is painted")), name
        assert len(text.splitlines()) <= 250, name


def test_no_text_becomes_markup_and_nothing_comes_from_elsewhere(files):
    markup = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|style=")
    remote = re.compile(r"https?://(?!www\.w3\.org/2000/svg)")
    for name, file in files.items():
        if name.endswith((".js", ".css", ".html")):
            text = file.data.decode()
            assert not markup.search(text) and not remote.search(text), name


def test_every_import_and_every_address_of_the_page_leads_somewhere(files):
    for name, file in files.items():
        text = file.data.decode() if name.endswith((".js", ".html")) else ""
        for target in re.findall(r"(?:from |import\()'(\.[^']+)'", text):
            parts = [*name.split("/")[:-1], *target.split("/")]
            path: list[str] = []
            for part in parts:
                path = path[:-1] if part == ".." else path if part == "." else [*path, part]
            assert "/".join(path) in files, (name, target)
    version = read_studio().version
    for target in re.findall(rf'"{version}/([^"]+)"', files[PAGE].data.decode()):
        assert target in files, target


def test_all_modules_of_the_first_view_are_fetched_at_once(files):
    page = files[PAGE].data.decode()
    ahead = set(re.findall(rf'rel="modulepreload" href="{read_studio().version}/([^"]+)"', page))
    assert {"js/main.js", "js/views/create.js", "js/words/en/create.js", "js/enlarge.js"} <= ahead
    assert "js/views/gallery.js" not in ahead and "{{" not in page
    for name in ahead:
        text = files[name].data.decode()
        for target in re.findall(r"^(?:import|export) [^;]*from '([^']+)'", text, flags=re.MULTILINE):
            assert posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) in ahead, (name, target)


def test_every_key_of_the_words_that_the_code_names_has_words(files):
    texts = {name: file.data.decode() for name, file in files.items() if name.endswith(".js")}
    words = "\n".join(text for name, text in texts.items() if "/words/" in name)
    known = set(re.findall(r"^  '?([\w.-]+)'?:", words, flags=re.MULTILINE))
    used = {(name, key) for name, text in texts.items() for key in re.findall(r"\bt\('([\w.-]+)'", text)}
    assert [pair for pair in sorted(used) if pair[1] not in known] == []


def test_the_ideas_are_examples_of_the_server_each_with_its_picture(files):
    named = re.search(r"const PICTURED = \[(.*?)\]", files["js/parts/ideas.js"].data.decode(), flags=re.DOTALL)
    assert named is not None
    pictured = set(re.findall(r"'([^']+)'", named[1]))
    assert {f"ideas/{name}.webp" for name in pictured} == {name for name in files if name.startswith("ideas/")}
    assert pictured <= {re.sub(r"[^a-z0-9]+", "-", f"{one.prompt} {one.style}") for one in EXAMPLES}
