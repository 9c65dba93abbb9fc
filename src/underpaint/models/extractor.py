"""An extractor: a network with its card, from pictures to features.

Whatever the network, the road is the same: pixels as the card says, the network, the card's fixed standardization, unit
length if the card says so. A picture's features do not depend on the others in its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from underpaint.core.errors import InputError
from underpaint.core.extractor_card import ExtractorCard
from underpaint.models.preprocess import Floats, Pixels, prepare


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What an extractor sees in B pictures.

    Args:
        features: ``[B, D]`` float32.
        probabilities: Head to class probabilities ``[B, K]`` float32; empty without heads.
    """

    features: Floats
    probabilities: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """A network with its card.

    Args:
        card: What it is.
        network: Prepared pictures ``[B, C, S, S]`` to raw features ``[B, D0]``.
        device: Where the network is.
        heads: Raw features ``[B, D0]`` to class probabilities ``[B, K]`` a head; None without heads.
        text: Captions to raw features ``[B, E]`` in the space shared with pictures; None without a text encoder.
        share: Features ``[B, D]`` to that space, ``[B, E]``; None if they lie there already.
        layers: Prepared pictures to the maps ``[B, C, h, w]`` of some layers; None if they are not to be had.
    """

    card: ExtractorCard
    network: Callable[[Tensor], Tensor]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    heads: Callable[[Tensor], Mapping[str, Tensor]] | None = None
    text: Callable[[Sequence[str]], Tensor] | None = None
    share: Callable[[Tensor], Tensor] | None = None
    layers: Callable[[Tensor], list[Tensor]] | None = None

    @torch.inference_mode()
    def extract(self, pixels: Pixels | Sequence[Pixels]) -> Extraction:
        """Return features and probabilities of pictures.

        Args:
            pixels: ``[B, H, W, 4]`` uint8 with straight alpha, or B pictures ``[H, W, 4]`` of any sizes.

        Raises:
            InputError: They are no such pictures.
        """
        with exact_convolutions():
            raw = self.network(self._prepared(pixels))  # [B, D0]
            probabilities = self.heads(raw) if self.heads else {}
        return Extraction(
            features=_numpy(self._finished(raw)), probabilities={name: _numpy(p) for name, p in probabilities.items()}
        )

    @torch.inference_mode()
    def text_features(self, captions: Sequence[str]) -> Floats:
        """Return captions in the space shared with pictures, of unit length ``[B, E]``; see ``shared_features``.

        Raises:
            InputError: The extractor reads no text.
        """
        if self.text is None:
            raise InputError(
                f"{self.card.name} reads no captions (task {self.card.task!r}); choose a dual encoder: "
                "evaluator-64 or clip:FOLDER"
            )
        return _numpy(F.normalize(self.text(captions).to(torch.float32), dim=1))

    @torch.inference_mode()
    def shared_features(self, features: Floats) -> Floats:
        """Return features ``[B, D]`` in the space shared with captions, of unit length ``[B, E]``.

        Raises:
            InputError: The extractor reads no text.
        """
        if self.text is None:
            raise InputError(f"{self.card.name} reads no captions, so its features share no space with them")
        values = torch.from_numpy(np.ascontiguousarray(features)).to(self.device)
        return _numpy(F.normalize(self.share(values) if self.share else values, dim=1))

    @torch.inference_mode()
    def maps(self, pixels: Pixels | Sequence[Pixels]) -> list[NDArray[np.float32]]:
        """Return the maps ``[B, C, h, w]`` of the layers that a perceptual distance compares.

        Raises:
            InputError: The extractor offers none, or these are no pictures.
        """
        if self.layers is None:
            raise InputError(f"{self.card.name} offers no maps for a perceptual distance; choose randconv-v1")
        with exact_convolutions():
            return [_numpy(values) for values in self.layers(self._prepared(pixels))]

    def warning(self, height: int, width: int) -> str:
        """Say what pictures of this size lose on their way into the network; empty if nothing."""
        size = self.card.input.size
        if size >= max(height, width):
            return ""
        return (
            f"{self.card.name} looks at {size} x {size} pixels and these pictures have {width} x {height}: damage "
            "finer than that is hidden from it"
        )

    def _prepared(self, pixels: Pixels | Sequence[Pixels]) -> Tensor:
        return torch.from_numpy(prepare(pixels, self.card.input)).to(self.device)

    def _finished(self, raw: Tensor) -> Tensor:
        """Standardize and normalize raw features ``[B, D0]`` to ``[B, D]``."""
        affine, values = self.card.feature_affine, raw.to(torch.float32)
        if affine is not None:
            kept = values if affine.kept is None else values[:, list(affine.kept)]
            mean = torch.tensor(affine.mean, device=raw.device)
            std = torch.tensor(affine.std, device=raw.device)
            values = (kept - mean) / std
        return F.normalize(values, dim=1) if self.card.unit_norm else values


def exact_convolutions() -> AbstractContextManager[None]:
    """Return a context in which a graphics card convolves in full float32 and the same way every time."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)


def _numpy(values: Tensor) -> NDArray[np.float32]:
    return values.to(torch.float32).cpu().numpy()
