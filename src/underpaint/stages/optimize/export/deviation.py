"""How far a graph of fewer bits is from the same graph in 32: tokens by scale with earlier ones forced, and levels.

A token that falls otherwise changes everything after it, so pictures say little about the error of one scale. Here the
graph is made to choose the tokens that the f32 graph chose, by adding ``FORCE`` to their Gumbel noise; what it would
have chosen is read from its scores with that addition taken away. What is left of the difference of two pictures is
the error of residual and decoder. A token that the graph's own nucleus excludes cannot be forced.

Shapes: ``B`` pictures of the graph, ``n`` tokens of a scale, ``K`` codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from underpaint.pipelines.exported_folder import PICTURE
from underpaint.pipelines.noise import NoiseStream
from underpaint.stages.optimize.export.check import premultiplied
from underpaint.stages.optimize.export.config import Limits

if TYPE_CHECKING:
    from underpaint.runtime.engine import Graph

FORCE = 1000.0
"""Added to the noise of a token: more than scores differ by, little enough for float32 to keep their fourth digit."""
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """How far a graph is from another.

    Args:
        changed: Share of the tokens that fall otherwise by scale, coarse to fine; empty where nothing is chosen.
        levels: Mean difference of the premultiplied pixels in levels of 255, with equal tokens.
    """

    changed: tuple[float, ...]
    levels: float

    @property
    def tokens(self) -> float:
        """Mean of the scales' shares: a coarse scale has few tokens and counts as much as a fine one."""
        return float(np.mean(self.changed)) if self.changed else 0.0

    def share_of(self, limits: Limits) -> float:
        """Return the larger of both errors as a share of what is allowed; up to 1 keeps the limits."""
        return max(self.tokens / limits.tokens, self.levels / limits.levels)

    def figures(self, limits: Limits) -> dict[str, Any]:
        """Return what was allowed and what was found, for a manifest."""
        return {
            "limits": limits.model_dump(mode="json"),
            "changed_tokens": self.tokens,
            "changed_tokens_by_scale": list(self.changed),
            "levels_with_equal_tokens": self.levels,
        }


def by_scale(outputs: Arrays, watched: Sequence[str], streams: Sequence[NoiseStream]) -> dict[str, NDArray[Any]]:
    """Return the scores ``[B, n, K]`` of every stream of choices by its name.

    Args:
        outputs: What the graph gave.
        watched: Names of the scores in the order of the choices; a scale may come in several pieces.
        streams: The model's streams; those of Gumbel noise choose tokens.

    Returns:
        Nothing if the scores are not those of the streams, as with codes that are chosen bit by bit.
    """
    pieces = [outputs[name] for name in watched]
    scores: dict[str, NDArray[Any]] = {}
    for stream in streams:
        if stream.kind != "gumbel":
            continue
        taken = [pieces.pop(0)] if pieces else []
        while pieces and sum(piece.shape[1] for piece in taken) < stream.shape[0]:
            taken.append(pieces.pop(0))
        if not taken or (whole := np.concatenate(taken, axis=1)).shape[1:] != stream.shape:
            return {}
        scores[stream.name] = whole
    return scores if not pieces else {}


def forced(feeds: Arrays, labels: Mapping[str, NDArray[np.int64]]) -> dict[str, NDArray[Any]]:
    """Return inputs whose noise makes a graph choose these tokens ``[B, n]`` by stream."""
    changed: dict[str, NDArray[Any]] = dict(feeds)
    for name, chosen in labels.items():
        noise = feeds[name].copy()  # [B, n, K]
        np.put_along_axis(noise, chosen[..., None], np.take_along_axis(noise, chosen[..., None], -1) + FORCE, -1)
        changed[name] = noise
    return changed


def unforced(scores: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the tokens ``[B, n]`` that a graph would have chosen of its own."""
    own = scores.copy()
    np.put_along_axis(own, chosen[..., None], np.take_along_axis(own, chosen[..., None], -1) - FORCE, -1)
    return own.argmax(axis=-1)


class Yardstick:
    """What an f32 graph draws, to measure others against.

    Args:
        graph: The f32 graph; like all that are measured, it gives its scores besides the picture.
        feeds: Inputs of the pictures to measure with.
        watched: Names of the scores.
        streams: The model's streams of noise.
    """

    def __init__(
        self, graph: Graph, feeds: Sequence[Arrays], watched: Sequence[str], streams: Sequence[NoiseStream]
    ) -> None:
        self._watched, self._streams = tuple(watched), tuple(streams)
        self._pictures: list[NDArray[Any]] = []
        self._labels: list[dict[str, NDArray[np.int64]]] = []
        self._feeds: list[Arrays] = []
        for given in feeds:
            outputs = graph.run(given)
            scores = by_scale(outputs, self._watched, self._streams)
            labels = {name: score.argmax(axis=-1) for name, score in scores.items()}
            self._pictures.append(premultiplied(outputs[PICTURE]))
            self._labels.append(labels)
            self._feeds.append(forced(given, labels))

    def measure(self, graph: Graph) -> Deviation:
        """Return how far another graph is."""
        changed: list[list[float]] = []
        gaps: list[float] = []
        for given, labels, picture in zip(self._feeds, self._labels, self._pictures, strict=True):
            outputs = graph.run(given)
            scores = by_scale(outputs, self._watched, self._streams)
            changed.append([float((unforced(scores[name], own) != own).mean()) for name, own in labels.items()])
            gaps.append(float(np.abs(premultiplied(outputs[PICTURE]) - picture).mean()))
        shares = np.mean(changed, axis=0)  # [S]
        return Deviation(changed=tuple(map(float, shares)), levels=float(np.mean(gaps)))
