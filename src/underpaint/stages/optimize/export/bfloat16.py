"""A whole drawing in bfloat16: the graph of 32 bits, which an engine computes otherwise, measured before it is kept."""

from __future__ import annotations

from typing import Any

from underpaint.core.errors import ArtifactError
from underpaint.core.progress import Progress, Report
from underpaint.stages.optimize.export.calibration import Calibration
from underpaint.stages.optimize.export.config import Limits
from underpaint.stages.optimize.export.traced import LIMITS, Traced


def measure_bfloat16(
    traced: Traced, calibration: Calibration, *, report: Report, limits: Limits = LIMITS
) -> dict[str, Any]:
    """Return how far a graph is from itself in 32 bits when OpenVINO computes it in bfloat16, for the manifest.

    Args:
        traced: The graph in 32 bits.
        calibration: Whose prompts are drawn, with other seeds.
        report: Receives progress.
        limits: How far it may be.

    Raises:
        ArtifactError: It is further.
        MissingDependency: OpenVINO is not installed.
    """
    from underpaint.adapters import openvino

    watched, graph = traced.watch(), traced.scored.with_suffix(".xml")
    openvino.convert(traced.scored, graph, half=False)
    exact, fast = (openvino.load_graph(graph, threads=1, cache=None, bfloat16=bfloat16) for bfloat16 in (False, True))
    report(Progress(task="measure bfloat16", done=0, total=1, unit="graphs"))
    found = traced.yardstick(exact, watched, calibration).measure(fast)
    if found.share_of(limits) > 1.0:
        raise ArtifactError(
            f"in bfloat16 {found.tokens:.0%} of the tokens fall otherwise ({limits.tokens:.0%} may), and with equal "
            f"tokens pictures are {found.levels:.1f} levels apart ({limits.levels:g} may be); leave --bf16 out, or "
            "take --int8 (in a recipe: precision f32 or int8)"
        )
    return found.figures(limits)
