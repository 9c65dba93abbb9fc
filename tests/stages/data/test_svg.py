from __future__ import annotations

import time

import pytest

from underpaint.core.errors import UnreadableImage
from underpaint.stages.data.svg import MAX_BYTES, MAX_DEPTH, MAX_FILTERS, MAX_NODES, MAX_USES, screen

OPEN = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'


def svg(body: str) -> str:
    return f"{OPEN}{body}</svg>"


LAUGHS = (
    '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    f'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>{svg("<desc>&c;</desc>")}'
)
HOSTILE = {
    "a file by image": (svg('<image href="file:///etc/passwd"/>'), "<image>"),
    "a file by use": (svg('<use xlink:href="other.svg#a"/>'), "'other.svg#a'"),
    "a URL by use": (svg('<use href="https://example.org/a.svg#b"/>'), "example.org"),
    "a data URL": (svg('<use href="data:image/svg+xml;base64,AAAA#a"/>'), "data:"),
    "a URL in fill": (svg('<rect fill="url(https://example.org/p#a)"/>'), "example.org"),
    "a URL in style": (svg("<rect style=\"fill: url( 'http://example.org#a' )\"/>"), "example.org"),
    "a filter image": (svg('<filter><feImage href="#a"/></filter>'), "<feImage>"),
    "a script": (svg("<script>alert(1)</script>"), "<script>"),
    "a namespaced script": ('<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script/></s:svg>', "<script>"),
    "an event handler": (svg('<rect onload="x()"/>'), "'onload'"),
    "a foreign object": (svg("<foreignObject/>"), "<foreignObject>"),
    "a style sheet": (svg("<style>@import 'http://example.org'</style>"), "<style>"),
    "a style sheet by instruction": (f'<?xml-stylesheet href="http://example.org"?>{svg("")}', "xml-stylesheet"),
    "a text": (svg("<text>hello</text>"), "<text>"),
    "an external entity": (f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>{svg("&x;")}', "document type"),
    "a billion laughs": (LAUGHS, "document type"),
    "an external DTD": (f'<!DOCTYPE svg SYSTEM "http://example.org/a.dtd">{svg("")}', "document type"),
    "an endless animation": (svg("<animate/>"), "<animate>"),
    "too many elements": (svg("<g/>" * (MAX_NODES + 1)), "elements"),
    "too deep": (svg("<g>" * (MAX_DEPTH + 1) + "</g>" * (MAX_DEPTH + 1)), "nesting"),
    "too many filters": (svg("<feOffset/>" * (MAX_FILTERS + 1)), "filter steps"),
    "too many uses": (svg('<use href="#a"/>' * (MAX_USES + 1)), "<use>"),
    "too long": (svg(f"<!--{'x' * MAX_BYTES}-->"), "bytes"),
    "malformed": (OPEN, "malformed"),
    "a lone surrogate": (svg("<desc>\ud800</desc>"), "malformed"),
    "no XML": ("hello", "malformed"),
    "nothing": ("", "malformed"),
}


@pytest.mark.parametrize(("document", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_documents_are_refused_at_once(document: str, expected: str) -> None:
    started = time.thread_time()
    with pytest.raises(UnreadableImage) as caught:
        screen(document)
    assert expected in str(caught.value)
    assert time.thread_time() - started < 2


def test_references_inside_the_document_are_fine() -> None:
    screen(svg('<defs><path id="a" d="M0 0h9"/></defs><use xlink:href="#a" fill="url(#b)" style="mask:url(\'#m\')"/>'))
