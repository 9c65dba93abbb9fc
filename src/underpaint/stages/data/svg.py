"""Screening of SVG before it is rendered: nothing from outside the file, nothing that runs, nothing without measure."""

from __future__ import annotations

import re
from xml.parsers import expat

from underpaint.core.errors import UnreadableImage

RULES = 1
"""Version of these rules; renders of another version are made anew."""
MAX_BYTES = 4_000_000
MAX_NODES = 50_000
MAX_DEPTH = 200
MAX_FILTERS = 4_000
MAX_USES = 2_000
FORBIDDEN = frozenset(
    (
        "a",
        "animate",
        "animateMotion",
        "animateTransform",
        "audio",
        "canvas",
        "discard",
        "embed",
        "feImage",
        "font",
        "font-face",
        "foreignObject",
        "iframe",
        "image",
        "link",
        "object",
        "script",
        "set",
        "style",
        "switch",
        "text",
        "textPath",
        "tref",
        "tspan",
        "video",
    )
)
URL = re.compile(r"url\s*\(\s*['\"]?\s*([^)'\"]*)", re.IGNORECASE)


class Screen:
    """Counts nodes and refuses what is not allowed while a document is parsed."""

    def __init__(self) -> None:
        self.nodes = self.depth = self.filters = self.uses = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.EntityDeclHandler = self.doctype
        self.parser.ProcessingInstructionHandler = self.instruction

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Check an element."""
        local = name.rsplit(" ", 1)[-1]
        self.nodes += 1
        self.depth += 1
        self.filters += local.startswith("fe") or local == "filter"
        self.uses += local == "use"
        if local in FORBIDDEN:
            raise UnreadableImage(f"the SVG holds <{local}>, which is not allowed")
        for value, limit, what in (
            (self.nodes, MAX_NODES, "elements"),
            (self.depth, MAX_DEPTH, "levels of nesting"),
            (self.filters, MAX_FILTERS, "filter steps"),
            (self.uses, MAX_USES, "<use> references"),
        ):
            if value > limit:
                raise UnreadableImage(f"the SVG has more than {limit} {what}")
        for key, value in attributes.items():
            self.attribute(key.rsplit(" ", 1)[-1], value)

    def attribute(self, name: str, value: str) -> None:
        """Check an attribute: no event handlers, references inside the document only."""
        if name.lower().startswith("on"):
            raise UnreadableImage(f"the SVG has the event handler {name!r}, which is not allowed")
        references = [value] if name == "href" else URL.findall(value) if "(" in value else []
        for reference in references:
            if not reference.strip().startswith("#"):
                raise UnreadableImage(f"the SVG refers to {reference[:60]!r}; only references inside it are allowed")

    def end(self, _name: str) -> None:
        """Leave an element."""
        self.depth -= 1

    def doctype(self, *_: object) -> None:
        """Refuse document types and entities."""
        raise UnreadableImage("the SVG declares a document type or an entity, which is not allowed")

    def instruction(self, target: str, _data: str) -> None:
        """Refuse processing instructions, style sheets for one."""
        raise UnreadableImage(f"the SVG holds the processing instruction {target!r}, which is not allowed")


def screen(svg: str) -> None:
    """Refuse an SVG that is not a plain, self-contained drawing of modest size.

    Args:
        svg: The document.

    Raises:
        UnreadableImage: It is too large, malformed, or holds something that is not allowed; the message says what.
    """
    content = svg.encode("utf-8", errors="surrogatepass")
    if len(content) > MAX_BYTES:
        raise UnreadableImage(f"the SVG has {len(content)} bytes, at most {MAX_BYTES} are allowed")
    try:
        Screen().parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UnreadableImage(f"the SVG is malformed: {error}") from None
