from __future__ import annotations

import contextlib
import sqlite3
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from underpaint.core.errors import DiskFull, RateLimited, StorageError, StoreBusy, StoreDamaged
from underpaint.stages.serve.security.buckets import Buckets, Rate, per_minute
from underpaint.stages.serve.security.keys import KeyLimits
from underpaint.stages.serve.security.quotas import BUSY_S, DAY_S, Quotas
from underpaint.stages.serve.security.throttle import Throttle
from underpaint.stages.serve.security.throttle_config import ThrottleConfig

NOON = 1000 * DAY_S + DAY_S / 2


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def quotas(tmp_path: Path, clock: Clock) -> Iterator[Quotas]:
    found = Quotas(tmp_path / "quotas.sqlite", clock=clock)
    yield found
    found.close()


class Reference:
    """A bucket as one would write it down: a number of tokens that grows with time."""

    def __init__(self, rate: Rate) -> None:
        self.rate, self.tokens, self.at = rate, rate.burst, 0.0

    def may(self, tokens: float, now: float) -> bool:
        self.tokens = min(self.rate.burst, self.tokens + (now - self.at) * self.rate.per_second)
        self.at = now
        if self.tokens < min(tokens, self.rate.burst):
            return False
        self.tokens -= tokens
        return True


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0]),
    st.sampled_from([1.0, 4.0, 16.0]),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=40),
)
def test_a_bucket_decides_as_a_counted_one(per_second: float, burst: float, asked: list[tuple[int, int]]) -> None:
    rate, buckets, now = Rate(per_second=per_second, burst=burst), Buckets(), 0.0
    reference = Reference(rate)
    for quarter_seconds, tokens in asked:
        now += quarter_seconds / 4  # exact in binary, so both agree at the edge
        may = buckets.wait_s("a", rate, tokens, now) == 0
        assert may == reference.may(tokens, now)
        if may:
            buckets.take("a", rate, tokens, now)


def test_who_waits_as_long_as_told_is_served_and_no_sooner() -> None:
    rate, buckets = per_minute(60, burst_s=2), Buckets()
    for _ in range(2):
        assert buckets.wait_s("a", rate, 1, 0.0) == 0
        buckets.take("a", rate, 1, 0.0)
    assert buckets.wait_s("a", rate, 1, 0.0) == 1.0
    assert buckets.wait_s("a", rate, 1, 0.5) == 0.5
    assert buckets.wait_s("a", rate, 1, 1.0) == 0


def test_more_than_a_bucket_holds_is_served_when_it_is_full_and_owed_then() -> None:
    rate, buckets = Rate(per_second=1, burst=4), Buckets()
    assert buckets.wait_s("a", rate, 10, 0.0) == 0
    buckets.take("a", rate, 10, 0.0)
    assert buckets.wait_s("a", rate, 1, 0.0) == 7.0


def test_one_key_does_not_take_from_another() -> None:
    rate, buckets = Rate(per_second=1, burst=1), Buckets()
    for _ in range(100):
        buckets.take("a", rate, 1, 0.0)
    assert buckets.wait_s("b", rate, 1, 0.0) == 0


def test_memory_is_flat_however_many_keys_ask() -> None:
    rate, buckets = Rate(per_second=0.001, burst=1), Buckets(capacity=1000)
    tracemalloc.start()
    for number in range(2000):
        buckets.take(f"key-{number}", rate, 1, 0.0)
    before = tracemalloc.get_traced_memory()[0]
    for number in range(10_000):
        buckets.take(f"key-{number}", rate, 1, 0.0)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(buckets) == 1000
    assert grown < 30_000
    assert buckets.wait_s("key-9999", rate, 1, 0.0) == 1000


def test_full_buckets_are_forgotten_long_before_there_are_too_many() -> None:
    rate, buckets = Rate(per_second=10, burst=1), Buckets(capacity=10**9)
    for number in range(10_000):
        buckets.take(f"key-{number}", rate, 1, number / 10)
    assert len(buckets) < 10


def test_requests_are_refused_with_the_time_to_come_back(clock: Clock, quotas: Quotas) -> None:
    throttle = Throttle(ThrottleConfig(burst_s=1), quotas, clock=clock)
    limits = KeyLimits(requests_per_minute=120)
    throttle.request("a", limits)
    throttle.request("a", limits)
    with pytest.raises(RateLimited, match="120 requests a minute") as error:
        throttle.request("a", limits)
    clock.now += error.value.retry_after_s
    throttle.request("a", limits)


def test_what_a_key_does_not_say_the_server_says(clock: Clock, quotas: Quotas) -> None:
    config = ThrottleConfig(defaults=KeyLimits(pictures_per_minute=10, pictures_per_day=15))
    throttle = Throttle(config, quotas, clock=clock)
    throttle.pictures("mine", KeyLimits(pictures_per_minute=1000, pictures_per_day=1000), 500)
    throttle.pictures("other", KeyLimits(), 10)
    with pytest.raises(RateLimited, match="10 pictures a minute"):
        throttle.pictures("other", KeyLimits(), 10)
    clock.now += 60
    with pytest.raises(RateLimited, match="15 pictures a day and has had 10 today, 10 more"):
        throttle.pictures("other", KeyLimits(), 10)
    throttle.pictures("other", KeyLimits(), 5)


def test_without_limits_nothing_is_refused_and_nothing_written(clock: Clock, quotas: Quotas) -> None:
    throttle = Throttle(ThrottleConfig(), quotas, clock=clock)
    for _ in range(1000):
        throttle.request("a", KeyLimits())
        throttle.pictures("a", KeyLimits(), 10)
    assert quotas.used("a") == 0


def test_what_the_rate_refuses_costs_no_quota_and_what_the_quota_refuses_no_rate(clock: Clock, quotas: Quotas) -> None:
    throttle = Throttle(ThrottleConfig(), quotas, clock=clock)
    limits = KeyLimits(pictures_per_minute=10, pictures_per_day=12)
    throttle.pictures("a", limits, 10)
    with pytest.raises(RateLimited, match="a minute"):
        throttle.pictures("a", limits, 1)
    assert quotas.used("a") == 10
    clock.now += 60
    with pytest.raises(RateLimited, match="a day"):
        throttle.pictures("a", limits, 3)
    throttle.pictures("a", limits, 2)
    assert quotas.used("a") == 12


def test_a_quota_survives_a_restart_and_ends_at_midnight(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "new" / "quotas.sqlite"
    first = Quotas(path, clock=clock)
    assert first.take("a", 7, 10) == 7
    second = Quotas(path, clock=clock)  # a second process, or the same after being killed
    with pytest.raises(RateLimited) as error:
        second.take("a", 4, 10)
    assert error.value.retry_after_s == DAY_S / 2
    assert second.take("a", 3, 10) == 10
    first.close()
    clock.now += DAY_S / 2
    assert second.used("a") == 0
    assert second.take("a", 10, 10) == 10
    second.close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_pictures_that_were_not_drawn_are_given_back(clock: Clock, quotas: Quotas) -> None:
    throttle = Throttle(ThrottleConfig(), quotas, clock=clock)
    limits = KeyLimits(pictures_per_day=10)
    throttle.pictures("a", limits, 8)
    throttle.give_back("a", limits, 3, throttle.today())
    assert quotas.used("a") == 5
    throttle.give_back("a", limits, 100, throttle.today())
    assert quotas.used("a") == 0


def test_what_was_charged_before_midnight_and_given_back_after_it_is_no_gift(clock: Clock, quotas: Quotas) -> None:
    throttle = Throttle(ThrottleConfig(), quotas, clock=clock)
    limits = KeyLimits(pictures_per_day=10)
    day = throttle.today()
    throttle.pictures("a", limits, 8)
    clock.now += DAY_S / 2
    throttle.pictures("a", limits, 6)
    throttle.give_back("a", limits, 8, day)
    assert (quotas.used("a"), throttle.today()) == (6, day + 1)


def test_what_has_a_name_is_counted_once_whoever_asks_again(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "quotas.sqlite"
    first = Quotas(path, clock=clock)
    assert [first.take("a", 6, 10, name="batch-1") for _ in range(2)] == [6, 6]
    with pytest.raises(RateLimited):
        first.take("a", 5, 10, name="batch-2")
    second = Quotas(path, clock=clock)  # the same after being killed
    assert second.take("a", 6, 10, name="batch-1") == 6
    assert second.take("a", 4, 10, name="batch-2") == 10  # what was refused was not counted, and may come again
    clock.now += DAY_S
    assert second.take("a", 6, 10, name="batch-1") == 0
    assert second.take("a", 6, 10) == 6
    for one in (first, second):
        one.close()


def test_a_clock_that_goes_back_gives_no_new_day(clock: Clock, quotas: Quotas) -> None:
    quotas.take("a", 10, 10)
    clock.now -= DAY_S
    with pytest.raises(RateLimited):
        quotas.take("a", 1, 10)


def test_a_quota_of_nothing_lets_nothing_through(quotas: Quotas) -> None:
    with pytest.raises(RateLimited):
        quotas.take("a", 1, 0)
    assert quotas.used("a") == 0


def test_a_damaged_file_and_one_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDamaged):
        Quotas(tmp_path / "a")
    with pytest.raises(StorageError):
        Quotas(tmp_path / "a" / "b")


def test_rights_that_cannot_be_set_are_told_as_every_other_trouble_of_the_file(tmp_path: Path) -> None:
    """Of a database in memory there is no file whose rights could be set."""
    with contextlib.chdir(tmp_path), pytest.raises(StorageError, match="check its disk and rights"):
        Quotas(Path(":memory:"))


@pytest.mark.parametrize("is_mended", [True, False])
def test_a_file_that_is_damaged_while_it_is_used_is_used_again_when_it_is_mended_or_moved_away(
    tmp_path: Path, clock: Clock, is_mended: bool
) -> None:
    path = tmp_path / "quotas.sqlite"
    Quotas(path, clock=clock).close()
    whole = path.read_bytes()
    quotas = Quotas(path, clock=clock)
    assert quotas.take("a", 3, 10) == 3
    for file in tmp_path.iterdir():
        file.write_bytes(b"no database" * 1000)
    for _ in range(2):
        with pytest.raises(StoreDamaged, match="move it away"):
            quotas.take("a", 1, 10)
    path.rename(tmp_path / "damaged")
    if is_mended:
        path.write_bytes(whole)
    assert quotas.take("a", 2, 10) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    quotas.close()


def test_a_lock_that_another_process_keeps_is_waited_for_once(tmp_path: Path, clock: Clock) -> None:
    quotas = Quotas(tmp_path / "quotas.sqlite", clock=clock)
    other = sqlite3.connect(tmp_path / "quotas.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits: list[float] = []
    for _ in range(4):
        began = time.monotonic()
        with pytest.raises(StoreBusy):
            quotas.take("a", 1, 10)
        waits.append(time.monotonic() - began)
    assert waits[0] >= BUSY_S > max(waits[1:])
    other.execute("ROLLBACK")
    other.close()
    assert quotas.take("a", 1, 10) == 1
    quotas.close()


def test_a_full_disk_is_said_and_counts_nothing(tmp_path: Path, clock: Clock) -> None:
    quotas = Quotas(tmp_path / "quotas.sqlite", clock=clock)
    quotas._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(DiskFull):
        for number in range(200):
            quotas.take("a" * 200 + str(number), 1, 10)
    quotas._connection.execute("PRAGMA max_page_count = 100000")
    assert quotas.take("b", 10, 10) == 10
    quotas.close()
