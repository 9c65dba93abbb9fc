"""A style to learn, as a person would bring it: a folder of PNG files with captions, made into a data set.

The pictures are Streamline Emojis: dark outlines, flat colors, a shadow on the ground. No model that comes with
underpaint has seen them. Their names, without hyphens and numbers, are the captions; of drawings with one name the
first is taken.

    python benchmarks/fine_tune_pictures.py --out artifacts/outlined

    Streamline Emojis (https://github.com/webalys-hq/streamline-vectors) by Streamline; licensed under CC BY 4.0
    (https://creativecommons.org/licenses/by/4.0/). Changed: rendered as pixels.
"""

from __future__ import annotations

import argparse
import json
import re
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from underpaint.adapters.resvg import render_svg
from underpaint.core.cache import cache_folder
from underpaint.core.streamed_seal import Sealed
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.run import run as build
from underpaint.stages.data.packages import Package, fetch

STYLE = "outlined"
SIZE = 64
STREAMLINE = Package(
    name="@iconify-json/streamline-emojis",
    version="1.2.4",
    sha256="5dac87c876b322500989828c5823143e0100d78881627a2e4081a4b897cbfdbc",
    integrity="sha512-iNr9T9XuZVTyQPJO8ZlLxBzPkpi7qMl+z1l0C31vpEMqhPMelth3n7CeWQYtixdetDPdI81yeG4ROqjWpYJE6A==",
)


def captions_of(names: list[str]) -> dict[str, str]:
    """Return caption to name, in alphabetical order; a name that is a number has no caption."""
    captions: dict[str, str] = {}
    for name in sorted(names):
        caption = re.sub(r"-\d+$", "", name).replace("-", " ")
        if not caption.isdigit():
            captions.setdefault(caption, name)
    return captions


def document(icons: dict[str, Any], name: str) -> str:
    """Return one drawing of a set of icons as an SVG document."""
    icon = icons["icons"][name]
    side = icon.get("height", icons["height"])
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">{icon["body"]}</svg>'


def write_drawings(package: Path, folder: Path) -> None:
    """Write the drawings of a package as PNG files with a ``metadata.jsonl``."""
    with tarfile.open(package) as archive:
        member = archive.extractfile("package/icons.json")
        assert member is not None
        icons = json.load(member)
    rows = []
    for caption, name in captions_of([*icons["icons"]]).items():
        (folder / f"{name}.png").write_bytes(render_svg(document(icons, name), size=SIZE))
        rows.append({"file_name": f"{name}.png", "caption": caption, "style": STYLE, "author": "Streamline"})
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def build_pictures(out: Path) -> Sealed:
    """Build the data set of all pictures."""
    package = fetch(STREAMLINE, cache_folder())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_drawings(package, folder)
        return build(
            FolderConfig(name="outlined", size=SIZE, license="CC-BY-4.0"), folder, out, keep_going=True, jobs=1
        )


def main() -> None:
    """Build the data set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the new data set")
    manifest = build_pictures(parser.parse_args().out)
    print(f"{manifest.num_files} files, digest {manifest.digest}")


if __name__ == "__main__":
    main()
