"""The evaluator: pictures and captions in one space, and heads that name what a picture shows.

A compact residual network looks at the picture at three resolutions; what each of them holds on average goes into the
features, so that fine damage is seen as well as meaning. Its batch norms use fixed statistics once it is trained, so a
picture's features do not depend on the others in its batch.

Shapes: ``B`` pictures or captions, ``T`` text tokens, ``D`` features.

Source: contrastive pairs, CLIP, arXiv 2103.00020; residual blocks with the norm first, arXiv 1603.05027.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from torch import Tensor, nn

from underpaint.core.config import Config
from underpaint.models.component import load_component, save_component
from underpaint.models.pixels import composite, from_straight
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.text_tokenizer import MAX_TOKENS, TextTokenizer

Count = Annotated[int, Field(ge=1)]
DAMAGES = ("blur", "jpeg", "noise", "resolution")


class EvaluatorConfig(Config):
    """Settings of the evaluator.

    Args:
        image_size: Side of the pictures it looks at, in pixels.
        widths: Channels at a half, a quarter and an eighth of the side.
        depths: Residual blocks at each of them.
        dim: D, length of the features and of the space shared with captions.
        vocab_size: Rows of the text table.
        text_width: Width of the text table and of the caption encoder.
        text_depth: Transformer blocks of the text encoder.
        text_heads: Attention heads of the text encoder.
        classes: Head to its classes.
        temperatures: Head to what its logits are divided by to make probabilities; 1 where it is missing.
    """

    image_size: Count = 64
    widths: tuple[Count, Count, Count] = (32, 80, 144)
    depths: tuple[int, int, int] = (1, 1, 2)
    dim: Count = 128
    vocab_size: Count
    text_width: Count = 96
    text_depth: int = Field(default=1, ge=0)
    text_heads: Count = 4
    classes: dict[str, tuple[str, ...]]
    temperatures: dict[str, Annotated[float, Field(gt=0)]] = {}


class ConvBlock(nn.Module):
    """Twice a norm and a convolution, and the way around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform ``[B, C, H, W]``."""
        y = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(y)))


class ImageEncoder(nn.Module):
    """Pictures to features, from the means at three resolutions and the maximum at the coarsest."""

    def __init__(self, config: EvaluatorConfig) -> None:
        super().__init__()
        w1, w2, w3 = config.widths
        self.enter = nn.ModuleList(
            (nn.Conv2d(12, w1, 3, padding=1), nn.Conv2d(w1, w2, 3, 2, 1), nn.Conv2d(w2, w3, 3, 2, 1))
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvBlock(width) for _ in range(depth)))
            for width, depth in zip(config.widths, config.depths, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in config.widths)
        self.out = nn.Linear(w1 + w2 + 2 * w3, config.dim)
        self.standardize = nn.BatchNorm1d(config.dim, affine=False)

    def forward(self, rgb: Tensor) -> Tensor:
        """Encode ``[B, 3, H, H]`` in [-1, 1] to features ``[B, D]``, each of mean 0 and variance 1 in training."""
        x = F.pixel_unshuffle(rgb, 2).contiguous(memory_format=torch.channels_last)  # [B, 12, H / 2, H / 2]
        maps: list[Tensor] = []
        for enter, stage, norm in zip(self.enter, self.stages, self.norms, strict=True):
            x = stage(enter(x))
            maps.append(F.relu(norm(x)))
        pooled = [seen.mean(dim=(2, 3)) for seen in maps]
        pooled.append(maps[-1].amax(dim=(2, 3)))
        return self.standardize(self.out(torch.cat(pooled, dim=1)).to(torch.float32))


class CaptionEncoder(nn.Module):
    """Captions to the shared space: word vectors, brought to the encoder's width, and a small transformer."""

    def __init__(self, config: EvaluatorConfig) -> None:
        super().__init__()
        text = TextEncoderConfig(
            vocab_size=config.vocab_size,
            width=config.text_width,
            depth=config.text_depth,
            heads=config.text_heads,
            max_tokens=MAX_TOKENS,
        )
        self.words = TextEncoder(text)
        self.out = nn.Linear(config.text_width, config.dim)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode ``ids [B, T]`` with ``mask [B, T]`` to ``[B, D]``, not yet of unit length."""
        return self.out(self.words(ids, mask).pooled)


class Evaluator(nn.Module):
    """Image encoder, caption encoder, heads; ``load_evaluator`` opens a saved one with its tokenizer.

    Args:
        config: The settings.
        tokenizer: Cuts captions; its ids are the rows of the text table.
    """

    def __init__(self, config: EvaluatorConfig, tokenizer: TextTokenizer | None = None) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.image = ImageEncoder(config)
        self.caption = CaptionEncoder(config)
        self.project = nn.Linear(config.dim, config.dim, bias=False)
        self.head = nn.ModuleDict({name: nn.Linear(config.dim, len(names)) for name, names in config.classes.items()})
        self.damage = nn.Linear(config.dim, len(DAMAGES))
        self.log_scale = nn.Parameter(torch.tensor(2.7))

    @classmethod
    def from_config(cls, config: EvaluatorConfig) -> Self:
        """Build the network with an empty table and fresh weights."""
        return cls(config)

    def encode_images(self, pictures: Tensor) -> Tensor:
        """Return the features ``[B, D]`` of pictures.

        Args:
            pictures: ``[B, 3, H, H]`` in [-1, 1], or premultiplied with alpha ``[B, 4, H, H]`` (``models.pixels``),
                which are put on white; H is the evaluator's ``image_size``.
        """
        if pictures.shape[1] == 4:
            pictures = composite(pictures, torch.ones(len(pictures), 3, device=pictures.device)) * 2.0 - 1.0
        return self.image(pictures)

    def embed_features(self, features: Tensor) -> Tensor:
        """Return where features ``[B, D]`` lie in the space shared with captions: ``[B, D]`` of unit length."""
        return F.normalize(self.project(features.to(torch.float32)), dim=-1)

    def embed_tokens(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return captions, given as ids and mask ``[B, T]``, in the shared space: ``[B, D]`` of unit length."""
        return F.normalize(self.caption(ids, mask).to(torch.float32), dim=-1)

    def encode_captions(self, captions: Sequence[str]) -> Tensor:
        """Return canonical captions in the shared space: ``[B, D]`` of unit length."""
        assert self.tokenizer is not None, "this evaluator was built without a tokenizer"
        ids, mask = self.tokenizer.encode_batch(captions, MAX_TOKENS)
        mask[:, 0] = True  # a caption without any token is read as padding
        device = self.log_scale.device
        return self.embed_tokens(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))

    def heads(self, features: Tensor) -> dict[str, Tensor]:
        """Return each head's logits ``[B, classes]``, divided by its temperature."""
        temperatures = self.config.temperatures
        return {name: head(features) / temperatures.get(name, 1.0) for name, head in self.head.items()}


def prepare(pictures: NDArray[np.uint8], size: int) -> Tensor:
    """Bring pictures to what the evaluator looks at: premultiplied, resized if need be, on white.

    Args:
        pictures: ``[B, H, W, 4]`` uint8, straight alpha.
        size: The evaluator's ``image_size``.

    Returns:
        ``[B, 3, size, size]`` in [-1, 1].
    """
    if pictures.shape[1:3] == (size, size):
        values = from_straight(torch.from_numpy(np.ascontiguousarray(pictures)))
    else:
        resized = [
            Image.fromarray(picture, "RGBA").convert("RGBa").resize((size, size), Image.Resampling.BICUBIC)
            for picture in pictures
        ]
        stacked = np.stack([np.asarray(picture) for picture in resized])
        values = torch.from_numpy(stacked).permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1.0
    return (composite(values, torch.ones(len(values), 3)) * 2.0 - 1.0).clamp(-1.0, 1.0)  # [B, 3, size, size]


def save_evaluator(evaluator: Evaluator, folder: Path) -> None:
    """Write settings, float16 weights and the tokenizer into a folder.

    Raises:
        StorageError: It cannot be written.
    """
    assert evaluator.tokenizer is not None, "this evaluator was built without a tokenizer"
    save_component(evaluator, evaluator.config, folder, torch.float16)
    evaluator.tokenizer.save(folder)


def load_evaluator(folder: Path, device: str | torch.device = "cpu") -> Evaluator:
    """Open a saved evaluator for looking at pictures.

    Raises:
        ArtifactError: A file is missing, damaged, or does not fit the others.
    """
    evaluator = load_component(folder, Evaluator, EvaluatorConfig, device)
    evaluator.tokenizer = TextTokenizer.from_folder(folder)
    return evaluator
