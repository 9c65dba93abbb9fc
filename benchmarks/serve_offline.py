"""How many pictures a second the library draws without a server: one process, one thread, marks and PNG files included.

``serve_offline.py SECONDS`` prints the number. Nothing is overlapped: each picture is drawn, marked and made a file of
before the next is begun, as a loop around ``underpaint.load().generate`` does it.
"""

from __future__ import annotations

import sys
import time

from underpaint.pipelines.generator import Generator, load
from underpaint.pipelines.marks import mark_for
from underpaint.pipelines.picture_file import encode
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow

PROMPTS = ("a red heart", "a smiling cat", "a blue car", "a slice of pizza", "a green tree", "a yellow star")
STYLE = "flat"


def draw(generator: Generator, prompt: str, seed: int) -> bytes:
    """Return the file of a picture."""
    rows = [PromptRow.model_construct(prompt=prompt)]
    (settings,) = plan(generator.model, rows, Options(style=STYLE, seed=seed))
    marked = settings.model_copy(update={"watermark": mark_for("public")})
    return encode(next(iter(generator.draw([marked]))))


def rate(generator: Generator, seconds: float) -> float:
    """Draw for so long and return the pictures a second."""
    for seed in range(3):
        draw(generator, PROMPTS[0], seed)
    began, drawn = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        draw(generator, PROMPTS[drawn % len(PROMPTS)], drawn)
        drawn += 1
    return drawn / took


if __name__ == "__main__":
    print(rate(load(), float(sys.argv[1])))
