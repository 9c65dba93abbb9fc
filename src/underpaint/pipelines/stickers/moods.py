"""Moods in the words of emoji, since these are what the model has learned: faces, cats and people have their own.

A mood's words hold ``{}`` where the subject stands. Those of faces, cats and people are captions that the model was
trained on, but for the subject; those of anything else are made after the cats'.
"""

from __future__ import annotations

import difflib
import re
from typing import Literal

from underpaint.core.errors import InputError

Kind = Literal["face", "cat", "person", "other"]

PEOPLE = frozenset(
    (
        *("artist", "astronaut", "baby", "boy", "child", "cook", "detective", "elf", "fairy", "farmer", "firefighter"),
        *("girl", "guard", "judge", "mage", "man", "mechanic", "ninja", "person", "pilot", "prince", "princess"),
        *("scientist", "singer", "student", "superhero", "teacher", "technologist", "vampire", "woman", "zombie"),
    )
)
CATS = frozenset(("cat", "kitten", "kitty"))
FACES = frozenset(("face", "smiley", "emoji"))
WITH_FACES = frozenset(
    (
        *("bear", "cat", "cow", "dog", "dragon", "fox", "frog", "hamster", "horse", "koala", "lion", "monkey", "mouse"),
        *("panda", "pig", "rabbit", "tiger", "unicorn", "wolf"),
    )
)
"""Animals that are drawn as a face if nothing else is said of them, since a mood is seen there."""

MOODS: dict[str, dict[Kind, str]] = {
    "happy": {"face": "grinning face", "cat": "grinning {}", "person": "smiling {}"},
    "laughing": {"face": "face with tears of joy", "cat": "{} with tears of joy", "person": "laughing {}"},
    "in-love": {
        "face": "smiling face with heart-eyes",
        "cat": "smiling {} with heart-eyes",
        "person": "smiling {} with heart",
    },
    "kissing": {"face": "face blowing a kiss", "cat": "kissing {}", "person": "kissing {}"},
    "winking": {"face": "winking face", "cat": "{} with wry smile", "person": "winking {}"},
    "cool": {
        "face": "smiling face with sunglasses",
        "cat": "smiling {} with sunglasses",
        "person": "{} with sunglasses",
    },
    "party": {"face": "partying face", "cat": "partying {}", "person": "{} dancing"},
    "sad": {"face": "crying face", "cat": "crying {}", "person": "{} frowning"},
    "crying": {"face": "loudly crying face", "cat": "loudly crying {}", "person": "crying {}"},
    "angry": {"face": "angry face", "cat": "pouting {}", "person": "{} pouting"},
    "surprised": {"face": "astonished face", "cat": "astonished {}", "person": "astonished {}"},
    "scared": {"face": "fearful face", "cat": "fearful {}", "person": "fearful {}"},
    "sleepy": {"face": "sleeping face", "cat": "sleeping {}", "person": "{} in bed"},
    "tired": {"face": "weary face", "cat": "weary {}", "person": "{} facepalming"},
    "sick": {"face": "nauseated face", "cat": "nauseated {}", "person": "{} with medical mask"},
    "shy": {"face": "flushed face", "cat": "flushed {}", "person": "flushed {}"},
    "thinking": {"face": "thinking face", "cat": "thinking {}", "person": "{} shrugging"},
    "smug": {"face": "smirking face", "cat": "smirking {}", "person": "smirking {}"},
    "hello": {"face": "saluting face", "cat": "{} waving hand", "person": "{} raising hand"},
}
USUAL = ("happy", "laughing", "in-love", "kissing", "cool", "sad", "angry", "tired")


def noun_of(subject: str) -> str:
    """Return a subject without its article: ``cat`` of ``a cat``."""
    return re.sub(r"^\s*(an?|the)\s+", "", subject.strip(), flags=re.IGNORECASE)


def kind_of(subject: str) -> Kind:
    """Return which words a subject's moods are said in."""
    words = re.findall(r"[a-z]+", noun_of(subject).lower())
    if words and words[-1] in FACES and not WITH_FACES & {*words}:
        return "face"
    if CATS & {*words}:
        return "cat"
    return "person" if words and words[-1] in PEOPLE else "other"


def first_words(subject: str) -> str:
    """Return what the first picture is drawn from: an animal that nothing else is said of as its face."""
    noun = noun_of(subject)
    words = noun.lower().split()
    if len(words) == 1 and words[0] in FACES:
        return "smiling face"
    return f"{noun} face" if words and words[-1] in WITH_FACES and len(words) <= 2 else noun


def words_of(subject: str, mood: str) -> str:
    """Return a subject in a mood, in words.

    Args:
        subject: Such as ``a cat``.
        mood: A key of ``MOODS``.

    Raises:
        InputError: There is no such mood.
    """
    if mood not in MOODS:
        close = difflib.get_close_matches(mood.casefold(), MOODS, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(
            f"there are no words for the mood {mood!r:.40}; {meant}choose some of {', '.join(MOODS)}, or say "
            "it in words of your own (--mood)"
        )
    kind = kind_of(subject)
    return MOODS[mood]["cat" if kind == "other" else kind].format(noun_of(subject))
