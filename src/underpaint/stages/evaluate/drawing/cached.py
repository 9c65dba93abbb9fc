"""Drawing what an evaluation asks for, through a cache: nothing is drawn twice, and an interrupted run goes on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from underpaint.core.artifact import storage_errors
from underpaint.core.config import digest_of
from underpaint.core.errors import UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.picture_file import write_new
from underpaint.stages.evaluate.drawing.pictures import Drawn, Pixels, read_pixels, sha256_of
from underpaint.stages.evaluate.drawing.subjects import Subject
from underpaint.stages.evaluate.drawing.wishes import Wish


def picture_path(folder: Path, identity: str, wish: Wish) -> Path:
    """Return where the picture of a wish lies in a cache."""
    key = digest_of([wish.prompt, wish.style, wish.image_id if wish.seed is None else wish.seed])
    return folder / "pictures" / identity[:24] / key[:2] / f"{key[2:34]}.png"


def _stored(path: Path) -> str | None:
    """Return the pixel digest of a cached picture, or None if it is missing or damaged (it is then removed)."""
    if not path.exists():
        return None
    try:
        return sha256_of(read_pixels(path))
    except UnreadableImage:
        path.unlink(missing_ok=True)
        return None


def _store(pixels: Pixels, path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    with storage_errors(path):
        path.unlink(missing_ok=True)
        write_new(buffer.getvalue(), path)


def draw_all(
    subject: Subject, wishes: Sequence[Wish], cache: Path, report: Report = silent, *, task: str = "draw"
) -> list[Drawn]:
    """Draw what the cache lacks and return all pictures in the order asked for.

    Args:
        subject: What draws.
        wishes: What is asked for.
        cache: The cache folder; that of a subject without identity must be a fresh one.
        report: Receives progress.
        task: What to call the work.

    Raises:
        StorageError: The cache cannot be written.
    """
    identity = subject.identity or "unnamed"
    paths = [picture_path(cache, identity, wish) for wish in wishes]
    digests = {path: digest for path in dict.fromkeys(paths) if (digest := _stored(path)) is not None}
    missing = {path: wish for wish, path in zip(wishes, paths, strict=True) if path not in digests}
    done = len(wishes) - len(missing)
    if missing:
        report(Progress(task=task, done=done, total=len(wishes), unit="pictures"))
    for path, pixels in zip(missing, subject.draw(list(missing.values())), strict=True):
        _store(pixels, path)
        digests[path] = sha256_of(pixels)
        done += 1
        report(Progress(task=task, done=done, total=len(wishes), unit="pictures"))
    return [Drawn(wish=wish, path=path, sha256=digests[path]) for wish, path in zip(wishes, paths, strict=True)]
