"""Operations that a picture of an exported model takes, counted in torch while it is still there."""

from __future__ import annotations

from typing import Any

from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.runtime.flops import count_flops
from underpaint.stages.optimize.export.check import CAPTIONS


def arithmetic(pipeline: TextToPicture[Any], steps: int | None) -> dict[str, Any]:
    """Return the arithmetic of a picture as figures of a manifest.

    Args:
        pipeline: The model in torch.
        steps: Steps that the graph was unrolled for.

    Returns:
        ``flops_per_image``, ``traffic_bytes`` (see ``runtime.flops``), and ``flops_missed`` where the count is a lower
        bound: the operators without a formula.
    """
    request = DrawRequest(caption=CAPTIONS[0], seed=0, steps=steps)
    counted = count_flops(lambda: pipeline.draw([request]))
    missed = {"flops_missed": list(counted.missed)} if counted.missed else {}
    return {"flops_per_image": counted.total, "traffic_bytes": counted.traffic_bytes, **missed}
