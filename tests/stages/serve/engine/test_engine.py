"""Laws of engine processes: their pictures are those of the library, alone or in company, and crashes are survived."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from underpaint.core.errors import ArtifactError, EngineLost, InputError, SetupError
from underpaint.pipelines.generator import load
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.stages.serve.engine.catalog import Catalog, open_catalog
from underpaint.stages.serve.engine.orders import Order, Picture, Preview
from underpaint.stages.serve.engine.pool import Pool
from underpaint.stages.serve.engine.process import EngineProcess, Start


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return open_catalog({"stickers": None})


@pytest.fixture(scope="module")
def tiny(tiny_model) -> Catalog:
    return open_catalog({"tiny": str(tiny_model)}, engine="torch")


def orders_of(catalog: Catalog, count: int, **how: Any) -> list[Order]:
    rows = [PromptRow.model_construct(prompt=f"a red apple and {number} cats") for number in range(count)]
    return [Order(settings=one, **how) for one in plan(catalog.default.model, rows, Options(seed=3))]


def in_process(catalog: Catalog, work: Callable[[EngineProcess], Awaitable[Any]]) -> Any:
    """Do some work with an engine process, and see that nothing of it is left."""

    async def run() -> Any:
        process = EngineProcess(catalog.default.start)
        await process.start()
        try:
            return await work(process)
        finally:
            await process.stop()
            with pytest.raises(ProcessLookupError):
                os.kill(process.pid, 0)

    return asyncio.run(run())


async def drawn(process: EngineProcess, orders: list[Order]) -> dict[int, Picture]:
    pictures: dict[int, Picture] = {}
    await process.draw(orders, lambda number, what: pictures.__setitem__(number, what))  # pyright: ignore
    return pictures


def test_a_picture_of_the_process_is_that_of_the_library_whatever_batch_it_rode_in(shipped):
    orders = orders_of(shipped, 3)

    async def work(process: EngineProcess) -> tuple[dict[int, Picture], dict[int, Picture]]:
        return await drawn(process, orders), await drawn(process, orders[1:2])

    together, alone = in_process(shipped, work)
    assert [together[number].settings.seed for number in sorted(together)] == [3, 3, 3]
    assert together[1].data == alone[0].data
    (image,) = load().draw([orders[1].settings])
    assert together[1].settings == image.info["underpaint"]
    assert Image.open(io.BytesIO(together[1].data)).tobytes() == image.tobytes()


def test_two_batches_at_once_are_told_apart_and_each_says_once_that_the_device_is_free(shipped):
    orders = orders_of(shipped, 4)

    async def work(process: EngineProcess) -> tuple[list[dict[int, Picture]], list[str]]:
        heard: list[dict[int, Picture]] = [{}, {}]
        said: list[str] = []
        first_is_free = asyncio.Event()

        async def draw(which: int) -> None:
            def on_free(_in_s: float) -> None:
                said.append(f"free {which}")
                first_is_free.set()

            await process.draw(orders[2 * which : 2 * which + 2], heard[which].__setitem__, on_free)  # pyright: ignore

        first = asyncio.create_task(draw(0))
        await first_is_free.wait()
        await asyncio.gather(first, draw(1))
        return heard, said

    heard, said = in_process(shipped, work)
    pictures = [one.settings.caption for batch in heard for _, one in sorted(batch.items())]
    assert pictures == [order.settings.caption for order in orders]
    assert said == ["free 0", "free 1"]


def test_words_beyond_the_longest_text_are_counted(shipped):
    (order,) = plan(shipped.default.model, [PromptRow.model_construct(prompt="red apple " * 38)], Options(seed=1))
    picture = in_process(shipped, lambda process: drawn(process, [Order(settings=order)]))[0]
    assert picture.words_read + picture.words_dropped == 76
    assert 0 < picture.words_read < 76


def test_an_order_that_nobody_wants_is_not_drawn_and_the_others_are(shipped):
    async def work(process: EngineProcess) -> dict[int, Picture]:
        pictures: dict[int, Picture] = {}

        def heard(number: int, what: Any) -> None:
            pictures[number] = what
            for other in (18, 19):
                process.drop(other)

        await process.draw(orders_of(shipped, 21), heard)
        return pictures

    assert set(in_process(shipped, work)) == {*range(18), 20}


@pytest.mark.slow
def test_a_process_that_is_killed_is_lost_and_another_one_draws(shipped):
    async def run() -> None:
        pool = Pool(shipped.by_name)
        process = await pool.ready("stickers")
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(EngineLost, match="ended with -9"):
            await drawn(process, orders_of(shipped, 1))
        assert pool.running("stickers") is None
        assert set(await drawn(await pool.ready("stickers"), orders_of(shipped, 1))) == {0}
        await pool.close()

    asyncio.run(run())


def test_a_process_that_says_nothing_is_ended(shipped):
    async def run() -> None:
        process = EngineProcess(shipped.default.start)
        await process.start()
        process._silence_s = 0.2
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(EngineLost, match="said nothing"):
            await drawn(process, orders_of(shipped, 1))

    asyncio.run(run())


def test_a_model_that_cannot_be_loaded_says_why(tmp_path):
    async def run() -> None:
        process = EngineProcess(Start(address=str(tmp_path / "nothing")))
        with pytest.raises(InputError, match="there is no model"):
            await process.start()

    asyncio.run(run())


def test_a_process_that_cannot_be_started_is_lost_and_leaves_no_socket_open(monkeypatch):
    made: list[socket.socket] = []
    pair = socket.socketpair

    def noted() -> tuple[socket.socket, socket.socket]:
        made.extend(pair())
        return made[-2], made[-1]

    async def run() -> None:
        monkeypatch.setattr(socket, "socketpair", noted)
        process = EngineProcess(Start(address="any"), command=["/no/such/program"])
        with pytest.raises(EngineLost, match="could not be started"):
            await process.start()

    asyncio.run(run())
    assert made and all(one.fileno() == -1 for one in made)


def test_a_model_that_takes_more_than_the_memory_is_refused(shipped):
    async def run() -> None:
        pool = Pool(shipped.by_name, budget_bytes=10**6)
        with pytest.raises(SetupError, match="allow more with --memory"):
            await pool.ready("stickers")
        await pool.close()

    asyncio.run(run())


@pytest.mark.slow
def test_the_model_that_was_not_used_for_longest_makes_room():
    catalog = open_catalog({"one": None, "two": None})

    async def run() -> list[list[str]]:
        happened: list[tuple[str, str]] = []
        pool = Pool(catalog.by_name, notice=lambda name, **facts: happened.append((name, facts["model"])))
        one = await pool.ready("one")
        pool._budget = one.resident_bytes() * 3 // 2
        two = await pool.ready("two")
        assert not one.is_alive and two.is_alive
        await pool.close()
        return [list(pair) for pair in happened]

    expected = [["model_loaded", "one"], ["model_unloaded", "one"], ["model_loaded", "two"], ["model_unloaded", "two"]]
    assert asyncio.run(run()) == expected


@pytest.mark.slow
def test_a_model_that_changed_on_the_disk_is_refused(tmp_path, make_tiny_model):
    first, second = make_tiny_model(tmp_path / "model"), make_tiny_model(tmp_path / "other", seed=1)
    catalog = open_catalog({"model": str(first)}, engine="torch")
    first.rename(tmp_path / "before")
    second.rename(first)

    async def run() -> None:
        pool = Pool(catalog.by_name)
        with pytest.raises(ArtifactError, match="changed since the server was started"):
            await pool.ready("model")

    asyncio.run(run())


@pytest.mark.slow
def test_previews_come_before_the_picture_and_change_nothing(tiny):
    async def work(process: EngineProcess) -> list[list[Any]]:
        assert process.loaded is not None and process.loaded.can_preview
        heard: list[list[Any]] = [[], []]
        for previews, list_ in zip((2, 0), heard, strict=True):
            await process.draw(orders_of(tiny, 1, previews=previews), lambda _n, what, list_=list_: list_.append(what))
        return heard

    watched, alone = in_process(tiny, work)
    assert [type(what) for what in watched] == [Preview, Preview, Picture]
    assert [(what.number, what.step, what.num_steps) for what in watched[:2]] == [(0, 1, 3), (1, 2, 3)]
    assert watched[2].data == alone[0].data
    assert Image.open(io.BytesIO(watched[0].data)).size == (32, 32)


@pytest.mark.slow
@pytest.mark.parametrize("output_format", ["png", "jpeg"])
def test_a_picture_is_signed_where_it_shall_be(tmp_path, monkeypatch, output_format):
    pytest.importorskip("c2pa")
    from underpaint.pipelines.credentials import read_credential

    monkeypatch.setenv("UNDERPAINT_KEYS", str(tmp_path))
    catalog = open_catalog({"stickers": None}, sign=True)
    (plain,) = orders_of(catalog, 1)
    settings = plain.settings.model_copy(update={"background": "#ffffff"})
    order = Order(settings=settings, output_format=output_format)
    picture = in_process(catalog, lambda process: drawn(process, [order]))[0]
    credential = read_credential(picture.data)
    assert credential is not None and credential.holds and credential.trust == "this computer"
    assert credential.generation is not None
    assert credential.generation.pixel_sha256 == picture.settings.pixel_sha256
