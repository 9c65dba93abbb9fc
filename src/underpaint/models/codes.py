"""The alphabets that tokens may be written in, behind one interface: a learned codebook, or bits.

Both offer ``quantize``, ``embed``, ``observe`` and ``learn``, ``perturb``, ``loss``, ``sample`` and ``usage``. Labels
are int64, ``[B, T]`` of a codebook and ``[B, T, C]`` of bits; a token has ``n_logits`` logits, ``K`` or ``C``. Whoever
only passes labels on need not know which.
"""

from __future__ import annotations

from underpaint.models.binary_codes import BinaryCodes
from underpaint.models.vector_codes import VectorCodes

Codes = VectorCodes | BinaryCodes
