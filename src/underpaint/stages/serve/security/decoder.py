"""From a bared picture to its pixels, and a program that does it: bared file in, rows of RGBA out.

Whatever is wrong in a decoder, the program has no secrets, can write to no file, and ends when it takes too much memory
or time; of what it says, nothing is believed but a number of bytes.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping

from PIL import Image

from underpaint.stages.serve.security.bare import Bare, Broken

MEMORY_BYTES, SECONDS, FILES = 2 * 2**30, 60, 64
LONGEST_REASON = 200
TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Orientation in Exif to what makes a picture upright."""


def rgba_of(bare: Bare) -> bytes:
    """Return the pixels of a picture, upright, row by row with 8 bits for each of red, green, blue and alpha.

    Args:
        bare: The picture.

    Raises:
        Broken: It cannot be decoded, for whatever reason.
    """
    try:
        with Image.open(io.BytesIO(bare.data), formats=[bare.kind]) as opened:
            if opened.size != (bare.width, bare.height):
                raise Broken("its headers contradict each other")
            opened.load()
            pixels = _narrowed(opened).convert("RGBA")
    except Exception as error:
        raise Broken(f"it cannot be decoded ({error!s:.120}); send it saved anew") from None
    turn = TURNS.get(bare.orientation)
    return (pixels if turn is None else pixels.transpose(turn)).tobytes()


def _narrowed(image: Image.Image) -> Image.Image:
    """Return a picture with 8 bits a color; one with 16 would otherwise be cut off at white."""
    if not image.mode.startswith("I"):
        return image
    import numpy as np  # the program starts in half the time without it

    values = np.asarray(image).astype(np.int64)  # [H, W], 0 to 65535
    return Image.fromarray((values >> 8).astype(np.uint8))


def limit_itself() -> None:
    """Let this process take no more than a picture needs."""
    import resource

    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def main(arguments: list[str]) -> int:
    """Decode what comes in; 1 if that cannot be, with the reason on stderr.

    Args:
        arguments: Format, width, height and orientation.
    """
    limit_itself()
    kind, width, height, orientation = arguments
    data = sys.stdin.buffer.read()
    try:
        bare = Bare(kind=kind, width=int(width), height=int(height), data=data, orientation=int(orientation))  # pyright: ignore[reportArgumentType]
        sys.stdout.buffer.write(rgba_of(bare))
    except Broken as error:
        sys.stderr.write(str(error)[:LONGEST_REASON])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
