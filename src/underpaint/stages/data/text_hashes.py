"""Hashes of texts, eight bytes each: how many different texts there were, and which came again, without keeping them.

Two of N different texts have the same hash with a chance of about N^2 / 2^65, for 100,000 texts 3e-10.
"""

from __future__ import annotations

import hashlib
from array import array

import numpy as np

LOT = 1 << 12
"""Least number of hashes that wait in the order in which they came."""
BYTES = 8


def text_hash(*parts: str) -> int:
    """Return the hash of some texts together, 0 to 2^64 - 1."""
    content = "\0".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=BYTES).digest(), "little")


def among(values: np.ndarray, value: int) -> bool:
    """Tell whether sorted hashes, ``[N]`` uint64, hold one."""
    place = int(np.searchsorted(values, np.uint64(value)))
    return place < len(values) and int(values[place]) == value


class TextHashes:
    """The hashes of texts that came by: each one once, sorted, and beside them those that came more than once."""

    def __init__(self) -> None:
        self._waiting = array("Q")
        self._known = np.empty(0, np.uint64)
        self._again = np.empty(0, np.uint64)

    def add(self, *parts: str) -> None:
        """Take down a text, or several together."""
        self._waiting.append(text_hash(*parts))
        if len(self._waiting) >= max(LOT, len(self._known)):
            self._settle()

    def _settle(self) -> None:
        """Put what waits to the others."""
        values, counts = np.unique(np.array(self._waiting, np.uint64), return_counts=True)
        self._waiting = array("Q")
        twice = np.concatenate([values[counts > 1], np.intersect1d(values, self._known, assume_unique=True)])
        self._again = np.union1d(self._again, twice)
        self._known = np.union1d(self._known, values)

    def count(self) -> int:
        """Return how many different texts came."""
        return len(self.once())

    def once(self) -> np.ndarray:
        """Return the hash of every text that came, once and sorted, ``[N]`` uint64."""
        self._settle()
        return self._known

    def again(self) -> np.ndarray:
        """Return the hashes of the texts that came more than once, sorted, ``[M]`` uint64."""
        self._settle()
        return self._again
