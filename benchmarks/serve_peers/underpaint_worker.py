"""An engine process of underpaint whose networks are the sleeping device; all that surrounds them is the real one.

Orders, marks, PNG files, settings and frames are those of ``underpaint.stages.serve.engine``. Its one argument is the
number of the socket to the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from device import SIDE, DevicePlan, SleepingDevice

from underpaint.core.progress import Report
from underpaint.pipelines.drawer import Drawer
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.stages.serve.engine.artist import Artist
from underpaint.stages.serve.engine.worker import main


class SleepingDrawer(Drawer):
    """Draws what the device gives.

    Args:
        device: The device.
        styles: Names of the styles.
    """

    engine = "sleeping"

    def __init__(self, device: SleepingDevice, styles: tuple[str, ...]) -> None:
        super().__init__()
        self._device, self._styles = device, styles
        self.device = SimpleNamespace(type="sleeping")

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the styles."""
        return self._styles

    @property
    def image_size(self) -> int:
        """Side of the pictures in pixels."""
        return SIDE

    def draw(self, requests: Sequence[DrawRequest], on_stage: OnStage | None = None) -> list[np.ndarray]:  # noqa: ARG002
        """Give ready pixels, ``[64, 64, 4]`` uint8 a request."""
        drawn = self._device.draw(len(requests))
        return [np.frombuffer(pixels, dtype=np.uint8).reshape(SIDE, SIDE, 4) for pixels in drawn]

    def reads(self, caption: str) -> bool:  # noqa: ARG002
        """Read everything."""
        return True


def load(told: dict[str, Any], report: Report) -> Artist:  # noqa: ARG001
    """Return what draws with the device in place of the model's networks."""
    model = open_model(told["address"])
    return Artist(Generator(model, SleepingDrawer(SleepingDevice(DevicePlan.read()), model.styles)))


if __name__ == "__main__":
    main(load)
