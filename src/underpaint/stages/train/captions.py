"""What a caption is turned into before a training step sees it: articles, templates and dropped words.

Captions are bare names ("smiling cat"), while people write "a smiling cat" or "a cartoon sticker of a smiling cat".
"""

from __future__ import annotations

import torch

from underpaint.core.samples import Sample

STYLE_WORDS = {
    "cartoon": ("cartoon",),
    "flat": ("flat",),
    "gradient": ("gradient", "shaded"),
    "line-art": ("line art", "black and white", "line drawing"),
}
NOUNS = ("sticker", "icon", "picture", "drawing")


def with_article(name: str) -> str:
    """Put "a" or "an" before a name."""
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def vary(sample: Sample, generator: torch.Generator, word_dropout: float = 0.07) -> str:
    """Return one way to ask for a sample.

    Args:
        sample: The sample.
        generator: Draws the form.
        word_dropout: Chance that a picture's caption loses one word, if it has three or more.
    """
    draws = torch.rand(5, generator=generator).tolist()
    name = sample.caption
    words = name.split()
    if draws[0] < word_dropout and len(words) > 2:
        del words[int(draws[1] * len(words))]
        name = " ".join(words)
    if draws[2] < 0.25:
        name = with_article(name)
    if draws[3] < 0.2:
        noun = NOUNS[int(draws[1] * len(NOUNS))]
        styles = STYLE_WORDS.get(sample.style, (sample.style,))
        style = styles[int(draws[4] / 0.6 * len(styles))] + " " if draws[4] < 0.6 else ""
        name = f"{style}{noun} of {name}"
    return name
