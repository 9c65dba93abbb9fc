"""Block-wise 8-bit numbers: one byte a number and one scale a block, fine near zero and near the block's largest.

A byte names an entry of a table in [-1, 1] (or [0, 1]); a number is its entry times the largest magnitude of its block.
The table is dynamic: seven decades, of which each has twice as many entries as the one below it,

    10^-(6 - e) * m,   m = midpoints of 2^e equal parts of [0.1, 1],   e = 0..6,

with both signs (or twice as many parts and one sign), and 0 and 1.

Source: dynamic and block-wise quantization, arXiv 2110.02861, sections 2.1 and 3.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

from underpaint.runtime.device import CPU

BLOCK = 256
"""Numbers that share a scale; the paper takes 2,048, for tensors that are larger than ours."""
DECADES = 7


@functools.cache
def table(signed: bool, device: torch.device) -> Tensor:
    """Return the 256 entries in ascending order, float32.

    Args:
        signed: Whether they lie in [-1, 1] or in [0, 1].
        device: Where they are needed.
    """
    entries = [0.0, 1.0]
    for exponent in range(DECADES):
        parts = 2**exponent * (1 if signed else 2)
        for index in range(parts):
            value = 10.0 ** (exponent - DECADES + 1) * (0.1 + 0.9 * (index + 0.5) / parts)
            entries += [value, -value] if signed else [value]
    return torch.tensor(sorted(entries), device=device)


@functools.cache
def _search(signed: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return what finds an entry without a binary search, which takes eight steps a number.

    Returns:
        By the upper 16 bits of a float32, the code of the smallest number with these bits ``[65536]``, int32; and the
        midpoint above each entry ``[256]``. No two midpoints share the upper bits, so a code is at most one too low.
    """
    entries = table(signed, CPU)
    above = torch.cat([(entries[1:] + entries[:-1]) / 2.0, torch.tensor([torch.inf])])
    cells = torch.arange(2**16, dtype=torch.int32)
    bits = cells << 16
    smallest = torch.where(cells < 2**15, bits, bits | 0xFFFF).view(torch.float32)
    lowest = torch.bucketize(smallest.nan_to_num(), above[:-1], out_int32=True)
    return lowest.to(device), above.to(device)


def nearest(shares: Tensor, signed: bool) -> Tensor:
    """Return the codes ``[N]``, int32, of the entries nearest to numbers ``[N]`` in [-1, 1]."""
    lowest, above = _search(signed, shares.device)
    cells = (shares.view(torch.int32) >> 16) & 0xFFFF
    codes = lowest.index_select(0, cells)
    return codes + (shares > above.index_select(0, codes))


def quantize(values: Tensor, signed: bool) -> tuple[Tensor, Tensor]:
    """Round numbers to the nearest entries.

    Without signs nothing above zero becomes zero, since what is stored so is divided by.

    Args:
        values: Of any shape, float32; not below 0 unless ``signed``.
        signed: Whether they have signs.

    Returns:
        Bytes of the shape of ``values``, and the scale of each block, float32 ``[N / BLOCK]`` rounded up.
    """
    flat = F.pad(values.reshape(-1), (0, -values.numel() % BLOCK)).view(-1, BLOCK)  # [blocks, BLOCK]
    scale = flat.abs().amax(dim=1)
    shares = flat / scale.clamp_min(torch.finfo(torch.float32).tiny)[:, None]
    codes = nearest(shares.view(-1)[: values.numel()], signed)
    if not signed:
        codes = torch.maximum(codes, values.reshape(-1) > 0)
    return codes.to(torch.uint8).view(values.shape), scale


def dequantize(codes: Tensor, scale: Tensor, signed: bool) -> Tensor:
    """Return the numbers that bytes and scales stand for, float32 of the shape of ``codes``.

    Args:
        codes: Bytes, as ``quantize`` returns them.
        scale: Scale of each block, float32 ``[N / BLOCK]`` rounded up.
        signed: Whether they were quantized with signs.
    """
    entries = table(signed, codes.device).index_select(0, codes.reshape(-1).to(torch.int32))
    padded = F.pad(entries, (0, -codes.numel() % BLOCK)).view(-1, BLOCK) * scale[:, None]
    return padded.view(-1)[: codes.numel()].view(codes.shape)
