"""From a picture that was drawn just now to what goes into the gallery."""

from __future__ import annotations

from underpaint.stages.serve.engine.catalog import Served
from underpaint.stages.serve.engine.orders import Format, Picture
from underpaint.stages.serve.gallery.cost import Cost
from underpaint.stages.serve.gallery.picture import Entry


def drawn(picture: Picture, output_format: Format, served: Served, cost: Cost) -> Entry:
    """Return what goes into the gallery.

    Args:
        picture: What was drawn.
        output_format: Of its file.
        served: What drew it.
        cost: What that cost.
    """
    settings = picture.settings
    assert settings.pixel_sha256 is not None
    width, height = map(int, settings.size.split("x"))
    return Entry(
        pixel_sha256=settings.pixel_sha256,
        output_format=output_format,
        num_bytes=len(picture.data),
        width=width,
        height=height,
        model=served.name,
        release=served.release,
        settings=settings,
        cost=cost,
    )
