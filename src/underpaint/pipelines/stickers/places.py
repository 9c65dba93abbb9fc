"""What messengers, shops and social networks ask of a picture: a table of places.

Where a page says KB, 1,000 bytes are meant here, so that either reading is met.
"""

from __future__ import annotations

import difflib

from underpaint.core.errors import InputError
from underpaint.pipelines.stickers.place import Item, Place


def _square(side: int, **more: object) -> Item:
    return Item.model_validate({"width": side, "height": side, **more})


def _flat(width: int, height: int, max_bytes: int | None = None, **more: object) -> tuple[Item]:
    """Return an opaque picture with room around the drawing."""
    margin = min(width, height) // 12
    given = {"name": "picture", "width": width, "height": height, "max_bytes": max_bytes, "margin": margin}
    return (Item.model_validate({**given, "transparent": False, **more}),)


PLACES: dict[str, Place] = {
    "whatsapp": Place(
        title="WhatsApp",
        kind="messenger",
        items=(
            _square(512, format="webp", max_bytes=100_000, margin=16),
            _square(96, name="tray", max_bytes=50_000, once=True, file="tray"),
        ),
        source="https://github.com/WhatsApp/stickers/tree/main/Android",
        proof="vendor",
        counts=tuple(range(3, 31)),
        archive="wastickers",
        how="Open the .wastickers file with a sticker app, or build WhatsApp's sample app around contents.json.",
    ),
    "telegram": Place(
        title="Telegram, stickers",
        kind="messenger",
        items=(
            _square(512, format="webp", max_bytes=512_000, box="longest"),
            _square(100, name="thumbnail", format="webp", max_bytes=128_000, once=True, file="thumbnail"),
        ),
        source="https://core.telegram.org/stickers",
        proof="vendor",
        counts=tuple(range(1, 121)),
        how="Send the files to the bot @Stickers, one by one, as files.",
    ),
    "telegram-emoji": Place(
        title="Telegram, custom emoji",
        kind="messenger",
        items=(_square(100, name="emoji", format="webp", max_bytes=128_000),),
        source="https://core.telegram.org/stickers",
        proof="vendor",
        how="Send the files to the bot @Stickers after /newemojipack.",
    ),
    "signal": Place(
        title="Signal",
        kind="messenger",
        items=(_square(512, format="webp", max_bytes=300_000, margin=16),),
        source="https://github.com/signalapp/Signal-Desktop/blob/main/sticker-creator/src/constants.ts",
        proof="vendor",
        counts=tuple(range(1, 201)),
        how="Drop the files into the sticker creator of Signal Desktop.",
    ),
    "discord": Place(
        title="Discord, stickers",
        kind="messenger",
        items=(_square(320, max_bytes=512_000),),
        source="https://discord.com/developers/docs/resources/sticker",
        proof="vendor",
        how="Server settings, Stickers, Upload.",
    ),
    "discord-emoji": Place(
        title="Discord, emoji",
        kind="messenger",
        items=(_square(128, name="emoji", max_bytes=256_000),),
        source="https://docs.discord.com/developers/resources/emoji",
        proof="vendor",
        how="Server settings, Emoji, Upload.",
    ),
    "slack": Place(
        title="Slack, emoji",
        kind="messenger",
        items=(_square(128, name="emoji", max_bytes=128_000),),
        source="https://makeemoji.com/blog/slack-emoji-size-limit",
        proof="others",
        how="The emoji picker, Add emoji.",
    ),
    "line": Place(
        title="LINE Creators Market",
        kind="messenger",
        items=(
            Item(width=370, height=320, max_bytes=1_000_000, margin=10, file="{number:02}"),
            _square(240, name="main", max_bytes=1_000_000, once=True, file="main"),
            Item(name="tab", width=96, height=74, max_bytes=1_000_000, once=True, file="tab"),
        ),
        source="https://www.aery.pro/pages/line-stickergraphic-tablet",
        proof="others",
        counts=(8, 16, 24, 32, 40),
        archive="zip",
        how="Upload the ZIP file in the sticker editing page.",
    ),
    "viber": Place(
        title="Viber",
        kind="messenger",
        items=(_square(490),),
        source="https://www.github.com/laggykiller/sticker-convert/blob/master/docs/guide_viber.md",
        proof="others",
        how="Sticker Market, Create a sticker pack.",
    ),
    "imessage": Place(
        title="iMessage",
        kind="messenger",
        items=tuple(
            _square(side, name=name, max_bytes=500_000)
            for name, side in (("regular", 408), ("small", 300), ("large", 618))
        ),
        source="https://developer.apple.com/documentation/messages/msstickersize",
        proof="vendor",
        how="Drag files of one size into the Sticker Pack of an Xcode project.",
    ),
    "mastodon": Place(
        title="Mastodon, custom emoji",
        kind="messenger",
        items=(_square(128, name="emoji", max_bytes=256_000),),
        source="https://github.com/mastodon/mastodon/blob/main/app/models/custom_emoji.rb",
        proof="vendor",
        how="Administration, Custom emoji, Upload; servers of before 2022 take 50 KB.",
    ),
    "twitch": Place(
        title="Twitch, emotes",
        kind="messenger",
        items=tuple(_square(side, name=f"emote-{side}", max_bytes=25_000) for side in (112, 56, 28)),
        source="https://makeemoji.com/blog/twitch-emote-sizes",
        proof="others",
        how="Creator dashboard, Emotes, manual upload.",
    ),
    "twitch-badge": Place(
        title="Twitch, badges",
        kind="messenger",
        items=tuple(_square(side, name=f"badge-{side}", max_bytes=25_000) for side in (72, 36, 18)),
        source="https://emoteresizer.app/twitch-emote-size-guide",
        proof="others",
        how="Creator dashboard, Loyalty badges.",
    ),
    "print": Place(
        title="Sticker printers, 3 inches",
        kind="shop",
        items=(_square(900, name="print", dpi=300, margin=19),),
        source="https://help.fourthwall.com/hc/en-us/articles/13331281600667",
        proof="others",
        how="300 dots an inch; the printer cuts along the contour.",
    ),
    "redbubble": Place(
        title="Redbubble, stickers",
        kind="shop",
        items=(_square(2800, name="print", dpi=300),),
        source="https://help.redbubble.com",
        proof="unverified",
        how="Upload as a new work; the shop adds its own white border.",
    ),
    "etsy": Place(
        title="Etsy, listing",
        kind="shop",
        items=_flat(2000, 2000, 10_000_000, format="jpeg"),
        source="https://hauld.app/blog/etsy-listing-photo-checklist",
        proof="others",
        how="Photos of the listing.",
    ),
    "instagram": Place(
        title="Instagram, square",
        kind="social",
        items=_flat(1080, 1080, 8_000_000, format="jpeg"),
        source="https://www.loopworker.com/blog/social-media-image-sizes-2026.html",
        proof="others",
    ),
    "instagram-portrait": Place(
        title="Instagram, portrait",
        kind="social",
        items=_flat(1080, 1350, 8_000_000, format="jpeg"),
        source="https://www.loopworker.com/blog/social-media-image-sizes-2026.html",
        proof="others",
    ),
    "story": Place(
        title="Stories of Instagram and Facebook",
        kind="social",
        items=_flat(1080, 1920, 8_000_000, format="jpeg"),
        source="https://www.loopworker.com/blog/social-media-image-sizes-2026.html",
        proof="others",
    ),
    "x": Place(
        title="X (Twitter)",
        kind="social",
        items=_flat(1200, 675, 5_000_000),
        source="https://thesize.net/social-media-images",
        proof="others",
    ),
    "facebook": Place(
        title="Facebook, shared picture",
        kind="social",
        items=_flat(1200, 630, 8_000_000),
        source="https://thesize.net/social-media-images",
        proof="others",
    ),
    "youtube": Place(
        title="YouTube, thumbnail",
        kind="social",
        items=_flat(1280, 720, 2_000_000, format="jpeg"),
        source="https://dropvert.pages.dev/guides/how-to-make-a-youtube-thumbnail",
        proof="others",
    ),
    "pinterest": Place(
        title="Pinterest",
        kind="social",
        items=_flat(1000, 1500, 20_000_000, format="jpeg"),
        source="https://turrboo.com/blog/social-media-image-sizes",
        proof="others",
    ),
    "ios-icon": Place(
        title="iOS, icon of an app",
        kind="icon",
        items=_flat(1024, 1024, name="icon"),
        source="https://docs.repl.it/build/mobile-app-icon.md",
        proof="others",
    ),
    "android-icon": Place(
        title="Google Play, icon of an app",
        kind="icon",
        items=(_square(512, name="icon", max_bytes=1_024_000),),
        source="https://www.github.com/ragecryx/play-asset-templates",
        proof="others",
    ),
    "web-icon": Place(
        title="Web page, icons",
        kind="icon",
        items=tuple(_square(side, name=f"icon-{side}") for side in (512, 192, 180, 32)),
        source="https://html.spec.whatwg.org/multipage/links.html#rel-icon",
        proof="unverified",
    ),
}


def place_of(name: str) -> Place:
    """Return a place by its name.

    Raises:
        InputError: There is none of that name.
    """
    if name not in PLACES:
        close = difflib.get_close_matches(name.casefold(), PLACES, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(f"there is no place {name!r:.40}; {meant}choose some of {', '.join(PLACES)}")
    return PLACES[name]
