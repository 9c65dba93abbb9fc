from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.errors import InputError
from underpaint.pipelines.stickers.place import Item, Place
from underpaint.pipelines.stickers.places import PLACES, place_of

PAGE = Path(__file__).parents[3] / "docs/stickers.md"
PROOF = {"vendor": "vendor's page", "others": "others' pages", "unverified": "**not verified**"}


def made(item: Item) -> str:
    """What the page says of a kind of file."""
    size = f"{item.width}x{item.height}" if item.box == "canvas" else f"{item.width} the longer side"
    parts = [f"{size} {item.format.upper()}{f' to {item.max_bytes / 1000:,.0f} KB' if item.max_bytes else ''}"]
    parts += [] if item.transparent else ["opaque"]
    parts += [f"margin {item.margin}"] if item.margin and item.transparent else []
    parts += [f"{item.dpi} dpi"] if item.dpi else []
    return f"{item.name}: {', '.join(parts)}" if item.once else ", ".join(parts)


def row(name: str, place: Place) -> str:
    """The line of the page's table."""
    whole = place.counts and place.counts == tuple(range(place.counts[0], place.counts[-1] + 1))
    counts = f"{place.counts[0]} to {place.counts[-1]}" if whole else ", ".join(map(str, place.counts))
    items = "; ".join(map(made, place.items))
    proof = f"[{PROOF[place.proof]}]({place.source}), {place.year}"
    return f"| `{name}` | {place.title} | {items} | {counts} | {proof} |"


def test_the_page_says_of_every_place_what_the_table_does():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    of_places = [line for line in rows if line.split("`")[1] in PLACES]
    assert of_places == [row(name, place) for name, place in PLACES.items()]


@pytest.mark.parametrize("name", PLACES)
def test_a_place_is_complete(name):
    place = place_of(name)
    names = [item.name for item in place.items]
    assert place.items and len({*names}) == len(names) and not place.items[0].once
    assert place.source.startswith("https://") and place.year >= 2024
    assert list(place.counts) == sorted({*place.counts})
    for item in place.items:
        assert 2 * item.margin < min(item.width, item.height)
        assert item.transparent or item.format in ("png", "jpeg")
        assert item.format != "jpeg" or not item.transparent
        assert item.box == "canvas" or item.width == item.height


def test_line_asks_for_even_sides():
    assert all(item.width % 2 == item.height % 2 == 0 for item in PLACES["line"].items)


def test_an_unknown_place_lists_the_others():
    with pytest.raises(InputError, match="'myspace'; choose some of whatsapp, telegram"):
        place_of("myspace")


@pytest.mark.parametrize("name", ["whatsap", "WhatsApp", "watsapp"])
def test_a_mistyped_place_is_told_which_was_meant(name):
    with pytest.raises(InputError, match=f"there is no place '{name}'; did you mean 'whatsapp'\\? choose some of"):
        place_of(name)
