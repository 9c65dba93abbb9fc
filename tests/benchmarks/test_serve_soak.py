"""The verdict of the soak: a leak that was put in is found, and its size; noise and steps that stay are no leak."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

MINUTES, A_MINUTE, RATE = 20, 12, 5.0


@pytest.fixture(scope="module")
def verdict(load_benchmark):
    return load_benchmark("serve_soak_verdict")


def judged(verdict, held):
    """Return the growth of readings, the first and the last taken at rest."""
    return verdict.growth(*held, in_all=held[2][-1] - held[2][0])


def readings(per_1000: float, noise: float, seed: int) -> tuple[list[float], list[float], list[float]]:
    """Return times, requests and bytes of a server that grows so much, read with noise."""
    times = np.arange(MINUTES * A_MINUTE) * 60.0 / A_MINUTE
    requests = RATE * times
    held = 1e8 + per_1000 * requests / 1000 + noise * np.random.default_rng(seed).standard_normal(len(times))
    return list(times), list(requests), list(held)


def test_without_noise_the_growth_is_that_which_was_put_in(verdict):
    found = judged(verdict, readings(per_1000=2e6, noise=0.0, seed=0))
    assert found.bytes == pytest.approx(2e6) and found.low == pytest.approx(found.high)
    assert found.word == "grows"


def test_the_interval_holds_the_truth_about_as_often_as_it_says(verdict):
    found = [judged(verdict, readings(per_1000=1e6, noise=5e5, seed=seed)) for seed in range(200)]
    assert sum(one.low <= 1e6 <= one.high for one in found) >= 180


def test_what_does_not_grow_is_flat(verdict):
    assert judged(verdict, readings(per_1000=0.0, noise=1e4, seed=1)).word == "flat"


def stepped(size: float) -> tuple[list[float], list[float], list[float]]:
    """Return readings of a server that once takes so many bytes and keeps them."""
    times, requests, held = readings(per_1000=0.0, noise=1e3, seed=2)
    return times, requests, [value + (size if number > len(held) / 2 else 0.0) for number, value in enumerate(held)]


def test_one_small_step_that_stays_is_no_leak_and_a_large_one_is_undecided(verdict):
    assert judged(verdict, stepped(1.2e6)).word == "level"
    assert judged(verdict, stepped(5e6)).word == "undecided"


@pytest.mark.parametrize("noise", [1e4, 2e5, 1e6, 3e6])
@pytest.mark.parametrize("times_allowed", [3, 7, 10])
def test_a_leak_that_shows_at_rest_is_never_called_level_however_noisy_the_load_is(verdict, noise, times_allowed):
    leak = times_allowed * verdict.ALLOWED_BYTES
    in_all = MINUTES * 60 * RATE * leak / 1000
    found = [verdict.growth(*readings(leak, noise, seed), in_all=in_all) for seed in range(100)]
    assert {one.word for one in found} <= {"grows", "undecided"}


def test_what_every_request_may_add_is_allowed_once_for_each_and_a_step_beside(verdict):
    times, requests, held = readings(per_1000=0.0, noise=3e6, seed=4)
    most = verdict.ONCE_BYTES + verdict.ALLOWED_BYTES * requests[-1] / 1000
    words = [verdict.growth(times, requests, held, in_all=most + extra).word for extra in (-1.0, 1.0)]
    assert words == ["level", "undecided"]


def test_growth_that_goes_on_in_every_minute_is_not_level_though_it_is_little(verdict):
    assert judged(verdict, readings(per_1000=2e5, noise=1e4, seed=3)).in_all < 1.3e6
    assert judged(verdict, readings(per_1000=2e5, noise=1e4, seed=3)).word == "grows"


def test_too_few_readings_tell_nothing(verdict):
    with pytest.raises(ValueError, match="at least 3"):
        verdict.growth([0.0, 70.0], [0.0, 1.0], [1.0, 2.0], in_all=1.0)


def test_events_of_a_stream_are_read_with_their_places_and_one_that_ends_is_odd(load_benchmark):
    session = load_benchmark("serve_soak_session")
    text = 'id: 1-2\nevent: open\ndata: {}\n\n: keep-alive\n\nid: 1-3\nevent: job.queued\ndata: {"job": "a: b"}\n\n'

    async def lines():
        for line in text.split("\n"):
            yield line

    async def read():
        found = []
        with pytest.raises(session.OddAnswer, match="ended"):
            async for event in session.events_in(lines()):
                found.append(event)
        return found

    first, second = asyncio.run(read())
    assert (first.name, first.place, first.data) == ("open", "1-2", {})
    assert (second.name, second.place, second.data) == ("job.queued", "1-3", {"job": "a: b"})


@pytest.mark.parametrize(("status", "kind"), [(429, "busy"), (500, "odd"), (200, "well")])
def test_an_answer_is_as_it_should_be_or_odd_or_says_that_the_server_is_busy(load_benchmark, status, kind):
    httpx2, session = pytest.importorskip("httpx2"), load_benchmark("serve_soak_session")

    async def called():
        caller = session.Session("http://server", 0)
        await caller.close()
        transport = httpx2.MockTransport(lambda _request: httpx2.Response(status))
        caller._client = httpx2.AsyncClient(base_url="http://server", transport=transport)
        await caller.call("look", lambda who: who.ask("GET", "/health"), 0.0)
        await caller.close()
        return caller.seen

    seen = asyncio.run(called())
    assert {"busy": seen.busy, "odd": seen.num_odd, "well": seen.calls["look"]} == {
        **dict.fromkeys(("busy", "odd", "well"), 0),
        kind: 1,
    }


def test_all_kinds_of_calls_together_are_all_calls(load_benchmark):
    calls = load_benchmark("serve_soak_callers").CALLS
    assert sum(call.share for call in calls.values()) == pytest.approx(1.0)


def test_bytes_in_a_folder_are_those_of_all_files_below_it(load_benchmark, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"123")
    (tmp_path / "d").write_bytes(b"12")
    assert load_benchmark("serve_soak_watch").bytes_in(tmp_path) == 5


def test_whoever_comes_while_many_wait_goes_away(load_benchmark, monkeypatch):
    soak = load_benchmark("serve_soak_callers")
    monkeypatch.setattr(soak, "MOST_WAITING", 3)

    async def called():
        everybody, begun = asyncio.Event(), []

        async def wait(_callers):
            begun.append(1)
            await everybody.wait()

        monkeypatch.setattr(soak, "CALLS", {"wait": soak.Call(wait, 1.0)})
        callers = soak.Callers("http://server", 0)
        load = asyncio.create_task(soak.at_their_times(callers, rate=1000.0, seconds=0.1))
        while callers.seen.gone == 0:
            await asyncio.sleep(0.001)
        assert len(begun) == 3
        everybody.set()
        await load
        await callers.close()
        return callers.seen

    seen = asyncio.run(called())
    assert seen.calls["wait"] >= 3 and seen.gone >= 1
