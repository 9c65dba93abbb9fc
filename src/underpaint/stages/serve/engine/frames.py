"""Frames: how a server and an engine process speak. Each is a JSON object, then bytes, over a pair of sockets.

length of the JSON · length of the bytes · JSON · bytes        lengths are 32-bit, big endian
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

HEAD = struct.Struct(">II")

Frame = tuple[dict[str, Any], bytes]


def pack(said: dict[str, Any], body: bytes = b"") -> bytes:
    """Return a frame.

    Args:
        said: Anything that JSON can hold.
        body: Bytes that go with it, such as a picture.
    """
    text = json.dumps(said).encode()
    return HEAD.pack(len(text), len(body)) + text + body


def receive(connection: socket.socket) -> Frame | None:
    """Wait for a frame and return it, or None where the other side is gone."""
    head = _exactly(connection, HEAD.size)
    if head is None:
        return None
    text_length, body_length = HEAD.unpack(head)
    text, body = _exactly(connection, text_length), _exactly(connection, body_length)
    return None if text is None or body is None else (json.loads(text), body)


def _exactly(connection: socket.socket, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        try:
            part = connection.recv(min(length - len(parts), 2**20))
        except OSError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)


async def read(reader: asyncio.StreamReader) -> Frame | None:
    """Wait for a frame and return it, or None where the other side is gone."""
    try:
        text_length, body_length = HEAD.unpack(await reader.readexactly(HEAD.size))
        text = await reader.readexactly(text_length)
        return json.loads(text), await reader.readexactly(body_length)
    except (asyncio.IncompleteReadError, OSError):
        return None
