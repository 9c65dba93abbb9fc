"""``underpaint show``: print what made a picture."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output

if TYPE_CHECKING:
    from pathlib import Path

    from underpaint.pipelines.editing_record import EditRecord
    from underpaint.pipelines.model_folder import Model
    from underpaint.pipelines.settings import Settings
    from underpaint.pipelines.sticker_record import StickerRecord

EXAMPLES = """examples:
  underpaint show cat.png
  underpaint show --json cat.png
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("picture", metavar="PICTURE", help="a PNG file that underpaint wrote")
    parser.add_argument(
        "-m", "--model", metavar="MODEL", help="look for the model in this folder; without it among the shipped ones"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Read the settings, compare the pixels, look for the model, and print all three."""
    from pathlib import Path

    from underpaint.pipelines.picture_file import is_unchanged, read_picture

    path = Path(args.picture)
    image = read_picture(path)
    settings = image.info["underpaint"]
    unchanged = is_unchanged(image)
    model = find_model(settings, args.model)
    data = {
        "picture": path,
        "settings": settings.model_dump(mode="json"),
        "pixels_unchanged": unchanged,
        "model_available": model is not None,
        "model_folder": None if model is None else model.folder,
    }
    again = None
    if settings.sticker is not None:
        again = sticker_again(settings.sticker)
    elif settings.upscale is not None:
        again = shlex.join(["underpaint", "upscale", "PICTURE", "--size", str(max(image.size))])
    elif settings.edit is not None:
        again = edit_again(settings, settings.edit)
    elif model is not None:
        again = shlex.join(["underpaint", "generate", "--like", str(path), *(["-m", args.model] if args.model else [])])
    output.result(describe(settings, unchanged, again), data)
    return 0


def find_model(settings: Settings, folder: str | Path | None) -> Model | None:
    """Return the model that drew a picture, or None if it is not at hand.

    Args:
        settings: The picture's settings.
        folder: Where to look; None looks among the shipped models.
    """
    from underpaint.core.errors import ArtifactError
    from underpaint.pipelines.model_folder import shipped_models
    from underpaint.pipelines.opening import open_model

    if folder is not None:
        model = open_model(folder)
        return model if model.digest == settings.model_sha256 else None
    for shipped in shipped_models().values():
        try:
            model = open_model(shipped)
        except ArtifactError:
            continue
        if model.digest == settings.model_sha256:
            return model
    return None


def edit_again(settings: Settings, edit: EditRecord) -> str:
    """Return the command that makes an edit again; PICTURE and MASK stand for the files that it was made from."""
    words = ["underpaint", "edit", "PICTURE", *([settings.prompt] if settings.prompt else [])]
    options = {
        "--mask": "MASK" if edit.mask_sha256 else None,
        "--seam": edit.seam if edit.mask_sha256 else None,
        "--strength": edit.strength,
        "--style": settings.style,
        "--negative": edit.negative,
        "--mix": edit.mix,
        "--mix-share": edit.mix_share,
        "--seed": settings.seed,
    }
    return shlex.join(words + [str(word) for pair in options.items() if pair[1] is not None for word in pair])


def sticker_again(sticker: StickerRecord) -> str:
    """Return the command that makes a sticker again; PICTURE and FILE stand for what it was made from."""
    background = "FILE" if sticker.background == "file" else sticker.background
    look = ["--contour", sticker.contour or "none", *(["--shadow"] if sticker.shadow else [])]
    return shlex.join(["underpaint", "stickers", "PICTURE", "--for", sticker.place, *look, "--background", background])


def describe(settings: Settings, unchanged: bool, again: str | None) -> str:
    """Return what made a picture as lines for people.

    Args:
        settings: The picture's settings.
        unchanged: Whether the pixels are still those that were drawn.
        again: The command that draws it again; None if the model is not at hand.
    """
    rows: dict[str, Any] = {
        "prompt": settings.prompt or "none",
        "read as": None if settings.caption == settings.prompt else settings.caption,
        "style": settings.style or "any",
        "seed": settings.seed,
        "guidance": settings.guidance,
        "temperature": None if settings.temperature in (None, 1.0) else settings.temperature,
        "refiner steps": settings.steps,
        "size": settings.size,
        "background": settings.background,
        "edited from": None
        if settings.edit is None
        else f"the picture with the pixels {settings.edit.picture_sha256[:12]}",
        "upscaled from": None
        if settings.upscale is None
        else f"the picture with the pixels {settings.upscale.picture_sha256[:12]}, {settings.upscale.size}",
        "sticker of": None
        if settings.sticker is None
        else f"the picture with the pixels {settings.sticker.picture_sha256[:12]}, {settings.sticker.size}",
        "model": f"{settings.model} ({settings.model_sha256[:12]})",
        "engine": settings.engine,
        "underpaint": settings.version,
        "pixels": "as drawn" if unchanged else "changed since they were drawn",
        "again": again or "the model is not at hand; name its folder with -m FOLDER",
    }
    return "\n".join(f"{name:>13}  {value}" for name, value in rows.items() if value is not None)
