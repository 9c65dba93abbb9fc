"""Telling the queue that a worker lives, while it is busy with something else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from underpaint.core.errors import StorageError
from underpaint.stages.serve.queue.job import Lease
from underpaint.stages.serve.queue.queue import JobQueue


class Heartbeat:
    """Renews leases in a thread, for as long as a ``with`` block lasts.

    Args:
        queue: Where the jobs are.
        leases: What is worked on.
    """

    def __init__(self, queue: JobQueue, leases: Sequence[Lease]) -> None:
        self._queue, self._kept, self._lost = queue, list(leases), set()
        self._over, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def is_lost(self, lease: Lease) -> bool:
        """Whether a lease no longer counts: stop working on its job."""
        with self._lock:
            return lease in self._lost

    def drop(self, lease: Lease) -> None:
        """Renew a lease no longer, since its job is done."""
        with self._lock:
            self._kept = [kept for kept in self._kept if kept != lease]

    def _beat(self) -> None:
        while not self._over.wait(self._queue.policy.heartbeat_s):
            with self._lock:
                leases = list(self._kept)
            try:
                renewed = set(self._queue.renew(leases))
            except StorageError:
                continue
            with self._lock:
                self._lost |= {lease for lease in leases if lease not in renewed and lease in self._kept}
                self._kept = [lease for lease in self._kept if lease not in self._lost]
