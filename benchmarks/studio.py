"""What the studio weighs, and how soon it can be used: first and second visit, over loopback, in headless Chromium.

Bytes and answers are exact; milliseconds are from the navigation to the mark that the page sets when a person can type
and draw, and from the press of the button to four finished pictures. Each visit is made in turn by a browser that was
never there and by the same one again, so that a disturbance hits both.

    python benchmarks/studio.py [--visits 12] [--out benchmarks/results/studio.json]
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine import write_document
from playwright.sync_api import Browser, Page, sync_playwright

ADDRESS = re.compile(r"on (http://\S+)$")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
PATIENT_MS = 120_000
RESULTS = Path(__file__).parent / "results" / "studio.json"
TIMES = ("painted_ms", "usable_ms", "drawn_ms")
TRANSFERRED = """() => {
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const files = all.filter((one) => one.name.includes('/studio/'));
    return {
        answers: files.length,
        asked: files.filter((one) => one.transferSize > 0).length,
        bytes: files.reduce((sum, one) => sum + one.transferSize, 0),
        unpacked: files.reduce((sum, one) => sum + one.decodedBodySize, 0),
        usable_ms: performance.getEntriesByName('usable')[0].startTime,
        painted_ms: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null,
    };
}"""
"""Facts of a visit; what came from the browser's own cache has no bytes."""


@contextlib.contextmanager
def served(state: Path) -> Iterator[str]:
    """Give the address of a server with the shipped model."""
    command = [sys.executable, "-m", "underpaint", "serve", "--port", "0", "--state", str(state)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        found = next(match for line in process.stderr if (match := ADDRESS.search(line.rstrip())))
        threading.Thread(target=process.stderr.read, daemon=True).start()
        wait_until_ready(found[1])
        yield found[1]
    finally:
        process.terminate()
        process.wait()


def wait_until_ready(url: str) -> None:
    """Wait until a server answers."""
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/ready"):
            return
        time.sleep(0.1)


def visited(page: Page, url: str) -> dict[str, Any]:
    """Visit the studio and return the facts of the visit."""
    page.goto(f"{url}/studio/")
    page.wait_for_selector("html[data-ready]", timeout=PATIENT_MS)
    return page.evaluate(TRANSFERRED)


def drawn_ms(page: Page, number: int) -> float:
    """Return the milliseconds from the press of the button to four finished pictures."""
    page.get_by_role("textbox", name="What shall your sticker show?").fill(f"a red heart {number}")
    script = """async () => {
        const began = performance.now();
        const isDone = () => document.querySelector('.strip[data-state=succeeded]');
        [...document.querySelectorAll('button[type=submit]')].at(0).click();
        await new Promise((resolve) => {
            const look = () => (isDone() ? resolve(null) : requestAnimationFrame(look));
            look();
        });
        return performance.now() - began;
    }"""
    return page.evaluate(script)


def measured(browser: Browser, url: str, visits: int) -> dict[str, list[dict[str, Any]]]:
    """Return the facts of first and second visits, and what drawing took in the second."""
    found: dict[str, list[dict[str, Any]]] = {"first": [], "second": []}
    for number in range(visits + 1):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        first, second = visited(page, url), visited(page, url)
        second["drawn_ms"] = drawn_ms(page, number)
        context.close()
        if number > 0:
            found["first"].append(first)
            found["second"].append(second)
    return found


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what visits have in common, and of each time the median and both ends."""
    counted = {name: rows[0][name] for name in ("answers", "asked", "bytes", "unpacked")}
    times = {}
    for name in TIMES:
        values = sorted(row[name] for row in rows if row.get(name) is not None)
        if values:
            times[name] = {
                "median": round(statistics.median(values)),
                "low": round(values[0]),
                "high": round(values[-1]),
            }
    return counted | times


def show(found: dict[str, dict[str, Any]]) -> None:
    """Print what was found."""
    for visit, one in found.items():
        print(
            f"{visit} visit: {one['asked']} of {one['answers']} files sent, {one['bytes']:,} bytes "
            f"({one['unpacked']:,} unpacked)"
        )
        for name in TIMES:
            if name in one:
                print(f"  {name}: median {one[name]['median']}, {one[name]['low']} to {one[name]['high']}")


def main() -> None:
    """Measure, print and write; the first round warms up and is not counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=12, help="visits of each kind")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    chromium = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as state, served(Path(state)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        found = {visit: summary(rows) for visit, rows in measured(browser, url, args.visits).items()}
        version = browser.version
        browser.close()
    show(found)
    write_document(args.out, "studio", visits=args.visits, chromium=version, found=found)


if __name__ == "__main__":
    main()
