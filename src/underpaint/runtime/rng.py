"""Random numbers that depend on a seed and a stream's name and on nothing else.

Every sample owns its streams (``"tokens-8"``, ``"residual"``), keyed by SHA-256 of (seed, stream) into the
counter-based generator Philox4x64-10. Only raw 64-bit draws are taken from NumPy, since their stream is stable across
versions; uniform, Gumbel and normal numbers are made from them here, in float64, and rounded to float32. So picture i
of a batch meets the same noise as the picture alone, in every engine.

The k-th number of a request does not depend on how many are asked for: a shorter request is a prefix of a longer one.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox); Box and Muller, 1958.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from underpaint.core.errors import InputError

_DOMAIN = b"underpaint.rng.1\0"


def stream_key(seed: int, stream: str) -> NDArray[np.uint64]:
    """Return the Philox key of a stream: the first 128 bits of SHA-256 over the domain, the seed and the name.

    Args:
        seed: In [0, 2**64).
        stream: Name of the stream; different names give independent streams.

    Returns:
        Two words, ``[2]``.

    Raises:
        InputError: The seed is out of range.
    """
    if not 0 <= seed < 2**64:
        raise InputError(f"the seed must lie between 0 and 2**64 - 1, got {seed}; choose another seed")
    digest = hashlib.sha256(_DOMAIN + seed.to_bytes(8, "little") + stream.encode()).digest()
    return np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)


def raw(seed: int, stream: str, count: int) -> NDArray[np.uint64]:
    """Return the first ``count`` 64-bit words of a stream, ``[count]``."""
    words = np.random.Philox(key=stream_key(seed, stream)).random_raw(count)
    return np.asarray(words, dtype=np.uint64).reshape(count)


def _open_unit(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Map words to the open interval (0, 1): the centers of 2**52 equal cells, so that no logarithm sees 0 or 1."""
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def uniform(seed: int, stream: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """Draw uniform numbers in [0, 1), multiples of 2**-24.

    Args:
        seed: The sample's seed.
        stream: Name of the stream.
        shape: Shape of the result, filled in C order.
    """
    words = raw(seed, stream, math.prod(shape))
    return ((words >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)).reshape(shape)


def gumbel(seed: int, stream: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """Draw standard Gumbel numbers, ``-log(-log(u))``: ``argmax(logits + gumbel)`` samples from ``softmax(logits)``.

    Args:
        seed: The sample's seed.
        stream: Name of the stream.
        shape: Shape of the result, filled in C order.
    """
    u = _open_unit(raw(seed, stream, math.prod(shape)))
    return (-np.log(-np.log(u))).astype(np.float32).reshape(shape)


def normal(seed: int, stream: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """Draw standard normal numbers by the Box-Muller transform of consecutive pairs of words.

    Args:
        seed: The sample's seed.
        stream: Name of the stream.
        shape: Shape of the result, filled in C order.
    """
    count = math.prod(shape)
    u = _open_unit(raw(seed, stream, count + count % 2)).reshape(-1, 2)  # [pairs, 2]
    radius = np.sqrt(-2.0 * np.log(u[:, 0]))
    angle = 2.0 * np.pi * u[:, 1]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)  # [pairs, 2]
    return pairs.reshape(-1)[:count].astype(np.float32).reshape(shape)
