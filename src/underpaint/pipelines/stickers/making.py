"""From pictures and places to named files: each kind of file that a place wants, and a pack's archive at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from underpaint.core.errors import InputError
from underpaint.core.mistakes import Mistakes
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.picture_folder import Seal
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.stickers.archive import contents_json, portions, wastickers, zipped
from underpaint.pipelines.stickers.composing import composed, gains, prepared
from underpaint.pipelines.stickers.emoji_tags import emoji_of
from underpaint.pipelines.stickers.encoding import SUFFIXES, Texts, encoded
from underpaint.pipelines.stickers.look import Look
from underpaint.pipelines.stickers.origin import marked
from underpaint.pipelines.stickers.picture import Picture, slug_of
from underpaint.pipelines.stickers.place import Item, Place
from underpaint.pipelines.stickers.places import place_of

TITLE, AUTHOR = "Stickers", "underpaint"
KEPT = 64
"""Enlarged pictures, of a megabyte each at most, that are kept for the next kind of file."""
SIGNED = ("shop", "social", "icon")
"""Kinds of places whose files are signed."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What is written beside and into the files.

    Args:
        title: Of a pack.
        author: Of a pack.
        bare: Whether the files say nothing about themselves.
    """

    title: str = TITLE
    author: str = AUTHOR
    bare: bool = False


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What holds for all files.

    Args:
        labels: What is written beside and into them.
        seal: Signs them; None signs nothing.
    """

    labels: Labels
    seal: Seal | None


@dataclass(frozen=True, kw_only=True)
class Made:
    """A finished file.

    Args:
        place: Name of the place that it is for.
        item: Name of the kind of file; ``pack`` for what holds all of them.
        name: Path within the pack, such as ``whatsapp/01-a-cat.webp``.
        data: Its bytes.
        picture: SHA-256 of the pixels of the picture that it shows; None if it is a pack.
        width: In pixels; 0 if it is a pack.
        height: In pixels; 0 if it is a pack.
        quality: How good it is, in words.
        emoji: What messengers find it by.
    """

    place: str
    item: str
    name: str
    data: bytes
    picture: str | None = None
    width: int = 0
    height: int = 0
    quality: str = ""
    emoji: tuple[str, ...] = ()


def check_places(names: Sequence[str]) -> dict[str, Place]:
    """Return places by their names, each once.

    Raises:
        InputError: There is none of a name; all mistakes are told.
    """
    found = Mistakes()
    places = {name: found.take(place_of, name, otherwise=None) for name in names}
    if not names:
        found.add(InputError("no place was named; name one or more, such as whatsapp"))
    found.tell()
    return {name: place for name, place in places.items() if place is not None}


def make_stickers(
    pictures: Sequence[Picture],
    places: Sequence[str],
    look: Look | None = None,
    *,
    labels: Labels | None = None,
    seal: Seal | None = None,
    report: Report = silent,
) -> Iterator[Made]:
    """Make the files of pictures for places, one after the other as they are finished.

    Args:
        pictures: In the order of the pack.
        places: Names of ``places.PLACES``.
        look: What stickers shall look like; None for the drawing alone.
        labels: What is written beside and into the files.
        seal: Signs the files of shops, social networks and icons; messengers strip signatures, which are longer than
            their stickers. None signs nothing.
        report: Called after each file.

    Raises:
        InputError: There is no such place, a picture shows nothing, or a file cannot be made as short as it must be.
        UnreadableImage: The background's file is no picture.
    """
    known, said = check_places(places), labels or Labels()
    if not pictures:
        raise InputError("no picture was given; name one or more")
    total, done = sum(len(_wanted(place, pictures)) for place in known.values()), 0
    asked, wanted = look or Look(), Wanted(labels=said, seal=seal)

    @lru_cache(maxsize=KEPT)
    def enlarged(number: int) -> Picture:
        return pictures[number].enlarged(prepared(pictures[number].pixels, asked))

    for name, place in known.items():
        files: list[Made] = []
        for item, number in _wanted(place, pictures):
            picture = enlarged(number) if gains(pictures[number].pixels) else pictures[number]
            files.append(_file(name, place, item, number, picture, asked, wanted))
            yield files[-1]
            done += 1
            report(Progress(task="make stickers", done=done, total=total, unit="files"))
        yield from _packs(name, place, files, said)


def _wanted(place: Place, pictures: Sequence[Picture]) -> list[tuple[Item, int]]:
    """Return the kinds of files and the numbers of the pictures that they are made of."""
    return [(item, number) for item in place.items for number in range(1 if item.once else len(pictures))]


def _file(name: str, place: Place, item: Item, number: int, picture: Picture, look: Look, wanted: Wanted) -> Made:
    try:
        sticker = marked(composed(picture.pixels, item, look), picture, name, item, look)
        texts = Texts() if wanted.labels.bare else sticker.texts
        file = encoded(sticker.image, item.format, item.max_bytes, texts=texts, dpi=item.dpi)
    except InputError as error:
        raise InputError(f"{picture.name} for {name}: {error}") from None
    settings = sticker.delivered(file.image) if place.kind in SIGNED and not wanted.labels.bare else None
    return Made(
        place=name,
        item=item.name,
        name=f"{name}/{_stem(place, item, number, picture)}{SUFFIXES[item.format]}",
        data=_sealed(file.data, settings, item.max_bytes, wanted.seal),
        picture=picture.sha256,
        width=sticker.image.width,
        height=sticker.image.height,
        quality=file.quality,
        emoji=tuple(emoji_of(picture.words)),
    )


def _sealed(data: bytes, settings: Settings | None, max_bytes: int | None, seal: Seal | None) -> bytes:
    """Return a file as it is to be written, signed if somebody signs, there is something to say, and it stays short."""
    if seal is None or settings is None:
        return data
    signed = seal(data, settings)
    return signed if max_bytes is None or len(signed) <= max_bytes else data


def _stem(place: Place, item: Item, number: int, picture: Picture) -> str:
    """Return what a file is called, without its ending."""
    if item.file is not None:
        return item.file.format(number=number + 1)
    alone = sum(not other.once for other in place.items) == 1
    return f"{number + 1:02}-{slug_of(picture)}{'' if alone else f'-{item.name}'}"


def _packs(name: str, place: Place, files: Sequence[Made], labels: Labels) -> Iterator[Made]:
    """Yield what holds a whole pack."""
    by_name = {file.name.partition("/")[2]: file.data for file in files}
    if place.archive == "zip":
        yield Made(place=name, item="pack", name=f"{name}/pack.zip", data=zipped(by_name))
    elif place.archive == "wastickers":
        emoji = {file.name.partition("/")[2]: file.emoji for file in files if file.item == place.items[0].name}
        packs = portions(list(emoji), place.counts[-1])
        for number, names in enumerate(packs, start=1):
            title = labels.title if len(packs) == 1 else f"{labels.title} {number}"
            data = wastickers(
                {one: by_name[one] for one in names}, by_name["tray.png"], title=title, author=labels.author
            )
            ending = "" if len(packs) == 1 else f"-{number}"
            yield Made(place=name, item="pack", name=f"{name}/pack{ending}.wastickers", data=data)
        tagged = [{one: emoji[one] for one in names} for names in packs]
        described = contents_json(tagged, title=labels.title, author=labels.author)
        yield Made(place=name, item="pack", name=f"{name}/contents.json", data=described)


def unmet(places: Sequence[str], num_pictures: int) -> Iterator[str]:
    """Yield a sentence for each place that takes packs of other numbers of stickers.

    Args:
        places: Names.
        num_pictures: Stickers of the pack.

    Raises:
        InputError: There is no such place.
    """
    for place in check_places(places).values():
        counts = place.counts
        if not counts or num_pictures in counts or (place.archive == "wastickers" and num_pictures > counts[-1]):
            continue
        whole = counts == tuple(range(counts[0], counts[-1] + 1))
        taken = f"{counts[0]} to {counts[-1]}" if whole else ", ".join(map(str, counts))
        here = f"there {'is' if num_pictures == 1 else 'are'} {num_pictures} here"
        yield f"{place.title} takes packs of {taken} stickers, and {here}; {_remedy(counts, num_pictures)}"


def _remedy(counts: Sequence[int], number: int) -> str:
    """Return how a number of pictures becomes one that a place takes."""
    more = next((count - number for count in counts if count > number), None)
    return f"leave {number - counts[-1]} out" if more is None else f"name {more} more"
