"""A network that computes in bfloat16, called and answering in 32 bits: the sampling around it loses nothing.

Weights on the disk stay what they were. Times and other tensors of one number a picture are handed over as they are:
bfloat16 has eight digits, with which one step of a thousand is another. A processor that does not multiply
bfloat16 itself computes the same, slowly; ``engine_choice.warn_of_bfloat16`` warns whoever loads such a model there.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.core.config import Config
from underpaint.models.twin import twin
from underpaint.pipelines.around import mapped


class InBfloat16(Config):
    """Parameters of ``quant.bf16``.

    Args:
        channels_last: Lay weights of convolutions out pixel by pixel, as kernels of bfloat16 want them.
    """

    channels_last: bool = True


def in_bfloat16(network: nn.Module, params: InBfloat16) -> nn.Module:
    """Return a network of such weights."""
    other = twin(network, partial(_weight, channels_last=params.channels_last))
    other.register_forward_pre_hook(_called, with_kwargs=True)
    other.register_forward_hook(_answered)
    return other


def _weight(tensor: Tensor, *, channels_last: bool) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    layout = torch.channels_last if channels_last and tensor.ndim == 4 else torch.contiguous_format
    half = tensor.detach().to(torch.bfloat16, memory_format=layout)
    return nn.Parameter(half, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else half


def _called(_network: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    return mapped(args, _halved), mapped(kwargs, _halved)


def _halved(tensor: Tensor) -> Tensor:
    return tensor.to(torch.bfloat16) if tensor.is_floating_point() and tensor.ndim > 1 else tensor


def _answered(_network: nn.Module, _args: tuple[Any, ...], answer: Any) -> Any:
    return mapped(answer, lambda tensor: tensor.to(torch.float32) if tensor.is_floating_point() else tensor)
