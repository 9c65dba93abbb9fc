"""The picture of docs/upscale.md: the first drawings of docs/images/grid.jsonl, by Lanczos and by the upscaler.

    python benchmarks/upscaling_strip.py

Writes ``docs/images/upscale.png``: a column a prompt; by Lanczos on white, by the upscaler on white and on dark.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from underpaint.pipelines.generator import load
from underpaint.pipelines.upscaling.enlarging import upscaled
from underpaint.pipelines.upscaling.resampling import premultiplied, resampled, straight

IMAGES = Path(__file__).parents[1] / "docs" / "images"
OUT = IMAGES / "upscale.png"
COLUMNS, SIZE, GAP = 6, 256, 8
LIGHT, DARK = (255, 255, 255), (32, 35, 42)


def main() -> None:
    """Draw, enlarge, and write the strip."""
    generator = load()
    wishes = [json.loads(line) for line in (IMAGES / "grid.jsonl").read_text(encoding="utf-8").splitlines()[:COLUMNS]]
    drawn = [np.asarray(generator.generate(**wish)[0]) for wish in wishes]
    plain = [straight(resampled(premultiplied(pixels), SIZE, SIZE)) for pixels in drawn]
    large = [upscaled(pixels, SIZE) for pixels in drawn]
    step = SIZE + GAP
    strip = Image.new("RGB", (len(drawn) * step - GAP, 3 * step - GAP), LIGHT)
    strip.paste(DARK, (0, 2 * step - GAP // 2, strip.width, strip.height))
    for row, pictures in enumerate((plain, large, large)):
        for column, pixels in enumerate(pictures):
            tile = Image.fromarray(pixels)
            strip.paste(tile, (column * step, row * step), tile)
    strip.quantize(255, dither=Image.Dither.NONE).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
