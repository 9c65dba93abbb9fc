"""Laws of turns: one at a time, in the order of asking, and letting go twice lets nobody in twice."""

from __future__ import annotations

import asyncio

from underpaint.stages.serve.dispatch.turns import Turns


def test_a_device_is_held_by_one_at_a_time_in_the_order_of_asking():
    async def run() -> list[str]:
        turns, said = Turns(), list[str]()

        async def use(name: str) -> None:
            turn = await turns.take()
            said.append(f"{name} begins")
            await asyncio.sleep(0)
            said.append(f"{name} ends")
            turn.let_go()

        assert turns.is_idle
        await asyncio.gather(*(use(name) for name in "abc"))
        assert turns.is_idle
        return said

    assert asyncio.run(run()) == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


def test_letting_go_twice_does_not_let_go_of_the_next_one_s_turn():
    async def run() -> bool:
        turns = Turns()
        first = await turns.take()
        first.let_go()
        await turns.take()
        first.let_go()
        return turns.is_idle

    assert not asyncio.run(run())
