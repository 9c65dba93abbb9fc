"""The Debian source: Noto's color font as installed by apt, drawn with Pillow, named by CLDR's XML files.

The font holds one bitmap a glyph, 136x128 pixels, and Pillow opens it at size 109 only. Sequences need libfribidi:
without it Pillow draws several glyphs side by side and merely warns.
"""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from underpaint.core.artifact import hash_file, storage_errors
from underpaint.core.errors import DataError, LicenseRefused, SetupError, UnreadableImage
from underpaint.core.progress import Progress, Report, silent
from underpaint.stages.data.drawing import Drawing, id_of, text_of
from underpaint.stages.data.render import Renders
from underpaint.stages.data.sources import CHECKED_BY, CHECKED_ON, Evidence, Upstream, Verified

INSTALL = "apt-get install --no-install-recommends libfribidi0 fonts-noto-color-emoji unicode-cldr-core unicode-data"
FONT = "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
NAMES = ("usr/share/unicode/cldr/common/annotations/en.xml", "usr/share/unicode/cldr/common/annotationsDerived/en.xml")
SEQUENCES = "usr/share/unicode/emoji/emoji-test.txt"
FONT_SIZE, GLYPH_WIDTH, GLYPH_HEIGHT = 109, 136, 128
MAX_XML_BYTES = 20_000_000
DRAWINGS_KEY, NAMES_KEY = "debian:fonts-noto-color-emoji", "debian:unicode-cldr-core"
KNOWN = {
    FONT: ("2.042-0+deb12u1", "e5899ed38b8ed83e08bd3ac5de09791e9d19d288333a796de1d35ad17396f1ec"),
    NAMES[0]: ("41-0.1", "170a989b9aff71fd06b9f7bbd70aa3b4a3d228e15fa734692d4fc80206e536e1"),
    NAMES[1]: ("41-0.1", "0fab943b22dd1197b6d6fe6ce6aec7968e925d547283484bddcf96b14daf657f"),
    SEQUENCES: ("15.0.0-1", "8445f23ac8388e096be19d0262e14fceff856ff52093f2356dc89485f1a853db"),
}
"""File to Debian 12's package version and SHA-256. Other releases may be used: apt checks what it installs, and the
hashes of what was read are recorded; but they make another data set."""


@dataclass(frozen=True, kw_only=True)
class DebianFiles:
    """The files that were read.

    Args:
        root: Folder that holds ``usr``.
        hashes: Path below the root to SHA-256.
    """

    root: Path
    hashes: dict[str, str]

    @property
    def is_reference(self) -> bool:
        """Whether all files are those of Debian 12, for which figures are known."""
        return all(self.hashes[name] == sha256 for name, (_, sha256) in KNOWN.items())


def find_files(root: Path = Path("/")) -> DebianFiles:
    """Find the files and make sure that glyph sequences can be drawn.

    Args:
        root: Folder that holds ``usr``.

    Raises:
        SetupError: A package or libfribidi is missing; the message names the command that installs it.
    """
    missing = [name for name in KNOWN if not (root / name).is_file()]
    if missing:
        raise SetupError(f"Debian's emoji packages are not installed ({root / missing[0]} is missing): {INSTALL}")
    if not (features.check("raqm") and features.check("fribidi")):
        raise SetupError(
            "Pillow cannot find libfribidi, without which emoji sequences are drawn wrongly: "
            "apt-get install libfribidi0"
        )
    return DebianFiles(root=root, hashes={name: hash_file(root / name) for name in KNOWN})


def read_names(files: DebianFiles) -> dict[str, str]:
    """Read CLDR's English names from its XML files.

    Returns:
        Id to ``tts`` name.

    Raises:
        DataError: A file is damaged or too large.
    """
    names = {}
    for name in NAMES:
        path = files.root / name
        if path.stat().st_size > MAX_XML_BYTES:
            raise DataError(f"{path} has more than {MAX_XML_BYTES} bytes; reinstall unicode-cldr-core")
        try:
            root = ET.fromstring(path.read_bytes())
        except ET.ParseError as error:
            raise DataError(f"{path} is damaged ({error}); reinstall unicode-cldr-core") from None
        for item in root.iter("annotation"):
            if item.get("type") == "tts" and item.get("cp") and item.text:
                names[id_of(item.attrib["cp"])] = item.text
    return names


def read_sequences(files: DebianFiles) -> list[str]:
    """Read the fully-qualified emoji sequences, U+FE0F included, and the swatches of tones and hair."""
    lines = (files.root / SEQUENCES).read_text(encoding="utf-8").splitlines()
    rows = [line.partition(";") for line in lines if not line.startswith("#")]
    return [
        "".join(chr(int(code, 16)) for code in codes.split())
        for codes, _, rest in rows
        if rest.split("#")[0].strip() in ("fully-qualified", "component")
    ]


def join(files: DebianFiles) -> list[Drawing]:
    """Join the sequences with their names.

    Returns:
        One drawing a named sequence, in the order of ids; ``icon`` keeps the full sequence's code points.
    """
    names = read_names(files)
    found = {id_of(sequence): sequence for sequence in read_sequences(files) if id_of(sequence) in names}
    return [
        Drawing(
            id=id_,
            name=names[id_],
            style="cartoon",
            family="noto",
            source=DRAWINGS_KEY,
            icon="-".join(f"{ord(c):x}" for c in sequence),
            license="OFL-1.1",
        )
        for id_, sequence in sorted(found.items())
    ]


def draw_glyph(font: ImageFont.FreeTypeFont, sequence: str, size: int) -> Image.Image:
    """Draw one sequence on a transparent square.

    Args:
        font: The color font at size 109.
        sequence: An emoji sequence.
        size: Side in pixels, at most that of the font's bitmaps.

    Raises:
        UnreadableImage: The font does not draw the sequence as one glyph.
    """
    left, top, right, bottom = font.getbbox(sequence)
    if right - left != GLYPH_WIDTH or left != 0:
        raise UnreadableImage(f"the font draws the sequence {right - left:g} pixels wide instead of {GLYPH_WIDTH}")
    canvas = Image.new("RGBA", (GLYPH_WIDTH, GLYPH_WIDTH))
    offset = (GLYPH_WIDTH - (bottom - top)) / 2 - top
    ImageDraw.Draw(canvas).text((0, offset), sequence, font=font, embedded_color=True)
    return shrink(canvas, size)


def shrink(image: Image.Image, size: int) -> Image.Image:
    """Resize with premultiplied alpha, so that transparent pixels lend no color."""
    premultiplied = image.convert("RGBa").resize((size, size), Image.Resampling.LANCZOS)
    return premultiplied.convert("RGBA")


def render_glyphs(
    drawings: Sequence[Drawing], files: DebianFiles, *, size: int, cache: Path, report: Report = silent
) -> Renders:
    """Draw the glyphs that the cache lacks.

    Args:
        drawings: What to draw.
        files: The font's place and hash.
        size: Side in pixels.
        cache: The cache folder.
        report: Receives progress.

    Raises:
        StorageError: The cache cannot be written.
    """
    version = f"{files.hashes[FONT][:16]}-pillow-{Image.__version__}"
    paths = [cache / "renders" / f"glyphs-{version}" / str(size) / f"{drawing.id}.png" for drawing in drawings]
    font = ImageFont.truetype(str(files.root / FONT), FONT_SIZE)
    failed = {}
    with storage_errors(cache):
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        for number, (drawing, path) in enumerate(zip(drawings, paths, strict=True), 1):
            if not path.is_file():
                try:
                    write_png(draw_glyph(font, glyph_text(drawing), size), path)
                except UnreadableImage as error:
                    failed[path] = str(error)
            if number % 200 == 0 or number == len(drawings):
                report(Progress(task=f"draw at {size} px", done=number, total=len(drawings), unit="pictures"))
    return Renders(paths=paths, failed=failed)


def glyph_text(drawing: Drawing) -> str:
    """Return the full sequence of a drawing."""
    return text_of(drawing.icon)


def write_png(image: Image.Image, path: Path) -> None:
    """Write a PNG that appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.partial")
    image.save(temporary, format="PNG")
    temporary.replace(path)


def evidence_of(files: DebianFiles) -> tuple[Evidence, ...]:
    """Return the license evidence of the two Debian sources.

    Raises:
        LicenseRefused: A package's copyright file is missing or holds another license.
    """
    return tuple(_evidence(files))


def read_copyright(files: DebianFiles, package: str, words: str) -> str:
    """Return the SHA-256 of a package's copyright file after making sure that it holds the expected license.

    Raises:
        LicenseRefused: It is missing or does not hold the words.
    """
    path = files.root / "usr/share/doc" / package / "copyright"
    if not path.is_file() or words not in path.read_text(encoding="utf-8", errors="replace"):
        raise LicenseRefused(f"{path} is missing or does not hold {words!r}: reinstall the package {package}")
    return hash_file(path)


def _evidence(files: DebianFiles) -> Iterator[Evidence]:
    rows: Mapping[str, tuple[str, str, str, str, str, tuple[str, ...]]] = {
        DRAWINGS_KEY: (
            "drawings",
            "Google, Inc. (Noto Color Emoji)",
            "OFL-1.1",
            "SIL OPEN FONT LICENSE Version 1.1",
            "the license says that it does not apply to documents made with the font; the pictures are such documents",
            (FONT,),
        ),
        NAMES_KEY: (
            "names",
            "Unicode, Inc. (CLDR)",
            "Unicode-DFS-2016",
            "Unicode-DFS-2016",
            "read in Debian's copyright file",
            NAMES,
        ),
    }
    for key, (role, author, license_, words, statement, names) in rows.items():
        package = key.removeprefix("debian:")
        together = hashlib.sha256("".join(files.hashes[name] for name in names).encode()).hexdigest()
        known = all(files.hashes[name] == KNOWN[name][1] for name in names)
        yield Evidence(
            source=key,
            purl=f"pkg:deb/debian/{package}@{KNOWN[names[0]][0]}" if known else f"pkg:deb/debian/{package}",
            role=role,
            author=author,
            stated=license_,
            upstream=Upstream(
                license=license_,
                url=f"file:///usr/share/doc/{package}/copyright",
                sha256=read_copyright(files, package, words),
            ),
            verified=Verified(license=license_, by=CHECKED_BY, date=CHECKED_ON, statement=statement),
            sha256=together,
        )
