"""How much one key may ask for: requests and pictures by the minute, pictures by the day.

Rates live in memory, since a restart refills a bucket within a minute anyway; the day's count lives in a file.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from underpaint.core.errors import RateLimited
from underpaint.stages.serve.security.buckets import Buckets, Rate, per_minute
from underpaint.stages.serve.security.keys import KeyLimits
from underpaint.stages.serve.security.quotas import Quotas
from underpaint.stages.serve.security.throttle_config import ThrottleConfig


class Throttle:
    """Decides whether a key may ask for more now.

    Args:
        config: What holds for keys that say nothing of their own.
        quotas: Counts pictures by the day.
        clock: Monotonic seconds.
    """

    def __init__(self, config: ThrottleConfig, quotas: Quotas, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._quotas, self._clock = config, quotas, clock
        self._requests, self._pictures = Buckets(config.keys_kept), Buckets(config.keys_kept)

    def request(self, key_id: str, limits: KeyLimits) -> None:
        """Count a request.

        Args:
            key_id: The key's id.
            limits: Its own limits.

        Raises:
            RateLimited: It comes too soon.
        """
        per_min = self._config.of(limits).requests_per_minute
        if per_min is not None:
            self._take(self._requests, key_id, per_min, 1, "requests")

    def pictures(
        self, key_id: str, limits: KeyLimits, number: int, *, at_once: bool = True, name: str | None = None
    ) -> None:
        """Count pictures, all or none.

        Args:
            key_id: The key's id.
            limits: Its own limits.
            number: How many.
            at_once: Whether they count in this minute; else today alone.
            name: Of what is asked for, if it may come again and shall count today once.

        Raises:
            RateLimited: They are too many, now or today.
            StorageError: They cannot be counted.
        """
        found = self._config.of(limits)
        per_min = found.pictures_per_minute if at_once else None
        if per_min is not None:
            self._check(self._pictures, key_id, per_min, number, "pictures")
        if found.pictures_per_day is not None:
            self._quotas.take(key_id, number, found.pictures_per_day, name=name)
        if per_min is not None:
            self._pictures.take(key_id, self._rate(per_min), number, self._clock())

    def today(self) -> int:
        """Return the number of the day that pictures count for now."""
        return self._quotas.today()

    def give_back(
        self, key_id: str, limits: KeyLimits, number: int, day: int, *, at_once: bool = True, name: str | None = None
    ) -> None:
        """Count pictures no more that were charged, since they were refused after all.

        Args:
            key_id: The key's id.
            limits: Its own limits.
            number: How many.
            day: On which they were charged, as ``today`` says it.
            at_once: As they were charged.
            name: As they were charged; nothing is given back twice.

        Raises:
            StorageError: They cannot be counted.
        """
        found = self._config.of(limits)
        if found.pictures_per_day is not None:
            self._quotas.give_back(key_id, number, day, name=name)
        if at_once and found.pictures_per_minute is not None:
            self._pictures.take(key_id, self._rate(found.pictures_per_minute), -number, self._clock())

    def close(self) -> None:
        """Close the counts."""
        self._quotas.close()

    def _rate(self, per_min: float) -> Rate:
        return per_minute(per_min, burst_s=self._config.burst_s)

    def _take(self, buckets: Buckets, key_id: str, per_min: float, tokens: int, what: str) -> None:
        self._check(buckets, key_id, per_min, tokens, what)
        buckets.take(key_id, self._rate(per_min), tokens, self._clock())

    def _check(self, buckets: Buckets, key_id: str, per_min: float, tokens: int, what: str) -> None:
        wait_s = buckets.wait_s(key_id, self._rate(per_min), tokens, self._clock())
        if wait_s > 0:
            raise RateLimited(
                f"this key may ask for {per_min:g} {what} a minute; come back in {wait_s:.1f} s", retry_after_s=wait_s
            )
