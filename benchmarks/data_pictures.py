"""A folder of generated pictures with a table of captions, every hundredth one a fault that is known.

Which picture is a copy of which follows from the numbers alone, so nothing has to be remembered beside the files.
Grounds are opaque, so nothing depends on what a tool makes of transparency. Beside ``pictures``, which any tool may
search, lie ``faults`` that only the table names: truncated files, blank ones, copies under another caption.
"""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from data_plants import CHANGES
from PIL import Image, ImageDraw

SIDE, SHAPES = 64, 6
EVERY = 100
"""One picture in so many has each fault."""
LOT = 1000
COPY, NEAR, HIDDEN, TRUNCATED, BLANK, RELABELED = 1, 2, 3, 4, 5, 6
"""Remainder of a picture's number by ``EVERY`` that gives it a fault."""
NEAR_CHANGES = ("one pixel", "noise of 2 %", "JPEG at quality 75", "shrunk to 1/2 and back", "darker by a tenth")
"""What is done to near copies, in turn."""
PICTURES, FAULTS, TABLE = "pictures", "faults", "metadata.jsonl"
WORDS = ("amber", "blue", "coral", "drab", "ebony", "fawn", "green", "hazel", "ivory", "jade")
Pair = tuple[str, str]


def drawn(number: int) -> Image.Image:
    """Draw some shapes on a colored ground that only this number gives."""
    random = np.random.default_rng(number)
    image = Image.new("RGBA", (SIDE, SIDE), (*random.integers(0, 256, 3).tolist(), 255))
    pen = ImageDraw.Draw(image)
    for shape in range(SHAPES):
        x, y, w, h = random.integers(0, SIDE, 4).tolist()
        fill = (*random.integers(0, 256, 3).tolist(), 255)
        (pen.ellipse if shape % 2 else pen.rectangle)((x - w // 2, y - h // 2, x + w // 2, y + h // 2), fill=fill)
    return image


def original_of(number: int) -> int:
    """Return the number of the picture that a copy is made of; its own for an original."""
    return number - number % EVERY if number % EVERY in (COPY, NEAR) else number


def change_of(number: int) -> str:
    """Return what is done to a near copy."""
    return NEAR_CHANGES[number // EVERY % len(NEAR_CHANGES)]


def picture(number: int) -> Image.Image:
    """Draw a picture, or the copy that it is."""
    image = drawn(original_of(number))
    if number % EVERY != NEAR:
        return image
    if change_of(number) == "one pixel":
        red, *rest = image.getpixel((0, 0))  # pyright: ignore[reportGeneralTypeIssues]
        image.putpixel((0, 0), (255 - red, *rest))
        return image
    return CHANGES[change_of(number)](image, np.random.default_rng(number))


def name_of(number: int) -> str:
    """Return the name of a picture's file."""
    return f"{number:07d}.png"


def families(count: int) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of every original and its copies."""
    for first in range(0, count, EVERY):
        yield tuple(n for n in (first, first + COPY, first + NEAR) if n < count)


def planted_pairs(count: int) -> dict[str, list[Pair]]:
    """Return the pairs of files that are alike: ``exact``, and what was done to near ones.

    Args:
        count: Number of pictures.
    """
    pairs: dict[str, list[Pair]] = {"exact": [], **{change: [] for change in NEAR_CHANGES}}
    for one, other in itertools.chain.from_iterable(itertools.combinations(f, 2) for f in families(count)):
        pairs["exact" if other % EVERY == COPY else change_of(other)].append((name_of(one), name_of(other)))
    return pairs


def caption_of(number: int) -> str:
    """Return a caption; a copy has that of its original."""
    digits = f"{original_of(number):07d}"
    return " ".join(["shapes", *(WORDS[int(digit)] for digit in digits)])


def row_of(number: int) -> dict[str, str]:
    """Return the row of a picture; every second near copy stands in the other split, which is a leak."""
    leaks = number % EVERY == NEAR and number // EVERY % 2
    caption = caption_of(number)
    if number % EVERY == HIDDEN:
        caption = f"{caption[:3]}\u200b{caption[3:]}"
    return {"file_name": f"{PICTURES}/{name_of(number)}", "text": caption, "split": "test" if leaks else "train"}


def faults_of(number: int, content: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield the row and the bytes of the fault that is made of a picture, if any.

    Args:
        number: The picture's number.
        content: Its file.
    """
    kind = number % EVERY
    if kind not in (TRUNCATED, BLANK, RELABELED):
        return
    row = {"file_name": f"{FAULTS}/{name_of(number)}", "text": f"fault {caption_of(number)}", "split": "train"}
    blank = Image.new("RGBA", (SIDE, SIDE), (number % 256, 0, 0, 255))
    yield row, {TRUNCATED: content[: len(content) // 2], BLANK: png_of(blank), RELABELED: content}[kind]


def png_of(image: Image.Image) -> bytes:
    """Return a picture as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def write_lot(folder: Path, numbers: range) -> list[dict[str, str]]:
    """Write some pictures with their faults and return their rows."""
    rows = []
    for number in numbers:
        content = png_of(picture(number))
        (folder / PICTURES / name_of(number)).write_bytes(content)
        rows.append(row_of(number))
        for row, fault in faults_of(number, content):
            (folder / row["file_name"]).write_bytes(fault)
            rows.append(row)
    return rows


def write_pictures(folder: Path, count: int) -> None:
    """Write a folder of pictures; the table comes last, and a folder that has one is whole."""
    if (folder / TABLE).is_file():
        return
    for part in (PICTURES, FAULTS):
        (folder / part).mkdir(parents=True, exist_ok=True)
    lots = [range(start, min(start + LOT, count)) for start in range(0, count, LOT)]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        rows = [row for lot in pool.map(write_lot, [folder] * len(lots), lots) for row in lot]
    temporary = folder / f".{TABLE}"
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    temporary.rename(folder / TABLE)
