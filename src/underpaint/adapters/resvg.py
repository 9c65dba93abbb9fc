"""SVG to PNG by resvg, without system fonts."""

from __future__ import annotations

from underpaint.adapters.require import require
from underpaint.core.errors import UnreadableImage


def version() -> str:
    """Return the version of the renderer; a part of every render's cache key."""
    return f"resvg_py-{require('resvg_py', extra='data').__version__}"


def render_svg(svg: str, *, size: int) -> bytes:
    """Render an SVG that fills a square straight at its final size.

    Args:
        svg: A complete SVG document.
        size: Side of the picture in pixels.

    Returns:
        A PNG, RGBA with straight alpha.

    Raises:
        UnreadableImage: The document cannot be rendered.
    """
    resvg = require("resvg_py", extra="data")
    try:
        return bytes(resvg.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True))
    except ValueError as error:
        raise UnreadableImage(f"the SVG cannot be rendered: {error}") from None
