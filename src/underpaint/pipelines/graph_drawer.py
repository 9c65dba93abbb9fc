"""Whatever draws with graphs that were exported."""

from __future__ import annotations

from underpaint.pipelines.drawer import Drawer
from underpaint.pipelines.exported_folder import Edge


class GraphDrawer(Drawer):
    """Loaded graphs that turn requests into pixels.

    Args:
        edge: What the exported folder says.
    """

    def __init__(self, edge: Edge) -> None:
        super().__init__()
        self.engine = edge.engine
        self.edge = edge

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the styles."""
        return self.edge.styles

    @property
    def image_size(self) -> int:
        """Side of the pictures in pixels; the width where they are no squares."""
        return self.edge.image_size
