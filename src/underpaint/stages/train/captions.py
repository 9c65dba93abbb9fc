"""What a caption is turned into before a training step sees it: other wordings of the same thing.

Captions are bare names ("woman scientist with dark skin tone"), while people write "a dark-skinned woman scientist" or
"a cartoon sticker of a smiling cat". A wording may say less than the caption, never something else: words for tone,
gender, color, direction and negation are kept, tones and colors with their nouns.
"""

from __future__ import annotations

import re

import torch

from underpaint.core.attributes import COLORS, DIRECTIONS, TONES
from underpaint.core.samples import Sample

STYLE_WORDS = {
    "cartoon": ("cartoon",),
    "flat": ("flat",),
    "gradient": ("gradient", "shaded"),
    "line-art": ("line art", "black and white", "line drawing"),
}
NOUNS = ("sticker", "icon", "picture", "drawing")
GENDER_WORDS = ("man", "men", "woman", "women", "boy", "girl", "person", "people")
KEPT = frozenset({*COLORS, *DIRECTIONS, *TONES, *GENDER_WORDS, "skin", "tone", "no", "not", "without"})
STOP_WORDS = frozenset({"a", "an", "the", "of", "with", "in", "on", "at", "for", "and"})
ADJECTIVES = frozenset(
    {
        "articulated", "big", "cooked", "decorative", "double", "floppy", "folded", "framed", "fried", "heavy",
        "high-heeled", "high-speed", "hollow", "large", "manual", "medium", "motorized", "oncoming", "open", "potted",
        "roasted", "shallow", "small", "smiling", "stuffed", "waving", "wrapped",
    }
)  # fmt: skip
"""Words without which a caption says less but is still true."""

_TONE = re.compile(r"(?P<head>.+) (?:with|and) (?P<tone>(?:medium-)?(?:light|dark)|medium) skin tone")
_WITH = re.compile(r"(?P<what>[^,]+) (?:with|in) (?P<trait>[^, ]+(?: [^, ]+)?)")


def with_article(name: str) -> str:
    """Put "a" or "an" before a name."""
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def reordered(caption: str) -> list[str]:
    """Return the caption with its tone, or what it has or wears, put first: "dark-skinned man", "red hair man"."""
    toned = _TONE.fullmatch(caption)
    head, tone = (toned["head"], toned["tone"]) if toned else (caption, "")
    if "skin tone" in head:
        return []
    forms = [f"{tone}-skinned {head}", f"{tone} skin tone {head}"] if tone else []
    worn = _WITH.fullmatch(head)
    if worn and not re.search(r" (?:with|in|and|of) ", f"{worn['what']}  {worn['trait']}"):
        forms.append(f"{worn['trait']} {worn['what']}" + (f" with {tone} skin tone" if tone else ""))
    return forms


def keywords(caption: str) -> list[str]:
    """Return the caption without its stop words, if it has any: "face tears joy"."""
    words = caption.split()
    kept = [word for word in words if word not in STOP_WORDS]
    return [" ".join(kept)] if kept and len(kept) < len(words) else []


def plainer(caption: str) -> list[str]:
    """Return the caption with one adjective dropped, for each that it can do without: "white square"."""
    words = caption.split()
    spare = [
        place
        for place, word in enumerate(words[:-1])
        if word in ADJECTIVES and words[place + 1] not in STOP_WORDS | {"skin"}
    ]
    return [" ".join(words[:place] + words[place + 1 :]) for place in spare]


def reworded(caption: str, kind: float, form: float) -> str:
    """Return one other wording of a caption; the caption itself if there is none.

    Args:
        caption: The canonical caption.
        kind: In [0, 1), chooses among reordered, keywords and plainer, as far as they apply.
        form: In [0, 1), chooses among the forms of that kind.
    """
    kinds = [forms for forms in (reordered(caption), keywords(caption), plainer(caption)) if forms]
    if not kinds:
        return caption
    forms = kinds[int(kind * len(kinds))]
    return forms[int(form * len(forms))]


def vary(sample: Sample, generator: torch.Generator, word_dropout: float = 0.07, rewording: float = 0.0) -> str:
    """Return one way to ask for a sample; each of its captions comes up as often as the others.

    Args:
        sample: The sample.
        generator: Draws the form.
        word_dropout: Chance that a picture's caption loses one word that need not be kept, if it has three or more.
        rewording: Chance of another wording.
    """
    draws = torch.rand(5, generator=generator).tolist()
    name = sample.caption
    if sample.alternatives:
        name = sample.captions[int(torch.rand(1, generator=generator) * len(sample.captions))]
    words = name.split()
    spare = [place for place, word in enumerate(words) if word not in KEPT]
    if draws[0] < word_dropout and len(words) > 2 and spare:
        del words[spare[int(draws[1] * len(spare))]]
        name = " ".join(words)
    if rewording > 0.0:
        chance, kind, form = torch.rand(3, generator=generator).tolist()
        name = reworded(name, kind, form) if chance < rewording else name
    if draws[2] < 0.25:
        name = with_article(name)
    if draws[3] < 0.2:
        noun = NOUNS[int(draws[1] * len(NOUNS))]
        styles = STYLE_WORDS.get(sample.style, (sample.style,))
        style = styles[int(draws[4] / 0.6 * len(styles))] + " " if draws[4] < 0.6 and sample.style else ""
        name = f"{style}{noun} of {name}"
    return name
