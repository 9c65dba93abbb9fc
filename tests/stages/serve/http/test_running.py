"""How connections are taken."""

from __future__ import annotations

import asyncio
import socket

from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.http.running import address_of, listening


def test_no_part_of_an_answer_waits_until_the_one_before_is_acknowledged(tmp_path):
    async def is_sent_at_once() -> bool:
        taken: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        with listening(ServeConfig(port=0, state=tmp_path)) as listener:
            port = int(address_of(listener).rpartition(":")[2])
            async with await asyncio.start_server(lambda _, writer: taken.put_nowait(writer), sock=listener):
                _, calling = await asyncio.open_connection("127.0.0.1", port)
                answering = await taken.get()
                found = answering.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                calling.close()
                answering.close()
                return bool(found)

    assert asyncio.run(is_sent_at_once())
