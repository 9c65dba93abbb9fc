"""Printed sheets over HTTP: the size of the paper, its dots an inch, what is refused."""

from __future__ import annotations

import io

import pytest
from PIL import Image

PATH = "/api/v1/print"


@pytest.fixture(scope="module")
def digests(client, eventually):
    asked = {"request": {"prompt": "a red heart", "n": 2, "seed": 3}}
    job = client.post("/api/v1/jobs", json=asked).json()["id"]
    done = eventually(lambda: (found := client.get(f"/api/v1/jobs/{job}").json())["images"] and found)
    return [image["pixel_sha256"] for image in done["images"]]


@pytest.mark.parametrize(("paper", "size"), [("a4", (2480, 3508)), ("letter", (2550, 3300))])
def test_a_page_is_as_large_as_its_paper(client, digests, paper, size):
    answer = client.post(PATH, json={"pictures": digests, "paper": paper, "cut_line": True, "contour": {}})
    assert answer.headers["content-type"] == "image/png", answer.text
    with Image.open(io.BytesIO(answer.content)) as page:
        assert page.size == size and round(page.info["dpi"][0]) == 300
        colors = {color for _, color in page.convert("RGB").reduce(2).getcolors(2**24) or []}
        assert "compositeWithTrainedAlgorithmicMedia" in str(page.info)
    assert (255, 0, 255) in colors


def test_a_pdf_has_what_was_printed(client, digests):
    answer = client.post(PATH, json={"pictures": digests, "as": "pdf", "title": "Hearts"})
    assert answer.headers["content-type"] == "application/pdf" and answer.content.startswith(b"%PDF")
    assert 'filename="underpaint-a4.pdf"' in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"paper": "a5"}, 400, "paper"),
        ({"pictures": []}, 400, "pictures"),
        ({"pictures": ["0" * 64]}, 404, "pictures"),
        ({"pictures": [f"{n:064x}" for n in range(25)]}, 400, "as"),
        ({"background": "no color"}, 400, "background"),
    ],
)
def test_what_cannot_be_printed_is_refused(client, digests, changes, status, param):
    answer = client.post(PATH, json={"pictures": digests, **changes})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text
