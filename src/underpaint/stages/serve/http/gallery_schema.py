"""A picture of the gallery as callers see it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from underpaint.core.config import Config
from underpaint.pipelines.settings import SHA256
from underpaint.stages.serve.asking.again import is_served, request_for
from underpaint.stages.serve.engine.catalog import Catalog
from underpaint.stages.serve.engine.orders import Format
from underpaint.stages.serve.gallery.cost import Cost
from underpaint.stages.serve.gallery.picture import GalleryPicture

MAX_PICTURES = 10_000
"""Most pictures of one request; those of a body of the usual size."""
Digest = Annotated[str, Field(pattern=SHA256)]


class GalleryView(BaseModel):
    """A picture of the gallery; times are seconds since 1970.

    Args:
        kind: ``generation``, ``edit``, or ``brought`` if no job here drew it.
        url: Where it is.
        deleted_at: When it went to the bin; null if it is not there.
        parent: SHA-256 of the pixels of the picture that it was edited or enlarged from.
        settings: What made it: prompt, seed, style, model, release, ...; of a picture that nobody knows the settings
            of, an empty prompt alone.
        request: What to ask for, to draw it again; null where nobody knows.
        is_served: Whether the weights that drew it are served here, so that the same pixels can be drawn.
        cost: What it cost; null where nobody knows.
    """

    object: Literal["picture"] = "picture"
    kind: Literal["generation", "edit", "brought"]
    pixel_sha256: str
    url: str
    output_format: Format
    width: int
    height: int
    bytes: int
    created_at: float
    deleted_at: float | None
    favorite: bool
    rating: int | None
    note: str | None
    owner: str
    job: str | None
    parent: str | None
    settings: dict[str, Any]
    request: dict[str, Any] | None
    is_served: bool
    cost: Cost | None


class GalleryList(BaseModel):
    """Some pictures, the newest first.

    Args:
        total: How many there are in all.
        next: Where the next page begins, for ``before``; null after the last.
        used_bytes: What the caller's pictures take of the disk, the bin included.
        max_bytes: The most that they may take.
    """

    object: Literal["list"] = "list"
    data: list[GalleryView]
    total: int
    has_more: bool
    next: str | None
    used_bytes: int
    max_bytes: int


class Words(Config):
    """What an owner says of a picture; what is left out stays as it is.

    Args:
        favorite: Whether it is one of the best.
        rating: 1 to 5; null for none.
        note: Anything; null for nothing. It is searched too.
    """

    model_config = ConfigDict(strict=True)

    favorite: bool | None = None
    rating: int | None = Field(default=None, ge=1, le=5)
    note: str | None = Field(default=None, max_length=2000, pattern=r"^[^\x00]*$")

    def said(self) -> dict[str, Any]:
        """Return what is said, by name."""
        given = self.model_dump(exclude_unset=True)
        return {name: value for name, value in given.items() if name != "favorite" or value is not None}


class ActionRequest(Config):
    """One thing that is done with several pictures.

    Args:
        action: ``delete`` puts them into the bin, ``restore`` takes them out, ``erase`` cannot be undone.
        pictures: SHA-256 of the pixels of each.
    """

    model_config = ConfigDict(strict=True)

    action: Literal["delete", "restore", "erase", "favorite", "unfavorite"]
    pictures: list[Digest] = Field(min_length=1, max_length=MAX_PICTURES)


class ArchiveRequest(Config):
    """Pictures that are wanted in one file.

    Args:
        pictures: SHA-256 of the pixels of each, in the order of the file.
        form: ``zip`` with all that is known of them, or ``sheet``, a contact sheet of at most 256; ``as`` in JSON.
    """

    model_config = ConfigDict(strict=True)

    pictures: list[Digest] = Field(min_length=1, max_length=MAX_PICTURES)
    form: Literal["zip", "sheet"] = Field(default="zip", alias="as")


class ActionView(BaseModel):
    """What was done.

    Args:
        changed: The pictures that it changed; to undo it, name these.
        missing: Those that are not in the gallery.
    """

    object: Literal["gallery.action"] = "gallery.action"
    action: str
    changed: list[str]
    missing: list[str]


class Erased(BaseModel):
    """How many pictures are gone for good."""

    object: Literal["gallery.erased"] = "gallery.erased"
    erased: int


def gallery_view(picture: GalleryPicture, catalog: Catalog) -> GalleryView:
    """Return a picture as callers see it.

    Args:
        picture: The picture.
        catalog: What is served.
    """
    made = picture.settings
    settings = {"prompt": ""} if made is None else {**made, "model": picture.model, "release": picture.release}
    return GalleryView(
        kind="brought" if picture.job is None else "generation" if picture.parent is None else "edit",
        url=f"/api/v1/images/{picture.pixel_sha256}",
        parent=picture.parent,
        settings=settings,
        request=None if made is None else request_for(made, picture.release, catalog),
        is_served=is_served(picture.release, catalog),
        cost=None if picture.cost is None else Cost(**picture.cost),
        **{name: getattr(picture, name) for name in SAME},
    )


SAME = (
    "pixel_sha256", "output_format", "width", "height", "bytes", "created_at", "deleted_at", "favorite", "rating",
    "note", "owner", "job",
)  # fmt: skip
"""What callers see as it is kept."""
