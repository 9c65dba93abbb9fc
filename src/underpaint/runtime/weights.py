"""Weights on disk: safetensors and nothing else, read strictly and written with the same bytes every time.

The format and its checks are in ``runtime/safetensors_file.py``; here bytes become tensors, and the names, shapes and
dtypes that a module expects are insisted on.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import UnderpaintError
from underpaint.runtime.safetensors_file import Place, damaged, read_bytes, read_layout

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
    places, metadata, start = read_layout(memory, source=source)
    return {name: _tensor(memory, start, place) for name, place in places.items()}, metadata


def _tensor(memory: memoryview, start: int, place: Place) -> Tensor:
    dtype, begin, end = DTYPES[place.dtype], start + place.begin, start + place.end
    if begin == end:
        return torch.empty(place.shape, dtype=dtype)
    if begin % dtype.itemsize:
        return torch.frombuffer(bytearray(memory[begin:end]), dtype=dtype).reshape(place.shape)
    count = (end - begin) // dtype.itemsize
    return torch.frombuffer(memory, dtype=dtype, count=count, offset=begin).reshape(place.shape)


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
        raise damaged(source, f"weights are missing: {_some(missing)}")
    if unexpected:
        raise damaged(source, f"unexpected weights: {_some(unexpected)}")
    fitted: dict[str, Tensor] = {}
    for name, (shape, dtype) in expected.items():
        tensor = tensors[name]
        if tuple(tensor.shape) != tuple(shape):
            raise damaged(source, f"{name} has the shape {list(tensor.shape)}, its config asks for {list(shape)}")
        halved = dtype in STORED_AS_HALF and tensor.dtype in (torch.float16, torch.bfloat16)
        if tensor.dtype != dtype and not halved:
            raise damaged(source, f"{name} has the dtype {tensor.dtype}, its config asks for {dtype}")
        fitted[name] = tensor.to(dtype)
    return fitted


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
