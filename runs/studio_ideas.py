"""The small pictures beside the studio's ideas: what the shipped model draws, one seed each, chosen by eye.

    python runs/studio_ideas.py

Run it after the shipped weights have changed, and choose the seeds anew with ``underpaint generate "red heart" -n 10``.
"""

from __future__ import annotations

import re
from pathlib import Path

import underpaint

FOLDER = Path(__file__).parents[1] / "src" / "underpaint" / "stages" / "serve" / "studio" / "ideas"
IDEAS = (
    ("red heart", "gradient", 5),
    ("rocket", "flat", 3),
    ("grinning face", "flat", 2),
    ("evergreen tree", "flat", 3),
    ("fire", "gradient", 3),
    ("umbrella", "flat", 3),
    ("santa claus", "cartoon", 6),
    ("cat with tears of joy", "cartoon", 1),
    ("soccer ball", "line-art", 8),
    ("purple heart", "gradient", 1),
)
"""Prompt, style and seed; each is among the examples of the server, and ``js/parts/ideas.js`` names its file."""


def main() -> None:
    """Draw them, and write each as a small WebP."""
    model = underpaint.load()
    FOLDER.mkdir(exist_ok=True)
    for prompt, style, seed in IDEAS:
        name = re.sub(r"[^a-z0-9]+", "-", f"{prompt} {style}")
        model.generate(prompt, style=style, seed=seed)[0].save(FOLDER / f"{name}.webp", quality=85, method=6)


if __name__ == "__main__":
    main()
