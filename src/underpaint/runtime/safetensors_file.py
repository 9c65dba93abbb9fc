"""Files of weights, read with nothing but NumPy: the strict reading that ``runtime/weights.py`` builds upon.

A safetensors file is eight bytes of header length, a JSON header (name to dtype, shape, place) and the raw arrays. What
is read comes from strangers, so every claim of the header is checked before an array is made: its length, duplicate
keys, dtypes, and that the places are those of the shapes and cover the data once and without holes. Nothing in such a
file can run code; a pickle is refused whatever it is called.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from underpaint.core.checked_bytes import check_hash, reading_errors
from underpaint.core.config import parse_json
from underpaint.core.errors import ArtifactError

HEADER_CAP = 4 * 2**20
"""Longest header accepted, in bytes: room for some 40,000 tensors."""

BYTES: dict[str, int] = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
"""The dtypes that are read, with the bytes of one number."""

ARRAYS: dict[str, str] = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
"""The dtypes that NumPy has too, by its names."""
REMEDY = "make or download the model again"


@dataclass(frozen=True)
class Place:
    """Where a tensor lies in the data that follows the header.

    Args:
        dtype: A key of ``BYTES``.
        shape: Its shape.
        begin: First byte.
        end: First byte behind it.
    """

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def damaged(source: str, what: str) -> ArtifactError:
    """Return the error that a file of weights is not as it should be."""
    return ArtifactError(f"{source}: {what}; {REMEDY}")


def _refuse_foreign(data: memoryview, source: str) -> None:
    """Name the usual formats that are no safetensors files."""
    start = bytes(data[:8])
    if bytes(data[8:9]) == b"{":  # a header follows; its length may begin with the same bytes as a pickle
        return
    if start[:2] == b"PK" or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05"):
        raise ArtifactError(
            f"{source}: this is a pickle or zip file, which can run code and is never opened; "
            "only safetensors files hold weights here"
        )
    if start.startswith(b"version "):
        raise ArtifactError(f"{source}: this is a Git LFS pointer, not the weights; run 'git lfs pull'")


def _header(data: memoryview, source: str) -> tuple[dict[str, Any], int]:
    """Return the parsed header and the offset at which the data begins."""
    if len(data) < 8:
        raise damaged(source, f"the file is cut off or empty ({len(data)} bytes)")
    _refuse_foreign(data, source)
    (length,) = struct.unpack("<Q", data[:8])
    if length > HEADER_CAP:
        raise damaged(source, f"the header claims {length} bytes, more than the {HEADER_CAP} allowed")
    if 8 + length > len(data):
        raise damaged(source, f"the file is cut off inside its header ({len(data)} of at least {8 + length} bytes)")
    try:
        text = bytes(data[8 : 8 + length]).decode("utf-8")
        header = parse_json(text)
    except ValueError as error:
        raise damaged(source, f"the header is no JSON ({error})") from None
    if not isinstance(header, dict):
        raise damaged(source, "the header is no JSON object")
    return header, 8 + length


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _place(name: str, entry: Any, source: str) -> Place:
    """Check one entry of the header."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise damaged(source, f"the entry of {name!r:.80} needs exactly dtype, shape and data_offsets")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in BYTES:
        raise damaged(source, f"{name!r:.80} has the dtype {entry['dtype']!r:.20}; allowed are {', '.join(BYTES)}")
    shape, offsets = entry["shape"], entry["data_offsets"]
    lists = isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2
    if not lists or not all(map(_is_count, [*shape, *offsets])):
        raise damaged(source, f"{name!r:.80} has a shape or a place that is no list of counts")
    begin, end = offsets
    if end - begin != math.prod(shape) * BYTES[entry["dtype"]]:
        raise damaged(source, f"the place of {name!r:.80} does not fit its shape {shape} and dtype {entry['dtype']}")
    return Place(entry["dtype"], tuple(shape), begin, end)


def _metadata(header: dict[str, Any], source: str) -> dict[str, str]:
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise damaged(source, "the metadata must map names to strings")
    return metadata


def read_layout(data: memoryview, *, source: str) -> tuple[dict[str, Place], dict[str, str], int]:
    """Check the header of a safetensors file against its bytes.

    Args:
        data: The whole file.
        source: Its name, for messages.

    Returns:
        Name to place, the metadata, and the byte at which the data begins.

    Raises:
        ArtifactError: The bytes are anything but one well-formed safetensors file.
    """
    header, start = _header(data, source)
    metadata = _metadata(header, source)
    places = {name: _place(name, entry, source) for name, entry in header.items()}
    reached = 0
    for name, place in sorted(places.items(), key=lambda item: (item[1].begin, item[1].end)):
        if place.begin != reached:
            raise damaged(source, f"{name!r:.80} begins at {place.begin} where {reached} was due: an overlap or a hole")
        reached = place.end
    if start + reached != len(data):
        raise damaged(source, f"the file has {len(data)} bytes, its header describes {start + reached}")
    return places, metadata, start


def read_bytes(path: Path, *, sha256: str | None = None) -> memoryview:
    """Read a file whole into memory that may be written to, and compare its hash.

    Args:
        path: The file.
        sha256: The expected hash as 64 hexadecimal characters; not checked if None.

    Raises:
        ArtifactError: The file is missing, unreadable, or has another hash.
    """
    with reading_errors(path, REMEDY), path.open("rb") as file:
        buffer = np.empty(path.stat().st_size, dtype=np.uint8).data  # unlike a bytearray, not zeroed first
        data = buffer[: file.readinto(buffer)]
    check_hash(data, path, sha256=sha256, remedy=REMEDY)
    return data


def read_arrays(path: Path, *, sha256: str | None = None) -> dict[str, NDArray[Any]]:
    """Read a safetensors file as arrays that share one buffer.

    Args:
        path: The file.
        sha256: The expected hash of the file.

    Raises:
        ArtifactError: The file is missing, changed or damaged, or holds bfloat16, which NumPy does not know.
    """
    data = read_bytes(path, sha256=sha256)
    places, _, start = read_layout(data, source=str(path))
    for name, place in places.items():
        if place.dtype not in ARRAYS:
            raise damaged(str(path), f"{name!r:.80} has the dtype {place.dtype}, which is not read without torch")
    whole = np.frombuffer(data, dtype=np.uint8)
    return {name: _array(whole[start + place.begin : start + place.end], place) for name, place in places.items()}


def _array(part: NDArray[np.uint8], place: Place) -> NDArray[Any]:
    return part.view(ARRAYS[place.dtype]).reshape(place.shape)
