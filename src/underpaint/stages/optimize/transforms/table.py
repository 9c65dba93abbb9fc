"""The table of transforms."""

from __future__ import annotations

from underpaint.stages.optimize.transforms.decoders import DECODERS
from underpaint.stages.optimize.transforms.distilling import DISTILLING
from underpaint.stages.optimize.transforms.engines import GRAPH_ENGINES
from underpaint.stages.optimize.transforms.graphs import GRAPHS
from underpaint.stages.optimize.transforms.merging import MERGING
from underpaint.stages.optimize.transforms.pairs import PAIRS
from underpaint.stages.optimize.transforms.pruning import PRUNING
from underpaint.stages.optimize.transforms.quantization import QUANTIZATION
from underpaint.stages.optimize.transforms.sampling import SAMPLING
from underpaint.stages.optimize.transforms.transform import Transform

TRANSFORMS: dict[str, Transform] = {
    one.op: one
    for one in (*PRUNING, *DISTILLING, *DECODERS, *MERGING, *QUANTIZATION, *GRAPHS, *GRAPH_ENGINES, *PAIRS, *SAMPLING)
}
"""Name and version to transform, in the order in which they are told of."""
