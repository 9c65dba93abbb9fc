"""A process that decodes: a JSON line and the bytes of a picture in, one JSON answer a line out; it can be killed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from underpaint.core.errors import DataError
from underpaint.stages.data.folder.decoding import decode
from underpaint.stages.data.thumbnail import thumbnail_of

MAX_MEMORY_BYTES = 2 * 1024**3


def decode_to(job: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Decode one picture to a file that appears whole or not at all.

    Args:
        job: ``size`` in pixels, ``background``, and ``out``, the path of the PNG; its folder exists.
        content: The bytes of the picture file.

    Returns:
        SHA-256 of the pixels, bytes of the file, mean alpha, notes, and the thumbnail in hexadecimal; or ``error``
        with ``rule``, the name of its class, and ``errno`` if the disk is to blame.
    """
    out = Path(job["out"])
    temporary = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        picture = decode(content, size=job["size"], background=job["background"])
        encoded = io.BytesIO()
        Image.fromarray(picture.pixels).save(encoded, format="PNG")
        temporary.write_bytes(encoded.getvalue())
        temporary.replace(out)
    except DataError as error:
        return {"error": str(error), "rule": type(error).__name__}
    except OSError as error:
        temporary.unlink(missing_ok=True)
        return {"error": str(error), "errno": error.errno}
    return {
        "pixels": hashlib.sha256(picture.pixels.tobytes()).hexdigest(),
        "bytes": len(encoded.getvalue()),
        "alpha": picture.alpha,
        "notes": picture.notes,
        "thumbnail": thumbnail_of(picture.pixels).tobytes().hex(),
    }


def main() -> None:
    """Answer jobs until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        job = json.loads(line)
        answer = decode_to(job, sys.stdin.buffer.read(job["length"]))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
