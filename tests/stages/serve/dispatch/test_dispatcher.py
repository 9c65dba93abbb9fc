"""Laws of the dispatcher, with an engine that takes its time and draws nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from underpaint.core.errors import (
    ArtifactError,
    DeadlineExceeded,
    DeadlineUnmeetable,
    EngineLost,
    EngineUnavailable,
    InputError,
    QueueFull,
)
from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.batching.compatibility import batch_key
from underpaint.stages.serve.batching.profile import BatchProfile, ProfilePoint
from underpaint.stages.serve.dispatch.dispatcher import Dispatcher
from underpaint.stages.serve.dispatch.limits import Limits
from underpaint.stages.serve.dispatch.ticket import Asked
from underpaint.stages.serve.engine.orders import Loaded, Order, Picture

BATCH_S = 0.05


class SlowEngine:
    """An engine that needs the same time for one picture and for eight, as graphics cards do; and all engines at once.

    Args:
        crashes: Prompts that end it.
        refuses: Prompts that it cannot draw.
    """

    last_words = ""

    def __init__(self, crashes: Sequence[str] = (), refuses: Sequence[str] = ()) -> None:
        self.crashes, self.refuses = Counter(crashes), refuses
        self.batches: list[list[str]] = []
        self.dropped: set[int] = set()
        points = [ProfilePoint(units=units, seconds=BATCH_S) for units in (1, 2, 4, 8)]
        self.loaded = Loaded(
            model_sha256="0" * 64,
            engine="slow",
            at_once=8,
            can_preview=False,
            profile=BatchProfile(points=tuple(points)),
        )

    def known(self, name: str) -> Loaded:
        return self.loaded

    def running(self, name: str) -> SlowEngine:
        return self

    async def ready(self, name: str) -> SlowEngine:
        return self

    def drop(self, number: int) -> None:
        self.dropped.add(number)

    async def draw(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, orders: Sequence[Order], heard: Callable[[int, Picture], None], on_free: Callable[[float], None]
    ) -> float:
        prompts = [order.settings.prompt for order in orders]
        self.batches.append(prompts)
        self.dropped.clear()
        await asyncio.sleep(BATCH_S)
        for number, order in enumerate(orders):
            if self.crashes[order.settings.prompt] > 0:
                self.crashes[order.settings.prompt] -= 1
                raise EngineLost("it ended")
            if order.settings.prompt in self.refuses:
                raise InputError("cannot be drawn")
            if number not in self.dropped:
                heard(number, Picture(data=b"", settings=order.settings, words_read=1, words_dropped=0))
        return BATCH_S


class LateEngine(SlowEngine):
    """An engine that finishes each batch, but for the last, only when the next one is drawn."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.said: list[str] = []
        self._begun = [asyncio.Event() for _ in range(batches + 1)]
        self._begun[batches].set()

    async def draw(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, orders: Sequence[Order], heard: Callable[[int, Picture], None], on_free: Callable[[float], None]
    ) -> float:
        number = len(self.batches)
        self.batches.append([str(order.settings.prompt) for order in orders])
        self._begun[number].set()
        self.said.append(f"draw {number}")
        on_free(0.0)
        await self._begun[number + 1].wait()
        for place, order in enumerate(orders):
            heard(place, Picture(data=b"", settings=order.settings, words_read=1, words_dropped=0))
        self.said.append(f"finish {number}")
        return BATCH_S


def asked(prompt: str, owner: str = "ann", steps: int = 2, **how: Any) -> Asked:
    settings = Settings(
        prompt=prompt, caption=prompt, seed=1, steps=steps, size="64x64", model="m", model_sha256="0" * 64, version="1"
    )
    return Asked(model="m", order=Order(settings=settings), owner=owner, key=batch_key(settings), **how)


def serve(engine: SlowEngine, work: Callable[[Dispatcher], Awaitable[Any]], **limits: Any) -> Any:
    async def run() -> Any:
        dispatcher = Dispatcher(engine, Limits(**limits))
        running = asyncio.create_task(dispatcher.run())
        try:
            return await work(dispatcher)
        finally:
            running.cancel()

    return asyncio.run(run())


async def outcome(dispatcher: Dispatcher, prompt: str, **how: Any) -> Any:
    (ticket,) = dispatcher.submit([asked(prompt, **how)])
    try:
        return (await ticket.done).settings.prompt
    except Exception as error:
        return error


def test_what_waits_while_the_device_is_busy_is_drawn_together():
    engine = SlowEngine()

    async def work(dispatcher: Dispatcher) -> list[Any]:
        first = asyncio.create_task(outcome(dispatcher, "first"))
        await asyncio.sleep(BATCH_S / 2)
        rest = [asyncio.create_task(outcome(dispatcher, f"p{i}")) for i in range(11)]
        return await asyncio.gather(first, *rest)

    drawn = serve(engine, work)
    assert drawn == ["first", *(f"p{i}" for i in range(11))]
    assert list(map(len, engine.batches)) == [1, 8, 3]


def test_a_batch_is_drawn_while_the_one_before_is_finished():
    engine = LateEngine(3)

    async def work(dispatcher: Dispatcher) -> list[Any]:
        return await asyncio.gather(*(outcome(dispatcher, f"p{number}", steps=number) for number in range(3)))

    assert serve(engine, lambda dispatcher: asyncio.wait_for(work(dispatcher), 20)) == ["p0", "p1", "p2"]
    assert engine.said.index("draw 2") < engine.said.index("finish 1")


def test_a_clock_that_is_set_back_does_not_stop_the_device(monkeypatch):
    engine, now = LateEngine(1), time.time

    async def work(dispatcher: Dispatcher) -> list[Any]:
        first = await outcome(dispatcher, "first")
        engine._begun.append(engine._begun[1])
        monkeypatch.setattr(time, "time", lambda: now() - 3600)
        return [first, await asyncio.wait_for(outcome(dispatcher, "second"), 10)]

    assert serve(engine, work) == ["first", "second"]


def test_another_model_is_not_drawn_with_while_one_is_still_at_work():
    engine = LateEngine(1)
    engine._begun[1].clear()

    async def work(dispatcher: Dispatcher) -> None:
        first, second = asked("p0"), replace(asked("p1"), model="another")
        tickets = [dispatcher.submit([one])[0] for one in (first, second)]
        while len(engine.said) < 1:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert engine.said == ["draw 0"]
        engine._begun.append(engine._begun[1])
        engine._begun[1].set()
        await asyncio.wait_for(asyncio.gather(*(ticket.done for ticket in tickets)), 20)

    serve(engine, work)
    assert engine.said == ["draw 0", "finish 0", "draw 1", "finish 1"]


def test_who_comes_while_another_model_is_still_at_work_goes_with_those_who_wait_for_that():
    engine = LateEngine(1)
    engine._begun[1].clear()

    async def work(dispatcher: Dispatcher) -> None:
        tickets = dispatcher.submit([asked("p0")])
        while not engine.said:
            await asyncio.sleep(0)
        for prompt in ("p1", "p2"):
            tickets += dispatcher.submit([replace(asked(prompt), model="another")])
            await asyncio.sleep(0.05)
        engine._begun.append(engine._begun[1])
        engine._begun[1].set()
        await asyncio.wait_for(asyncio.gather(*(ticket.done for ticket in tickets)), 20)

    serve(engine, work)
    assert engine.batches == [["p0"], ["p1", "p2"]]


def test_a_model_that_is_lost_while_another_waits_for_it_is_drawn_with_again():
    class Lost(SlowEngine):
        async def draw(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, orders: Sequence[Order], heard: Callable[[int, Picture], None], on_free: Callable[[float], None]
        ) -> float:
            self.batches.append([str(order.settings.prompt) for order in orders])
            on_free(0.0)
            for _ in range(20):
                await asyncio.sleep(0)
            if len(self.batches) == 1:
                raise EngineLost("it ended while it finished")
            heard(0, Picture(data=b"", settings=orders[0].settings, words_read=1, words_dropped=0))
            return BATCH_S

    engine = Lost()

    async def work(dispatcher: Dispatcher) -> list[str | None]:
        wanted = [asked("p0"), replace(asked("p1"), model="another")]
        tickets = [dispatcher.submit([one])[0] for one in wanted]
        pictures = await asyncio.wait_for(asyncio.gather(*(ticket.done for ticket in tickets)), 20)
        return [picture.settings.prompt for picture in pictures]

    assert serve(engine, work) == ["p0", "p1"]
    assert engine.batches == [["p0"], ["p0"], ["p1"]]


def test_pictures_of_other_steps_ride_in_other_batches():
    engine = SlowEngine()

    async def work(dispatcher: Dispatcher) -> None:
        await asyncio.gather(*(outcome(dispatcher, f"p{i}", steps=i % 2) for i in range(8)))

    serve(engine, work)
    assert sorted(map(sorted, engine.batches)) == [["p0", "p2", "p4", "p6"], ["p1", "p3", "p5", "p7"]]


def test_one_owner_with_many_pictures_does_not_keep_another_waiting():
    engine = SlowEngine()

    async def work(dispatcher: Dispatcher) -> None:
        tickets = dispatcher.submit([asked(f"a{i}") for i in range(40)])
        await asyncio.sleep(BATCH_S / 2)
        (ticket,) = dispatcher.submit([asked("b", owner="ben")])
        await asyncio.gather(ticket.done, *(one.done for one in tickets))

    serve(engine, work)
    assert next(i for i, batch in enumerate(engine.batches) if "b" in batch) == 1


def test_a_lost_engine_is_one_retry_for_each_picture_alone():
    engine = SlowEngine(crashes=["p1"])

    async def work(dispatcher: Dispatcher) -> list[Any]:
        return await asyncio.gather(*(outcome(dispatcher, f"p{i}") for i in range(3)))

    assert serve(engine, work) == ["p0", "p1", "p2"]
    assert engine.batches == [["p0", "p1", "p2"], ["p1"], ["p2"]]


def test_a_picture_that_ends_its_engine_twice_fails_and_takes_no_others_with_it():
    engine = SlowEngine(crashes=["p1"] * 5)

    async def work(dispatcher: Dispatcher) -> list[Any]:
        return await asyncio.gather(*(outcome(dispatcher, f"p{i}") for i in range(3)))

    first, second, third = serve(engine, work)
    assert (first, third) == ("p0", "p2")
    assert isinstance(second, EngineLost)


def test_a_picture_that_cannot_be_drawn_takes_no_others_with_it():
    engine = SlowEngine(refuses=["p0"])

    async def work(dispatcher: Dispatcher) -> list[Any]:
        return await asyncio.gather(*(outcome(dispatcher, f"p{i}") for i in range(3)))

    first, *others = serve(engine, work)
    assert isinstance(first, InputError) and others == ["p1", "p2"]


def test_more_than_may_wait_is_refused_and_the_time_to_come_back_is_when_there_is_room():
    async def work(dispatcher: Dispatcher) -> float:
        dispatcher.submit([asked(f"p{i}") for i in range(40)])
        with pytest.raises(QueueFull) as refused:
            dispatcher.submit([asked("one more", owner="ben")])
        return refused.value.retry_after_s

    after_s = serve(SlowEngine(), work, backlog_s={"interactive": 1.0}, open_per_owner=1000)
    assert after_s == pytest.approx(40 * BATCH_S + BATCH_S - 1.0, rel=0.11)


def test_one_owner_can_wait_for_so_many_pictures_at_once():
    async def work(dispatcher: Dispatcher) -> None:
        dispatcher.submit([asked(f"p{i}") for i in range(5)])
        with pytest.raises(QueueFull, match="5 of your pictures"):
            dispatcher.submit([asked("one more")])
        dispatcher.submit([asked("another's", owner="ben")])

    serve(SlowEngine(), work, open_per_owner=5)


def test_what_cannot_be_there_in_time_is_refused_at_once_or_given_up_in_the_queue():
    engine = SlowEngine()

    async def work(dispatcher: Dispatcher) -> Any:
        with pytest.raises(DeadlineUnmeetable):
            dispatcher.submit([asked("late", deadline_at=time.time() + BATCH_S / 2)])
        dispatcher.submit([asked(f"p{i}", steps=i) for i in range(4)])
        (ticket,) = dispatcher.submit([asked("late", steps=9, deadline_at=time.time() + 2 * BATCH_S)], bounded=False)
        with pytest.raises(DeadlineExceeded):
            await ticket.done

    serve(engine, work)
    assert not any("late" in batch for batch in engine.batches)


def test_a_picture_that_nobody_wants_is_dropped_from_the_queue_and_from_its_batch():
    engine = SlowEngine()

    async def work(dispatcher: Dispatcher) -> None:
        running = dispatcher.submit([asked("r0"), asked("r1")])
        await asyncio.sleep(BATCH_S / 2)
        waiting = dispatcher.submit([asked("w0"), asked("w1")])
        dispatcher.cancel([running[1], waiting[1]])
        assert engine.dropped == {1}
        await dispatcher.settled()
        assert running[1].done.cancelled() and waiting[1].done.cancelled()
        assert running[0].done.done() and waiting[0].done.done()
        assert (len(dispatcher._tickets), dispatcher.drawing) == (0, 0)

    serve(engine, work)
    assert engine.batches == [["r0", "r1"], ["w0"]]


@pytest.mark.parametrize("where", ["take", "upcoming"])
def test_a_mistake_of_ours_fails_what_waits_and_not_the_server(monkeypatch, where):
    engine, happened = SlowEngine(), []

    async def run() -> list[Any]:
        dispatcher = Dispatcher(engine, notice=lambda name, **_facts: happened.append(name))
        running = asyncio.create_task(dispatcher.run())

        def broken(*_: Any) -> Any:
            raise AssertionError("a mistake")

        monkeypatch.setattr(dispatcher._waiting, where, broken)
        outcomes = [await asyncio.wait_for(outcome(dispatcher, which), 10) for which in ("first", "second")]
        running.cancel()
        return outcomes

    first, second = asyncio.run(run())
    assert isinstance(first, AssertionError) and second == "second"
    assert happened[0] == "defect"


class Falling(SlowEngine):
    """An engine that is lost as soon as two batches are with it; another one comes after it."""

    def __init__(self) -> None:
        super().__init__()
        self.after, self._both = SlowEngine(), asyncio.Event()

    async def ready(self, name: str) -> SlowEngine:
        return self.after if self._both.is_set() else self

    async def draw(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, orders: Sequence[Order], heard: Callable[[int, Picture], None], on_free: Callable[[float], None]
    ) -> float:
        self.batches.append([str(order.settings.prompt) for order in orders])
        on_free(0.0)
        if len(self.batches) == 2:
            self._both.set()
        await self._both.wait()
        raise EngineLost("it ended")


def test_a_process_that_is_lost_with_two_batches_is_told_of_once():
    engine, happened = Falling(), []

    async def run() -> list[Any]:
        dispatcher = Dispatcher(engine, notice=lambda name, **_facts: happened.append(name))
        running = asyncio.create_task(dispatcher.run())
        wanted = (outcome(dispatcher, f"p{steps}", steps=steps) for steps in range(2))
        drawn = await asyncio.wait_for(asyncio.gather(*wanted), 20)
        running.cancel()
        return drawn

    assert asyncio.run(run()) == ["p0", "p1"]
    assert engine.batches == [["p0"], ["p1"]]
    assert happened.count("engine_lost") == 1


class GoneEngine(SlowEngine):
    """An engine whose model is away at first."""

    away = 2

    async def ready(self, name: str) -> SlowEngine:
        self.away -= 1
        if self.away >= 0:
            raise InputError("there is no model folder '/secret/place'")
        return self


def test_a_model_that_is_away_is_the_server_s_fault_and_its_place_is_nobody_s_business():
    async def work(dispatcher: Dispatcher) -> list[Any]:
        return [await outcome(dispatcher, f"p{number}") for number in range(3)]

    first, second, third = serve(GoneEngine(), work)
    for error in (first, second):
        assert isinstance(error, ArtifactError) and "the model m" in str(error) and "secret" not in str(error)
    assert third == "p2"


class Ending(SlowEngine):
    """An engine that ends while its model is loaded, so many times.

    Args:
        losses: How often.
    """

    def __init__(self, losses: int, **how: Any) -> None:
        super().__init__(**how)
        self.losses, self.loads = losses, 0

    async def ready(self, name: str) -> SlowEngine:
        self.loads += 1
        if self.loads <= self.losses:
            raise EngineLost("it ended")
        return self


def test_an_engine_that_ends_while_it_loads_costs_a_picture_none_of_its_tries():
    async def work(dispatcher: Dispatcher) -> Any:
        return await outcome(dispatcher, "p")

    assert serve(Ending(1), work) == "p"
    twice = Ending(1, crashes=["p"])
    assert serve(twice, work) == "p" and twice.loads == 3
    found = serve(Ending(2), work)
    assert isinstance(found, EngineUnavailable) and "cannot be loaded now" in str(found)
