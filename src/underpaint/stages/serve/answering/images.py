"""From finished pictures to the answer that a caller gets."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Literal

from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.answering.schema import ImageData, ImagesResponse, Made, TokenDetails, Usage
from underpaint.stages.serve.asking.planning import QUALITY_OF, Wish
from underpaint.stages.serve.asking.request import PictureRequest
from underpaint.stages.serve.engine.catalog import RELEASE_DIGITS
from underpaint.stages.serve.engine.orders import Picture
from underpaint.stages.serve.store import SUFFIXES, PictureStore

LATENT = 8
"""Pixels of a side that become one position of the latent."""


def encoded(data: bytes) -> str:
    """Return a file as base64."""
    return base64.b64encode(data).decode("ascii")


def made(picture: Picture, wish: Wish, job: str | None = None) -> Made:
    """Return what made a picture."""
    settings = picture.settings
    assert settings.pixel_sha256 is not None
    return Made(
        seed=settings.seed,
        model=wish.served.name,
        release=f"r-{settings.model_sha256[:RELEASE_DIGITS]}",
        style=settings.style,
        steps=settings.steps,
        guidance=settings.guidance,
        pixel_sha256=settings.pixel_sha256,
        job=job,
        prompt_tokens=picture.words_read,
        prompt_tokens_dropped=picture.words_dropped + wish.words_cut,
    )


def background_of(settings: Settings) -> Literal["transparent", "opaque"]:
    """Return the background in a caller's words."""
    return "transparent" if settings.background == "transparent" else "opaque"


def quality_of(request: PictureRequest) -> Literal["low", "medium", "high"]:
    """Return the quality that was drawn in."""
    quality = QUALITY_OF.get(str(request.quality), request.quality)
    return quality if quality in ("low", "high") else "medium"


def usage_of(pictures: Sequence[Picture]) -> Usage:
    """Return what went in, words and positions of the latent of an edited picture, and what came out."""
    words, settings = pictures[0].words_read, pictures[0].settings
    width, height = map(int, settings.size.split("x"))
    latent = (width // LATENT) * (height // LATENT)
    given = 0 if settings.edit is None else latent
    return Usage(
        input_tokens=words + given,
        input_tokens_details=TokenDetails(text_tokens=words, image_tokens=given),
        output_tokens=len(pictures) * latent,
        total_tokens=words + given + len(pictures) * latent,
    )


def signed_address(base: str, store: PictureStore, picture: Picture, wish: Wish, valid_s: float) -> str:
    """Return the address of a kept picture, valid for some time.

    Args:
        base: The server's address, ending in a slash.
        store: Where it is kept.
        picture: The picture.
        wish: What was asked for.
        valid_s: For how long.
    """
    digest, output_format = picture.settings.pixel_sha256, wish.orders[0].output_format
    assert digest is not None
    expires = int(time.time() + valid_s)
    signature = store.sign(digest, output_format, expires)
    return f"{base}v1/images/files/{digest}{SUFFIXES[output_format]}?expires={expires}&signature={signature}"


def images_response(
    request: PictureRequest,
    wish: Wish,
    pictures: Sequence[Picture],
    addresses: Sequence[str] | None = None,
    job: str | None = None,
) -> ImagesResponse:
    """Return the answer to a request for pictures.

    Args:
        request: What was asked for.
        wish: What it meant.
        pictures: What was drawn.
        addresses: Where they are, if not the pictures themselves are wanted.
        job: The durable job, if it was one.
    """
    data = [
        ImageData(
            b64_json=encoded(picture.data) if addresses is None else None,
            url=None if addresses is None else addresses[number],
            revised_prompt=picture.settings.caption,
            underpaint=made(picture, wish, job),
        )
        for number, picture in enumerate(pictures)
    ]
    return ImagesResponse(
        created=int(time.time()),
        data=data,
        background=background_of(wish.settings),
        output_format=wish.orders[0].output_format,
        quality=quality_of(request),
        size=wish.settings.size,
        usage=usage_of(pictures),
    )
