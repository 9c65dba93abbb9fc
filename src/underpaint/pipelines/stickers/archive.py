"""A pack in one file: WhatsApp's sticker apps want a ``.wastickers`` file, LINE a ZIP. Equal packs are equal bytes."""

from __future__ import annotations

import io
import itertools
import json
import math
import zipfile
from collections.abc import Mapping, Sequence

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file within an archive, as no date may distinguish two of them."""
LONGEST_TEXT = 128
"""Characters of a title and an author that WhatsApp takes."""


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP file.

    Args:
        files: Names and bytes, in order; pictures are stored as they are, since they are compressed already.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data)
    return buffer.getvalue()


def wastickers(stickers: Mapping[str, bytes], tray: bytes, *, title: str, author: str) -> bytes:
    """Return a pack as sticker apps for WhatsApp import it: the stickers, their icon, and two texts.

    Args:
        stickers: Names and bytes.
        tray: The icon's file.
        title: Of the pack.
        author: Of the pack.

    Source: described by Orel Fichman, "From WhatsApp to Signal", 2021; no page of WhatsApp does.
    """
    texts = {"title.txt": title, "author.txt": author}
    return zipped(
        {**{name: text[:LONGEST_TEXT].encode() for name, text in texts.items()}, "tray.png": tray, **stickers}
    )


def contents_json(packs: Sequence[Mapping[str, Sequence[str]]], *, title: str, author: str) -> bytes:
    """Return what WhatsApp's sample app reads its packs from.

    Args:
        packs: Files of the stickers of each pack, and the emoji that stand for each.
        title: Of all of them; they are numbered if there are several.
        author: Of all of them.

    Source: WhatsApp, stickers/Android/README.md, "Modifying the contents.json file".
    """
    described = [
        {
            "identifier": str(number),
            "name": (title if len(packs) == 1 else f"{title} {number}")[:LONGEST_TEXT],
            "publisher": author[:LONGEST_TEXT],
            "tray_image_file": "tray.png",
            "image_data_version": "1",
            "avoid_cache": False,
            "stickers": [{"image_file": name, "emojis": list(emoji)} for name, emoji in files.items()],
        }
        for number, files in enumerate(packs, start=1)
    ]
    document = {"android_play_store_link": "", "ios_app_store_link": "", "sticker_packs": described}
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def portions(names: Sequence[str], most: int) -> list[list[str]]:
    """Return names in as few portions as can be, all about as large.

    Args:
        names: In order.
        most: Of a portion.
    """
    number = max(1, math.ceil(len(names) / most))
    ends = [round(len(names) * k / number) for k in range(number + 1)]
    return [list(names[start:end]) for start, end in itertools.pairwise(ends)]
