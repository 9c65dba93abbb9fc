"""Everything behind the endpoints, started and stopped together: the service, jobs and batches, what works on them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from itertools import permutations
from pathlib import Path

from underpaint.core.errors import StorageError, StoreDamaged
from underpaint.stages.serve.batches.input_file import SHEET
from underpaint.stages.serve.batches.keeper import BatchKeeper
from underpaint.stages.serve.batches.records import BATCHES, Records
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.engine.pool import Notice, unnoticed
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.jobs.runner import JobRunner
from underpaint.stages.serve.queue.queue import open_queue
from underpaint.stages.serve.security.gatekeeper import Gatekeeper
from underpaint.stages.serve.service import Service
from underpaint.stages.serve.sheets.drawing import draw_sheet
from underpaint.stages.serve.state_lock import StateLock

JOBS = "jobs.sqlite"
TIDY_EVERY_S = 600.0
LOOK_EVERY_S = 1.0
"""How soon it is noticed that the state folder is gone, or back."""


class Backend:
    """A server without its HTTP.

    Args:
        config: The settings.
        gatekeeper: Decides about prompts, and how much a key may ask for.
        notice: Told of what happens.

    Raises:
        InputError: A model or the engine cannot be used.
        ArtifactError: A model is damaged.
        StorageError: The state folder cannot be used, or another server uses it.
    """

    def __init__(
        self, config: ServeConfig, *, gatekeeper: Gatekeeper | None = None, notice: Notice = unnoticed
    ) -> None:
        self._lock = StateLock(config.state)
        try:
            check_whole(config.state)
            self._open(config, gatekeeper or Gatekeeper(), notice)
        except BaseException:
            self._lock.close()
            raise

    def _open(self, config: ServeConfig, gatekeeper: Gatekeeper, notice: Notice) -> None:
        self.gatekeeper = gatekeeper
        self.service = Service(config, admit=self.gatekeeper.admit, notice=notice)
        queue = open_queue(config.jobs or config.state / JOBS, is_ours=self._lock.is_held)
        self.desk = JobDesk(self.service, queue)
        self.runner = JobRunner(self.desk)
        records = Records(config.state, is_ours=self._lock.is_held)
        self.keeper = BatchKeeper(self.desk, records, self._charge_batch, {SHEET: draw_sheet})

    def _charge_batch(self, owner: str, pictures: int, batch: str) -> None:
        self.gatekeeper.charge(owner, pictures, at_once=False, name=batch)

    async def start(self) -> None:
        """Load the default model and begin to work.

        Raises:
            UnderpaintError: The model cannot be loaded.
        """
        await self.service.start()
        watched = self.service.troubles.watched
        self._running = [watched("work on jobs", self.runner.run()), watched("work on batches", self.keeper.run())]
        self._aside = [
            watched("tidying up", self._tidy()),
            watched("watch over the state folder", self._look_after_state()),
        ]

    async def _look_after_state(self) -> None:
        """Notice when the state folder is taken away, and when it is back."""
        troubles = self.service.troubles
        while True:
            try:
                await asyncio.to_thread(self._lock.hold)
            except StorageError as error:
                troubles.begin("state folder", error)
            else:
                troubles.end("state folder")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _tidy(self) -> None:
        """Forget what is kept no longer, now and then."""
        config = self.service.config
        while True:
            with contextlib.suppress(StorageError, OSError):
                gallery = self.desk.gallery
                await asyncio.to_thread(gallery.empty_bin, None, time.time() - config.keep_deleted_s)
                await asyncio.to_thread(self.service.store.forget, config.keep_pictures_s, gallery.kept)
                await asyncio.to_thread(self.keeper.records.forget, config.keep_files_s)
                while await asyncio.to_thread(self.desk.queue.forget):
                    continue
            await asyncio.sleep(TIDY_EVERY_S)

    def drain(self) -> None:
        """Accept nothing more, and begin nothing that waits on the disk."""
        self.service.drain()
        self.desk.bell.ring()

    async def stop(self) -> None:
        """Let what runs end, put back what cannot, and close everything."""
        self.drain()
        for task in self._aside:
            task.cancel()
        await asyncio.gather(*self._running, *self._aside, return_exceptions=True)
        await self.runner.settle(self.service.config.drain_s)
        await self.service.stop()
        await asyncio.to_thread(self.desk.close)
        await asyncio.to_thread(self.keeper.records.close)
        self.gatekeeper.close()
        self._lock.close()


def check_whole(state: Path) -> None:
    """Refuse a state folder one of whose databases lost its content: it would be begun anew, and its jobs be forgotten.

    Args:
        state: The folder.

    Raises:
        StoreDamaged: It did.
    """
    for path, other in permutations((state / JOBS, state / BATCHES)):
        if path.is_file() and path.stat().st_size == 0 and other.is_file() and other.stat().st_size > 0:
            raise StoreDamaged(
                f"{path} has lost its content: this folder was in use; restore a copy, or move it away to begin anew"
            )
