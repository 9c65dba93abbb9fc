"""How an emoji is written so that everybody sees a picture: characters that are text by themselves get a selector.

In a fully qualified sequence U+FE0F follows each character whose usual presentation is text, unless a skin tone does,
which asks for a picture too.

Source: Unicode Technical Standard 51, Unicode Emoji, sections 1.4.5 and 2.4; the tables are its emoji-data.txt.
"""

from __future__ import annotations

import re

SELECTOR = "\ufe0f"
TONES = range(0x1F3FB, 0x1F400)
PICTURES_FROM = 0x1F000
"""From here on all characters are emoji, and pictures by themselves but for those of ``TEXT``; below only those are
emoji that a table names."""
PICTURES = """
    231A-231B 23E9-23EC 23F0 23F3 25FD-25FE 2614-2615 2648-2653 267F 2693 26A1 26AA-26AB 26BD-26BE 26C4-26C5 26CE 26D4
    26EA 26F2-26F3 26F5 26FA 26FD 2705 270A-270B 2728 274C 274E 2753-2755 2757 2795-2797 27B0 27BF 2B1B-2B1C 2B50 2B55
"""
TEXT = """
    23 2A 30-39 A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 2328 23CF 23ED-23EF 23F1-23F2 23F8-23FA 24C2 25AA-25AB
    25B6 25C0 25FB-25FC 2600-2604 260E 2611 2618 261D 2620 2622-2623 2626 262A 262E-262F 2638-263A 2640 2642 265F-2660
    2663 2665-2666 2668 267B 267E 2692 2694-2697 2699 269B-269C 26A0 26A7 26B0-26B1 26C8 26CF 26D1 26D3 26E9 26F0-26F1
    26F4 26F7-26F9 2702 2708-2709 270C-270D 270F 2712 2714 2716 271D 2721 2733-2734 2744 2747 2763-2764 27A1 2934-2935
    2B05-2B07 3030 303D 3297 3299
    1F170-1F171 1F17E-1F17F 1F202 1F237 1F321 1F324-1F32C 1F336 1F37D 1F396-1F397 1F399-1F39B 1F39E-1F39F 1F3CB-1F3CE
    1F3D4-1F3DF 1F3F3 1F3F5 1F3F7 1F43F 1F441 1F4FD 1F549-1F54A 1F56F-1F570 1F573-1F579 1F587 1F58A-1F58D 1F590 1F5A5
    1F5A8 1F5B1-1F5B2 1F5BC 1F5C2-1F5C4 1F5D1-1F5D3 1F5DC-1F5DE 1F5E1 1F5E3 1F5E8 1F5EF 1F5F3 1F5FA 1F6CB 1F6CD-1F6CF
    1F6E0-1F6E5 1F6E9 1F6F0 1F6F3
"""


def _codes(table: str) -> frozenset[int]:
    ranges = re.findall(r"([0-9A-F]+)(?:-([0-9A-F]+))?", table)
    return frozenset(code for first, last in ranges for code in range(int(first, 16), int(last or first, 16) + 1))


AS_PICTURE, AS_TEXT = _codes(PICTURES), _codes(TEXT)


def is_emoji(character: str) -> bool:
    """Tell whether a character, of those that have a name in CLDR, can be shown as a picture."""
    return ord(character) >= PICTURES_FROM or ord(character) in AS_PICTURE | AS_TEXT


def is_text(character: str) -> bool:
    """Tell whether a character of an emoji is shown as text unless a selector follows."""
    return ord(character) in AS_TEXT


def qualified(sequence: str) -> str:
    """Return an emoji with all selectors that it needs.

    Args:
        sequence: The emoji, with selectors or without.
    """
    plain = sequence.replace(SELECTOR, "")
    written = ""
    for character, following in zip(plain, [*plain[1:], ""], strict=True):
        toned = following != "" and ord(following) in TONES
        written += character + (SELECTOR if is_text(character) and not toned else "")
    return written
