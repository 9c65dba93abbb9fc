"""Pictures that somebody may bring to the creators' tools: photographs, others' drawings, sketches, own stickers.

Photographs are those that scikit-learn comes with, drawings are held-out renders of the data set. Neither may be shown
here, so their figures alone are kept. What is ours is made by this file: sketches, a picture that is shaded like a
photograph, and stickers that the model draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from underpaint.adapters.require import require
from underpaint.core.samples import read_samples
from underpaint.pipelines.generator import Generator

Kind = Literal["photograph", "drawing", "sketch", "shaded", "sticker"]
Form = Literal["paper", "cut out", "filled"]
"""Of a sketch: a line on paper, the same with the paper around it taken away, or colored and on nothing."""
FORMS: tuple[Form, ...] = ("paper", "cut out", "filled")
SPLIT = "test_concept"
STYLES = 4
SIDE, PEN = 256, 9
"""Of a sketch, in pixels: its side and the width of its pen."""
PAPER, INK = "white", "#2b2b33"
WOBBLE = 2.5
"""How far a hand strays, in pixels."""
STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "cat": [
        [
            (60, 120),
            (62, 40),
            (108, 80),
            (150, 80),
            (194, 40),
            (198, 120),
            (190, 180),
            (130, 214),
            (68, 180),
            (60, 120),
        ],
        [(94, 130), (96, 142)],
        [(162, 130), (160, 142)],
        [(120, 160), (136, 160), (128, 170), (120, 160)],
        [(128, 170), (114, 184), (100, 178)],
        [(128, 170), (142, 184), (156, 178)],
    ],
    "heart": [
        [(128, 220), (50, 140), (40, 90), (70, 52), (108, 58), (128, 90), (148, 58), (186, 52), (216, 90), (206, 140)],
        [(206, 140), (128, 220)],
    ],
    "apple": [
        [
            (128, 92),
            (90, 76),
            (52, 104),
            (54, 160),
            (90, 216),
            (128, 206),
            (166, 216),
            (202, 160),
            (204, 104),
            (166, 76),
        ],
        [(166, 76), (128, 92)],
        [(128, 92), (134, 44)],
        [(134, 60), (170, 34), (176, 58), (134, 60)],
    ],
    "house": [
        [(48, 128), (128, 48), (208, 128), (48, 128)],
        [(66, 128), (66, 216), (190, 216), (190, 128)],
        [(108, 216), (108, 160), (148, 160), (148, 216)],
    ],
}
SAID = {"cat": "cat face", "heart": "red heart", "apple": "red apple", "house": "house"}
FILLS = {"cat": "#f2b84b", "heart": "#e8384f", "apple": "#d83a34", "house": "#c98f5a"}
DRAWN = {"red heart": 7, "star": 7, "cat face": 7, "red apple": 7, "smiling face": 4, "sunflower": 3}
"""Words and seeds of the stickers that the model draws."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Given:
    """A picture that somebody brings.

    Args:
        name: Of the picture.
        kind: Where it comes from.
        words: What it shows.
        image: Of any size.
        other: Words of something else that it may become.
    """

    name: str
    kind: Kind
    words: str
    image: Image.Image
    other: str = "red heart"

    @property
    def is_ours(self) -> bool:
        """Whether it may be shown in the docs."""
        return self.kind in ("sketch", "shaded", "sticker")


def all_given(data: Path, generator: Generator) -> list[Given]:
    """Return every picture.

    Args:
        data: The data set of stickers.
        generator: Draws stickers.

    Raises:
        MissingDependency: scikit-learn, whose photographs are used, is not installed.
    """
    return [*photographs(), *drawings(data, 2 * STYLES), *sketches(), shaded(), *stickers(generator)]


def photographs() -> Iterator[Given]:
    """Yield two photographs, each as it is and as the square in its middle."""
    folder = Path(str(require("sklearn", extra="dev").__file__)).parent / "datasets" / "images"
    for name, words in (("china", "castle"), ("flower", "flower")):
        image = Image.open(folder / f"{name}.jpg").convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        yield Given(name=name, kind="photograph", words=words, image=image)
        yield Given(name=f"{name}, square", kind="photograph", words=words, image=square)


def drawings(folder: Path, count: int) -> Iterator[Given]:
    """Yield held-out drawings of as many concepts, in turn of another style."""
    concepts: dict[str, list] = {}
    for sample in read_samples(folder):
        if sample.split == SPLIT:
            concepts.setdefault(sample.group, []).append(sample)
    several = [samples for samples in concepts.values() if len(samples) >= STYLES][:count]
    for number, samples in enumerate(several):
        sample = samples[number % STYLES]
        image = Image.open(folder / sample.file).convert("RGBA")
        yield Given(name=sample.caption, kind="drawing", words=sample.caption, image=image)


def sketches() -> Iterator[Given]:
    """Yield each sketch in every form."""
    for number, name in enumerate(STROKES):
        for form in FORMS:
            yield Given(name=f"{name}, {form}", kind="sketch", words=SAID[name], image=sketch(name, number, form))


def sketch(name: str, seed: int, form: Form) -> Image.Image:
    """Draw a sketch as an unsteady hand does.

    Args:
        name: One of ``STROKES``.
        seed: Of the hand.
        form: What it is drawn on, and whether its first stroke, of a house both, is filled.
    """
    filled = form == "filled"
    rng = np.random.default_rng(seed)
    image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0) if filled else PAPER)
    draw = ImageDraw.Draw(image)
    for number, stroke in enumerate(STROKES[name]):
        points = rounded(np.array(stroke) + WOBBLE * rng.normal(size=(len(stroke), 2)))
        if filled and number < (2 if name == "house" else 1):
            draw.polygon(points, fill=FILLS[name])
        draw.line(points, fill=INK, width=PEN, joint="curve")
        for x, y in points:
            draw.ellipse((x - PEN / 2, y - PEN / 2, x + PEN / 2, y + PEN / 2), fill=INK)
    if form == "cut out":
        ImageDraw.floodfill(image, (0, 0), (0, 0, 0, 0))
    return image


def rounded(points: np.ndarray, times: int = 2) -> list[tuple[float, float]]:
    """Return a line with its corners cut, its ends where they were.

    Args:
        points: ``[N, 2]``.
        times: How often.
    """
    for _ in range(times):
        first, second = 0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]
        inner = np.stack([first, second], axis=1).reshape(-1, 2)  # [2 N - 2, 2]
        points = np.concatenate([points[:1], inner, points[-1:]])
    return [(float(x), float(y)) for x, y in points]


def shaded(width: int = 320, height: int = 240) -> Given:
    """Return a red ball on a table: light, shadow, grain and blur as a camera has them."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    scene = np.where((y > 0.6 * height)[..., None], (150.0, 110.0, 75.0), (190.0, 200.0, 205.0))
    scene = scene * (0.75 + 0.35 * x / width)[..., None]  # [H, W, 3]
    middle, radius = (width / 2, 0.52 * height), 0.32 * height
    shadow = np.exp(-(((x - middle[0] - 25) / (1.1 * radius)) ** 2) - ((y - middle[1] - radius) / (0.25 * radius)) ** 2)
    scene *= 1 - 0.55 * shadow[..., None]
    u, v = (x - middle[0]) / radius, (y - middle[1]) / radius
    depth = np.sqrt(np.clip(1 - u * u - v * v, 0, 1))
    light = np.clip((-0.5 * u - 0.6 * v + 0.63 * depth) / math.hypot(0.5, 0.6, 0.63), 0, 1)
    ball = 35 + light[..., None] * (180.0, 45.0, 40.0) + 160 * (light**40)[..., None]
    scene = np.where((u * u + v * v < 1)[..., None], ball, scene)
    grain = np.random.default_rng(0).normal(scale=4.0, size=scene.shape)
    image = Image.fromarray(np.clip(scene + grain, 0, 255).astype(np.uint8))
    return Given(name="ball on a table", kind="shaded", words="red apple", image=image, other="orange")


def stickers(generator: Generator) -> Iterator[Given]:
    """Yield stickers that the model draws, with their settings."""
    for words, seed in DRAWN.items():
        (image,) = generator.generate(words, seed=seed)
        yield Given(name=words, kind="sticker", words=words, image=image, other="blue heart")
