"""Weights on disk: safetensors and nothing else, read strictly and written with the same bytes every time.

A file is eight bytes of header length, a JSON header (name to dtype, shape, place) and the raw tensors. What is read
comes from strangers, so every claim of the header is checked before a tensor is made: its length, duplicate keys,
dtypes, that the places are those of the shapes and cover the data once and without holes, and the names and shapes that
the module expects. Nothing in such a file can run code; a pickle is refused whatever it is called.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from underpaint.core.artifact import storage_errors
from underpaint.core.config import parse_json
from underpaint.core.errors import ArtifactError, UnderpaintError

HEADER_CAP = 4 * 2**20
"""Longest header accepted, in bytes: room for some 40,000 tensors."""

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
STORED_AS_HALF = frozenset({torch.float32, torch.float64})
"""Expected dtypes that may lie on disk as float16 or bfloat16 and are converted on loading."""

Expected = Mapping[str, tuple[tuple[int, ...], torch.dtype]]


class _SkipInitialization(TorchFunctionMode):
    """Turn the functions of ``torch.nn.init`` into nothing, and random weights without a generator into empty ones."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        if func in (torch.randn, torch.rand) and kwargs.get("generator") is None:
            return torch.empty(*args, **kwargs)
        return func(*args, **kwargs)


def skip_initialization() -> TorchFunctionMode:
    """Return a context in which modules are built with arbitrary weights: faster, and no random number is drawn.

    Every weight must be loaded afterwards, which ``load_module`` insists on.
    """
    return _SkipInitialization()


def _damaged(source: str, what: str) -> ArtifactError:
    return ArtifactError(f"{source}: {what}; make or download the model again")


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
        raise _damaged(source, f"the file is cut off or empty ({len(data)} bytes)")
    _refuse_foreign(data, source)
    (length,) = struct.unpack("<Q", data[:8])
    if length > HEADER_CAP:
        raise _damaged(source, f"the header claims {length} bytes, more than the {HEADER_CAP} allowed")
    if 8 + length > len(data):
        raise _damaged(source, f"the file is cut off inside its header ({len(data)} of at least {8 + length} bytes)")
    try:
        text = bytes(data[8 : 8 + length]).decode("utf-8")
        header = parse_json(text)
    except ValueError as error:
        raise _damaged(source, f"the header is no JSON ({error})") from None
    if not isinstance(header, dict):
        raise _damaged(source, "the header is no JSON object")
    return header, 8 + length


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _place(name: str, entry: Any, source: str) -> tuple[torch.dtype, tuple[int, ...], int, int]:
    """Check one entry of the header and return its dtype, shape, begin and end."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _damaged(source, f"the entry of {name!r:.80} needs exactly dtype, shape and data_offsets")
    dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise _damaged(source, f"{name!r:.80} has the dtype {entry['dtype']!r:.20}; allowed are {', '.join(DTYPES)}")
    shape, offsets = entry["shape"], entry["data_offsets"]
    lists = isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2
    if not lists or not all(map(_is_count, [*shape, *offsets])):
        raise _damaged(source, f"{name!r:.80} has a shape or a place that is no list of counts")
    begin, end = offsets
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise _damaged(source, f"the place of {name!r:.80} does not fit its shape {shape} and dtype {entry['dtype']}")
    return dtype, tuple(shape), begin, end


def _metadata(header: dict[str, Any], source: str) -> dict[str, str]:
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(source, "the metadata must map names to strings")
    return metadata


def parse_weights(data: bytes | memoryview, *, source: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the bytes of a safetensors file.

    Args:
        data: The whole file; a memory view must be writable.
        source: Its name, for messages.

    Returns:
        Name to tensor (on the CPU, sharing ``data``'s memory where that is writable) and the metadata.

    Raises:
        ArtifactError: The bytes are anything but one well-formed safetensors file.
    """
    memory = memoryview(bytearray(data)) if isinstance(data, bytes) else data
    header, start = _header(memory, source)
    metadata = _metadata(header, source)
    places = {name: _place(name, entry, source) for name, entry in header.items()}
    reached = 0
    for name, (_, _, begin, end) in sorted(places.items(), key=lambda item: item[1][2:]):
        if begin != reached:
            raise _damaged(source, f"{name!r:.80} begins at {begin} where {reached} was due: an overlap or a hole")
        reached = end
    if start + reached != len(memory):
        raise _damaged(source, f"the file has {len(memory)} bytes, its header describes {start + reached}")
    return {name: _tensor(memory, start, *place) for name, place in places.items()}, metadata


def _tensor(memory: memoryview, start: int, dtype: torch.dtype, shape: tuple[int, ...], begin: int, end: int) -> Tensor:
    if begin == end:
        return torch.empty(shape, dtype=dtype)
    if (start + begin) % dtype.itemsize:
        copy = bytearray(memory[start + begin : start + end])
        return torch.frombuffer(copy, dtype=dtype).reshape(shape)
    count = (end - begin) // dtype.itemsize
    return torch.frombuffer(memory, dtype=dtype, count=count, offset=start + begin).reshape(shape)


def _some(names: set[str]) -> str:
    listed = ", ".join(sorted(names)[:3])
    return f"{listed} and {len(names) - 3} more" if len(names) > 3 else listed


def fit(tensors: Mapping[str, Tensor], expected: Expected, *, source: str) -> dict[str, Tensor]:
    """Check tensors against the names, shapes and dtypes that are expected; convert half precision to float32.

    Args:
        tensors: What was read.
        expected: Name to shape and dtype.
        source: The file's name, for messages.

    Raises:
        ArtifactError: A name is missing or unexpected, or a shape or dtype differs; the message names it.
    """
    missing, unexpected = set(expected) - set(tensors), set(tensors) - set(expected)
    if missing:
        raise _damaged(source, f"weights are missing: {_some(missing)}")
    if unexpected:
        raise _damaged(source, f"unexpected weights: {_some(unexpected)}")
    fitted: dict[str, Tensor] = {}
    for name, (shape, dtype) in expected.items():
        tensor = tensors[name]
        if tuple(tensor.shape) != tuple(shape):
            raise _damaged(source, f"{name} has the shape {list(tensor.shape)}, its config asks for {list(shape)}")
        halved = dtype in STORED_AS_HALF and tensor.dtype in (torch.float16, torch.bfloat16)
        if tensor.dtype != dtype and not halved:
            raise _damaged(source, f"{name} has the dtype {tensor.dtype}, its config asks for {dtype}")
        fitted[name] = tensor.to(dtype)
    return fitted


def read_bytes(path: Path, *, sha256: str | None = None) -> memoryview:
    """Read a file whole and compare its hash, so that what was checked is what is used.

    Args:
        path: The file.
        sha256: The expected hash as 64 hexadecimal characters; not checked if None.

    Raises:
        ArtifactError: The file is missing, unreadable, or has another hash.
    """
    try:
        with path.open("rb") as file:
            buffer = np.empty(path.stat().st_size, dtype=np.uint8).data  # unlike a bytearray, not zeroed first
            data = buffer[: file.readinto(buffer)]
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; make or download the model again") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from None
    if sha256 is not None and (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise _damaged(
            str(path), f"the file has the SHA-256 {found[:12]}…, its manifest says {sha256[:12]}…: cut off or changed"
        )
    return data


def read_weights(path: Path, expected: Expected | None = None, *, sha256: str | None = None) -> dict[str, Tensor]:
    """Read a safetensors file.

    Args:
        path: The file.
        expected: Name to shape and dtype; None takes whatever a well-formed file holds.
        sha256: The expected hash of the file.

    Raises:
        ArtifactError: The file is missing, changed, damaged, or does not hold what is expected.
    """
    tensors, _ = parse_weights(read_bytes(path, sha256=sha256), source=str(path))
    return tensors if expected is None else fit(tensors, expected, source=str(path))


def write_weights(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file; equal tensors and metadata give equal bytes, in whatever order they come.

    Args:
        path: The file; its folder must exist.
        tensors: Name to tensor; stored on disk in their own dtypes, widest first so that all are aligned.
        metadata: Small strings to keep in the header.

    Raises:
        StorageError: The file cannot be written.
    """
    kept = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    place = 0
    for name in sorted(kept, key=lambda name: (-kept[name].dtype.itemsize, name)):
        tensor = kept[name]
        if tensor.dtype not in DTYPE_NAMES:
            raise UnderpaintError(f"{name} has the dtype {tensor.dtype}, which cannot be stored; convert it first")
        end = place + tensor.numel() * tensor.dtype.itemsize
        header[name] = {"dtype": DTYPE_NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with storage_errors(path), path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in header:
            if name != "__metadata__":
                file.write(kept[name].reshape(-1).view(torch.uint8).numpy().data)


def expected_of(module: nn.Module) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Return name to shape and dtype of everything in a module's state."""
    return {name: (tuple(value.shape), value.dtype) for name, value in module.state_dict().items()}


def load_module(module: nn.Module, path: Path, *, sha256: str | None = None) -> nn.Module:
    """Fill a module from a safetensors file, every weight of it, and make it ready to draw (evaluation mode).

    Args:
        module: Built from its config, best under ``skip_initialization``.
        path: The file.
        sha256: The expected hash of the file.

    Raises:
        ArtifactError: The file is missing, changed, damaged, or does not fit the module.
    """
    tensors = read_weights(path, expected_of(module), sha256=sha256)
    module.load_state_dict(tensors, strict=True, assign=True)
    return module.eval().requires_grad_(False)
