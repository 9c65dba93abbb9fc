"""The picture of docs/edit.md: strengths, masks, variations, styles, mixed prompts and sketches, in rows.

    python benchmarks/creating_strip.py

Shows only what is ours (``creating_inputs``). Seeds are 1 unless the picture says otherwise; nothing is picked.
Writes ``docs/images/edit.png``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from creating_inputs import FORMS, Given, shaded, sketch, stickers
from creating_tools import SEED, STRENGTHS, Shape, mask_for
from PIL import Image, ImageDraw, ImageFont

from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.editing.square import squared
from underpaint.pipelines.generator import Generator, load

OUT = Path(__file__).parents[1] / "docs" / "images" / "edit.png"
CELL, GAP, LINE = 128, 12, 20
"""Sides and distances in pixels; a row has a line of words above it and one below."""
HIDDEN = (190, 190, 190, 255)
STYLES = ("flat", "line-art", "cartoon")
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

Cell = tuple[str, Image.Image]


def one(generator: Generator, image: Image.Image, mask: Image.Image | None = None, **asked: object) -> Image.Image:
    """Return one edit of a picture."""
    return generator.edit(image, EditRequest(**{"seed": SEED, **asked}), mask=mask)[0]


def strengths(generator: Generator, given: Given) -> Iterator[Cell]:
    """Yield a picture, and what other words make of it."""
    yield "picture", given.image
    for strength in STRENGTHS[1:]:
        yield f"strength {strength:g}", one(generator, given.image, prompt=given.other, strength=strength)


def masked(generator: Generator, given: Given, shape: Shape, words: str) -> Iterator[Cell]:
    """Yield a picture whose mask is gray, and what is drawn within it."""
    mask = mask_for(shape, given.image.size)
    there = np.asarray(mask)[..., 3:] > 0
    shown = np.where(there, np.asarray(given.image.convert("RGBA")), np.array(HIDDEN, dtype=np.uint8))
    yield "mask", Image.fromarray(shown)
    yield words, one(generator, given.image, mask, prompt=words)


def variations(generator: Generator, given: Given) -> Iterator[Cell]:
    """Yield a picture, two variations, and other styles."""
    yield "picture", given.image
    for seed in (1, 2):
        yield f"seed {seed}", one(generator, given.image, seed=seed)
    for style in STYLES:
        yield style, one(generator, given.image, style=style)


def mixed(generator: Generator, given: Given) -> Iterator[Cell]:
    """Yield mixtures of two prompts, drawn from words alone."""
    for share in SHARES:
        asked = {"prompt": "red apple", "mix": "green apple", "mix_share": share, "strength": 1.0}
        yield f"share {share:g}", one(generator, given.image, **asked)


def sketched(generator: Generator, name: str, words: str) -> Iterator[Cell]:
    """Yield a sketch in each form, and the sticker that it becomes."""
    for form in FORMS:
        image = sketch(name, 0, form)
        yield form, image
        yield "sticker", one(generator, image, prompt=words, strength=0.8)


def rows(generator: Generator) -> Iterator[tuple[str, list[Cell]]]:
    """Yield each row with what is said above it."""
    heart, star, cat, apple, *_ = stickers(generator)
    yield '"blue heart"', list(strengths(generator, heart))
    ball = shaded()
    yield f'"{ball.other}", of a picture that is shaded like a photograph', list(strengths(generator, ball))
    half = masked(generator, heart, "half", "blue heart")
    ellipses = (masked(generator, star, "ellipse", "red heart"), masked(generator, ball, "ellipse", "orange"))
    yield "within a mask", [*half, *(cell for pair in ellipses for cell in pair)]
    yield "variations, and other styles", list(variations(generator, cat))
    yield '"red apple" mixed with "green apple"', list(mixed(generator, apple))
    yield 'sketches as "cat face", strength 0.8', list(sketched(generator, "cat", "cat face"))
    yield 'sketches as "red heart", strength 0.8', list(sketched(generator, "heart", "red heart"))


def main() -> None:
    """Draw all rows and write the strip."""
    drawn = list(rows(load()))
    font = ImageFont.load_default(size=12)
    step, width = CELL + 2 * LINE + GAP, max(len(cells) for _, cells in drawn)
    strip = Image.new("RGB", (width * (CELL + GAP) + GAP, len(drawn) * step), "white")
    draw = ImageDraw.Draw(strip)
    for row, (words, cells) in enumerate(drawn):
        draw.text((GAP, row * step + 4), words, fill="black", font=font)
        for column, (label, image) in enumerate(cells):
            left, top = GAP + column * (CELL + GAP), row * step + LINE
            cell = squared(image.convert("RGBA"), 64 if max(image.size) == 64 else CELL)
            cell = cell.resize((CELL, CELL), Image.Resampling.NEAREST)
            draw.rectangle((left, top, left + CELL - 1, top + CELL - 1), outline="#dddddd")
            strip.paste(cell, (left, top), cell)
            draw.text((left, top + CELL + 2), label, fill="#777777", font=font)
    strip.quantize(255, dither=Image.Dither.NONE).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
