"""The studio in a real browser, over a real server with the shipped model."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SETTLED = """Promise.allSettled(document.getAnimations()
    .filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime))
    .map((one) => one.finished)).then(() => null)"""
"""What is on its way from one color to another has the contrast of neither."""
PATIENT_MS = 60_000
"""How long a browser on a busy machine may take for what takes a moment."""
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of [45]\d\d|net::ERR_")


@dataclass
class Studio:
    """A page of the studio, and what went wrong in it.

    Args:
        page: The page, of Playwright.
        url: The server's address.
        mistakes: Errors of the page's code, and requests that left the server's own address.
    """

    page: Any
    url: str
    mistakes: list[str] = field(default_factory=list)

    def go(self, view: str = "create", *, waits: bool = True) -> Studio:
        """Load the page at a view, and wait until it can be used, unless told not to."""
        self.page.goto(f"{self.url}/studio/#/{view}")
        if waits:
            self.page.wait_for_selector("html[data-ready]")
        return self

    def draw(self, prompt: str, *, n: int = 1) -> Any:
        """Draw pictures in the first view, wait until they are there, and return their strip."""
        self.page.get_by_role("textbox", name="What shall your sticker show?").fill(prompt)
        self.page.get_by_role("group", name="How many").get_by_role("radio", name=str(n), exact=True).check()
        self.page.get_by_role("button", name="Draw", exact=True).click()
        strip = self.page.locator(".strip", has=self.page.get_by_role("heading", name=prompt, exact=True)).first
        strip.and_(self.page.locator("[data-state=succeeded]")).wait_for()
        return strip

    def jobs(self) -> list[dict[str, Any]]:
        """Return all jobs of the server, in the order in which they were handed in."""
        found: list[dict[str, Any]] = []
        more = True
        while more:
            after = f"&after={found[-1]['id']}" if found else ""
            page = self.page.evaluate(f"fetch('/api/v1/jobs?limit=100{after}').then(answer => answer.json())")
            found, more = found + page["data"], page["has_more"]
        return found

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let the server draw nothing meanwhile."""
        self.page.evaluate("fetch('/api/v1/queue/pause', {method: 'POST'})")
        try:
            yield
        finally:
            self.page.evaluate("fetch('/api/v1/queue/resume', {method: 'POST'})")

    def wait_until(self, holds: str, element: Any = None) -> None:
        """Wait until what a script says is true, ``element => ...`` of an element: the page moves a frame later."""
        handle = element.element_handle() if element is not None else None
        self.page.wait_for_function(holds, arg=handle)

    def faults(self) -> list[str]:
        """Return the serious faults that axe finds in the page as it is."""
        package = pytest.importorskip("axe_playwright_python")
        self.page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
        self.page.evaluate(SETTLED)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:120]} {node['any'][:1] and node['any'][0]['message']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical", "moderate")
            for node in one["nodes"]
        ]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for the tests of a module; no longer, since an event loop runs in this thread while it lives."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (runs/system-packages.sh)")
    playwright.expect.set_options(timeout=PATIENT_MS)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def studio_server(start_server, tmp_path_factory) -> Any:
    """A server of the shipped model, for tests of the studio alone; what they draw stays in it."""
    return start_server(tmp_path_factory.mktemp("studio-state")).wait_until_ready()


@pytest.fixture
def open_studio(chromium, studio_server) -> Iterator[Callable[..., Studio]]:
    """Open the studio as somebody who was never there: ``open_studio("create", width=360, server=..., tolerant=True)``.

    Afterwards no page may have had a mistake; a ``tolerant`` one may have met a server that does not answer.
    """
    opened: list[tuple[Studio, Any]] = []

    def open_one(
        view: str = "create",
        *,
        width: int = 1280,
        height: int = 900,
        server: Any = None,
        context: Any = None,
        tolerant: bool = False,
        waits: bool = True,
        **how: Any,
    ) -> Studio:
        url = (server or studio_server).url
        context = context or chromium.new_context(viewport={"width": width, "height": height}, **how)
        page = context.new_page()
        page.set_default_timeout(PATIENT_MS)
        studio = Studio(page, url)

        def hear(message: Any) -> None:
            if message.type == "error" and not (tolerant and REFUSED.search(message.text)):
                studio.mistakes.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: studio.mistakes.append(str(error)))
        page.on("request", lambda request: _check_origin(request.url, url, studio))
        opened.append((studio, context))
        return studio.go(view, waits=waits)

    yield open_one
    for _, context in opened:
        context.close()
    assert [mistake for studio, _ in opened for mistake in studio.mistakes] == []


def _check_origin(asked: str, url: str, studio: Studio) -> None:
    if not asked.startswith((f"{url}/", "data:", f"blob:{url}/")):
        studio.mistakes.append(f"asked for {asked}")


@pytest.fixture
def studio(open_studio) -> Studio:
    """The first view, on a screen of a usual size."""
    return open_studio()


@pytest.fixture
def stored() -> Callable[[Studio, str], Any]:
    """Return what a page keeps under a name: ``stored(studio, "form")``."""

    def read(studio: Studio, name: str) -> Any:
        text = studio.page.evaluate(
            "name => sessionStorage.getItem(name) ?? localStorage.getItem(name)", f"underpaint.{name}"
        )
        return None if text is None else json.loads(text)

    return read
