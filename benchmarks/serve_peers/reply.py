"""What the peers answer: a PNG in base64, in the shape of OpenAI's Images API, as anybody would write it."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

from device import SIDE
from PIL import Image, PngImagePlugin


def reply_of(pixels: bytes, padding: int) -> dict[str, Any]:
    """Return an answer with one picture.

    Args:
        pixels: From the device.
        padding: Bytes of text in the PNG, where underpaint keeps its settings.
    """
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", "x" * padding)
    buffer = io.BytesIO()
    Image.frombytes("RGBA", (SIDE, SIDE), pixels).save(buffer, "PNG", pnginfo=texts)
    return {"created": int(time.time()), "data": [{"b64_json": base64.b64encode(buffer.getvalue()).decode()}]}
