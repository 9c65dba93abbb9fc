"""What every pipeline shares: words in, pictures out, one at a time on a CPU.

Picture *i* of a batch is the same picture alone. The order of floating-point sums in a matrix product depends on the
batch and on the number of threads, so a CPU draws requests one by one with ``threads`` threads; a GPU draws those with
equal numbers together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from underpaint.core.config import Config
from underpaint.models.pixels import to_straight
from underpaint.models.text_encoder import TextEncoder, TextStates
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.drawer import Drawer, alike, style_row, unwatched
from underpaint.pipelines.noise import NoiseStream
from underpaint.pipelines.numbers import Numbers
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.runtime.device import threads


class SamplingConfig(Config):
    """Settings that every pipeline has.

    Args:
        styles: Names of the styles, in the order of the style embedding.
    """

    styles: tuple[str, ...]


S = TypeVar("S", bound=SamplingConfig)


class PicturePipeline(Drawer, Generic[S]):
    """Any pipeline of torch networks, with a way to draw requests that differ in words and seeds alone.

    Args:
        config: How to sample.
    """

    def __init__(self, config: S) -> None:
        super().__init__()
        self.config = config

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the styles."""
        return self.config.styles

    @property
    @abstractmethod
    def modules(self) -> dict[str, nn.Module]:
        """The networks by component name."""

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """The network that draws, in which nearly all of the work is done."""

    @abstractmethod
    def draw_alike(self, requests: Sequence[DrawRequest], on_stage: OnStage) -> np.ndarray:
        """Draw requests of equal numbers together: ``[B, H, H, 4]`` uint8, straight alpha."""

    @property
    def device(self) -> torch.device:
        """Where the networks lie."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def draw(self, requests: Sequence[DrawRequest], on_stage: OnStage | None = None) -> list[np.ndarray]:
        """Draw pictures; see ``Drawer``."""
        pictures: list[np.ndarray] = []
        with threads(self.threads):
            for batch in self.batches(requests):
                pictures.extend(self.draw_alike(batch, on_stage or unwatched))
        return pictures

    def batches(self, requests: Sequence[DrawRequest]) -> Iterator[Sequence[DrawRequest]]:
        """Yield requests in the lots that are drawn together here: on a CPU one by one (docs/decisions/0005)."""
        return alike(requests, most=1 if self.device.type == "cpu" else None)


class TextToPicture(PicturePipeline[S]):
    """A native pipeline: one with a text encoder and styles.

    Args:
        text_tokenizer: Text to token ids.
        text_encoder: Ids to states.
        config: How to sample.
    """

    def __init__(self, text_tokenizer: TextTokenizer, text_encoder: TextEncoder, config: S) -> None:
        super().__init__(config)
        self.text_tokenizer, self.text_encoder = text_tokenizer, text_encoder

    @abstractmethod
    def fit(self) -> dict[str, bool]:
        """Say what the components must agree about, and whether they do."""

    @property
    @abstractmethod
    def streams(self) -> tuple[NoiseStream, ...]:
        """All random numbers that a picture may be drawn from."""

    @abstractmethod
    def numbers(self, requests: Sequence[DrawRequest]) -> Numbers:
        """Return the numbers of requests that differ in words and seeds alone, the pipeline's own where none are asked.

        Raises:
            InputError: A request asks for what this pipeline cannot do.
        """

    @abstractmethod
    def pictures(self, text: TextStates, style: Tensor, numbers: Numbers, on_stage: OnStage) -> Tensor:
        """Draw a batch from tensors alone: what is exported.

        Args:
            text: Encoded captions.
            style: ``[B]`` rows of the style embedding.
            numbers: Everything else that decides the pictures.
            on_stage: Called as each stage begins.

        Returns:
            Premultiplied pictures ``[B, 4, H, H]``, nominally in [-1, 1].
        """

    def draw_alike(self, requests: Sequence[DrawRequest], on_stage: OnStage) -> np.ndarray:
        """Draw requests of equal numbers together: ``[B, H, H, 4]`` uint8, straight alpha.

        Raises:
            InputError: A style is unknown, or a request asks for what this pipeline cannot do.
        """
        numbers = self.numbers(requests)
        on_stage("text")
        text = self.encode_text([request.caption for request in requests])
        style = self.style_index([request.style for request in requests])
        return to_straight(self.pictures(text, style, numbers, on_stage))

    def noise(self, requests: Sequence[DrawRequest]) -> Callable[[str], Tensor]:
        """Return what gives the requests' own numbers by the name of a stream, on the pipeline's device."""
        streams = {stream.name: stream for stream in self.streams}
        seeds = [request.seed for request in requests]
        return lambda name: torch.from_numpy(streams[name].draw(seeds)).to(self.device)

    @property
    def device(self) -> torch.device:
        """Where the networks lie."""
        return next(self.text_encoder.parameters()).device

    def reads(self, caption: str) -> bool:
        """Tell whether a canonical caption is read to its end."""
        return not self.text_tokenizer.encode(caption, self.text_encoder.config.max_tokens).truncated

    def unknown_words(self, caption: str) -> list[str]:
        """Return the words of a canonical caption that become the unknown row of the text table."""
        return self.text_tokenizer.unknown_words(caption)

    def encode_text(self, captions: Sequence[str]) -> TextStates:
        """Encode canonical captions, padded to the encoder's longest text."""
        ids, mask = self.text_tokenizer.encode_batch(captions, self.text_encoder.config.max_tokens)
        return self.text_encoder(torch.from_numpy(ids).to(self.device), torch.from_numpy(mask).to(self.device))

    def style_index(self, styles: Sequence[str | None]) -> Tensor:
        """Return the rows ``[B]`` of the style embedding for names; None is "any", the last row.

        Raises:
            InputError: A name is unknown.
        """
        rows = [style_row(style, self.styles) for style in styles]
        return torch.tensor(rows, device=self.device)
