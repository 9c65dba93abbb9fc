"""What an ONNX file declares, read straight from its bytes: versions, and the weights that it expects from outside.

An ONNX file is a protocol buffer: fields of a number, a wire type and a value, nested. Only the outermost fields are
walked, so thousands of nodes cost milliseconds, and the package ``onnx`` is not needed where models only run.

Source: Protocol Buffers, "Encoding"; ONNX, ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from underpaint.core.errors import ArtifactError
from underpaint.core.tensor_spec import TensorSpec

DTYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}
"""ONNX's numbers of dtypes (``TensorProto.DataType``) that numpy has too."""
VARINT, FIXED64, SIZED, FIXED32 = 0, 1, 2, 5
"""Wire types: how long a value is."""
EXTERNAL = 1
"""The value of ``TensorProto.data_location`` that says that the numbers lie elsewhere."""

Value = int | memoryview


@dataclass(frozen=True, kw_only=True)
class Structure:
    """The outside of a graph.

    Args:
        ir_version: Version of the file format.
        opset: Version of ONNX's own operators; 0 if the file names none.
        inputs: Names of what goes in.
        outputs: Names of what comes out.
        weights: What must be given when the graph is loaded.
    """

    ir_version: int
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: dict[str, TensorSpec]


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte; returns it and where the next field begins."""
    value = shift = 0
    while True:
        byte = data[at]
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Yield the number and the value of every field.

    Raises:
        IndexError: The data end inside a field.
        ValueError: There is no such wire type.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire not in (FIXED64, SIZED, FIXED32):
            raise ValueError(f"wire type {wire}")
        size, at = _varint(data, at) if wire == SIZED else ({FIXED64: 8, FIXED32: 4}[wire], at)
        if at + size > len(data):
            raise IndexError("a field reaches beyond the end")
        yield number, data[at : at + size]
        at += size


def _text(value: Value) -> str:
    return bytes(value).decode() if isinstance(value, memoryview) else ""


def _part(value: Value) -> memoryview:
    if not isinstance(value, memoryview):
        raise ValueError("a number where a structure is due")
    return value


def _count(value: Value) -> int:
    if not isinstance(value, int):
        raise ValueError("a structure where a number is due")
    return value


def _sizes(value: Value) -> Iterator[int]:
    """Yield the sizes of a shape, which lie one a field or all in one."""
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        size, at = _varint(value, at)
        yield size


def _external(tensor: memoryview) -> tuple[str, TensorSpec] | None:
    """Return the name and the looks of an initializer whose numbers lie elsewhere; None for the others."""
    name, dtype, shape, is_external = "", 0, [], False
    for number, value in _fields(tensor):
        if number == 1:
            shape += _sizes(value)
        elif number == 2:
            dtype = _count(value)
        elif number == 8:
            name = _text(value)
        elif number == 14:
            is_external = value == EXTERNAL
    return (name, TensorSpec(tuple(shape), DTYPES.get(dtype, f"ONNX dtype {dtype}"))) if is_external else None


def _versions(model: memoryview) -> tuple[int, int, memoryview | None]:
    """Return the version of the format, the opset of ONNX's own domain and the graph."""
    ir_version, opset, graph = 0, 0, None
    for number, value in _fields(model):
        if number == 1:
            ir_version = _count(value)
        elif number == 7:
            graph = _part(value)
        elif number == 8:
            parts = dict(_fields(_part(value)))
            if _text(parts.get(1, 0)) in ("", "ai.onnx"):
                opset = _count(parts.get(2, 0))
    return ir_version, opset, graph


def _parts(graph: memoryview) -> dict[int, list[memoryview]]:
    """Return the initializers (5), inputs (11) and outputs (12) of a graph."""
    parts: dict[int, list[memoryview]] = {5: [], 11: [], 12: []}
    for number, value in _fields(graph):
        if number in parts:
            parts[number].append(_part(value))
    return parts


def _names(infos: list[memoryview]) -> tuple[str, ...]:
    return tuple(_text(dict(_fields(info)).get(1, 0)) for info in infos)


def read_structure(data: bytes, *, source: str, remedy: str) -> Structure:
    """Read what an ONNX file declares.

    Args:
        data: The whole file.
        source: Its name, for messages.
        remedy: What to do if it cannot be used.

    Raises:
        ArtifactError: The bytes are no ONNX file, or end too early.
    """
    try:
        ir_version, opset, graph = _versions(memoryview(data))
        if graph is None:
            raise ValueError("it holds no graph")
        parts = _parts(graph)
        weights = [found for tensor in parts[5] if (found := _external(tensor)) is not None]
        return Structure(
            ir_version=ir_version,
            opset=opset,
            inputs=_names(parts[11]),
            outputs=_names(parts[12]),
            weights=dict(weights),
        )
    except (IndexError, ValueError) as error:
        raise ArtifactError(f"{source} is no ONNX file or was cut off ({error}); {remedy}") from None
