"""A server without its HTTP: the models, the device, the pictures on the disk, and how it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from underpaint.core.errors import FieldError, UnderpaintError
from underpaint.pipelines.marks import mark_for
from underpaint.stages.serve.asking.edit_planning import edit_input, edit_wish, stand_in
from underpaint.stages.serve.asking.edit_request import EditFields
from underpaint.stages.serve.asking.planning import Wish, wish_of
from underpaint.stages.serve.asking.reading import Readers
from underpaint.stages.serve.asking.request import PictureRequest
from underpaint.stages.serve.asking.rest_mistakes import check_rest_of_edit, rest_mistakes
from underpaint.stages.serve.batching.compatibility import batch_key
from underpaint.stages.serve.batching.fairness import JobClass
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.dispatch.dispatcher import Dispatcher
from underpaint.stages.serve.dispatch.limits import Limits
from underpaint.stages.serve.dispatch.ticket import Asked, Ticket, unseen
from underpaint.stages.serve.engine.absences import Absences
from underpaint.stages.serve.engine.catalog import Catalog, open_catalog
from underpaint.stages.serve.engine.edit_input import EditInput
from underpaint.stages.serve.engine.orders import Picture, Preview
from underpaint.stages.serve.engine.pool import Notice, Pool, unnoticed
from underpaint.stages.serve.store import PictureStore
from underpaint.stages.serve.troubles import Troubles

LOOK_EVERY_S = 0.5
"""How soon it is noticed that a model may be tried again."""
Admit = Callable[[str, str], None]
"""Given a key's name and a prompt, raises ``FieldError`` with ``moderation_blocked`` if it must not be drawn."""


def admit_all(_key_id: str, _prompt: str) -> None:
    """Let every prompt be drawn."""


class Service:
    """What the endpoints use. Start it in the event loop that it is used in.

    Args:
        config: The settings.
        admit: Decides about prompts.
        notice: Told of what happens, for logs and metrics.

    Raises:
        InputError: A model or the engine cannot be used.
        ArtifactError: A model is damaged.
        StorageError: The state folder cannot be written.
    """

    def __init__(self, config: ServeConfig, *, admit: Admit = admit_all, notice: Notice = unnoticed) -> None:
        self.config, self.admit, self.notice = config, admit, notice
        self.troubles, self.absences = Troubles(notice), Absences()
        self.started_at = time.time()
        self.catalog: Catalog = open_catalog(
            config.models, engine=config.engine, device=config.device, threads=config.threads, sign=config.sign
        )
        self.watermark, self.readers = mark_for(config.watermark), Readers()
        self.store = PictureStore(config.state / "pictures")
        budget = None if config.memory_mb is None else config.memory_mb * 10**6
        self.pool = Pool(self.catalog.by_name, budget_bytes=budget, silence_s=config.silence_s, notice=self._noticed)
        self.is_draining = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Load the default model and begin to serve.

        Raises:
            UnderpaintError: The model cannot be loaded.
        """
        config = self.config
        backlog: dict[JobClass, float] = {
            "interactive": config.backlog_s,
            "batch": config.batch_backlog_s,
            "background": config.batch_backlog_s,
        }
        self.limits = Limits(backlog_s=backlog, open_per_owner=config.open_per_key)
        self.dispatcher = Dispatcher(self.pool, self.limits, max_batch_s=config.max_batch_s, notice=self._noticed)
        await self.pool.ready(self.catalog.default.name)
        self._tasks = [
            self.troubles.watched("drawing", self.dispatcher.run()),
            self.troubles.watched("loading models again", self._load_again()),
        ]

    def _noticed(self, event: str, **facts: Any) -> None:
        """Remember which models cannot be loaded, and pass on what happened."""
        self.notice(event, **facts)
        if event == "model_unavailable":
            self.absences.begin(facts["model"])
            if facts["model"] == self.catalog.default.name:
                self.troubles.begin_model(facts["model"], facts["reason"])
        elif event == "model_loaded":
            self.absences.end(facts["model"])
            self.troubles.end_model(facts["model"])

    async def _load_again(self) -> None:
        """Try a default model again that could not be loaded: where a server is not ready, nobody asks for it."""
        name = self.catalog.default.name
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.absences.is_absent(name) and self.absences.is_due(name) and not self.dispatcher.drawing:
                with contextlib.suppress(UnderpaintError):
                    await self.dispatcher.load(name)

    def releases_away(self) -> list[str]:
        """Return the releases whose models could not be loaded and are not tried again yet."""
        releases = {one.release for one in self.catalog.by_name.values()}
        return [release for release in sorted(releases) if not self.absences.is_due(self.catalog.find(release).name)]

    def drain(self) -> None:
        """Accept nothing more."""
        self.is_draining = True

    async def stop(self) -> None:
        """Let what was accepted end, at most for ``drain_s``, and end the engines."""
        self.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.dispatcher.settled(), self.config.drain_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pool.close()

    def reasons_not_ready(self) -> list[str]:
        """Return why requests should go elsewhere; none if they are welcome."""
        reasons = ["draining"] if self.is_draining else []
        if self.pool.known(self.catalog.default.name) is None:
            reasons.append("the default model was never loaded")
        if not self.store.is_writable():
            reasons.append("the state folder cannot be written")
        return reasons + self.troubles.reasons()

    def wish(self, request: PictureRequest, key_id: str, previews: int = 0) -> Wish:
        """Return the pictures that a request means, if they may be drawn.

        Raises:
            FieldError: A field cannot be used, or the prompt must not be drawn.
        """
        wish = wish_of(request, self.catalog, watermark=self.watermark, presets=self._presets(), previews=previews)
        self.admit(key_id, request.prompt)
        return wish

    def rest_mistakes(self, body: object, problems: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what else is wrong with a request whose form is wrong; see ``asking.rest_mistakes``."""
        return rest_mistakes(body, problems, self.catalog, self._presets())

    def check_rest_of_edit(self, body: object, problems: Sequence[Mapping[str, Any]], has_mask: bool) -> None:
        """Refuse what else is wrong with a request to edit whose form is wrong; see ``asking.rest_mistakes``.

        Raises:
            FieldError: There is something.
        """
        check_rest_of_edit(body, problems, self.catalog, self._presets(), has_mask)

    def stand_in(self, request: EditFields, has_mask: bool) -> EditInput:
        """Return an empty picture in the place of one that cannot be used; see ``edit_planning.stand_in``.

        Raises:
            FieldError: There is no such model.
        """
        return stand_in(request, self.catalog, has_mask)

    def edit_input(self, request: EditFields, picture: Image.Image, mask: Image.Image | None) -> EditInput:
        """Return what the model that a request names needs of a picture and its mask.

        Raises:
            FieldError: The model cannot edit here, or the mask cannot be used.
        """
        return edit_input(request, self.catalog, picture, mask)

    def edit_wish(self, request: EditFields, key_id: str, given: EditInput) -> Wish:
        """Return the pictures that a request to edit means, if they may be drawn.

        Raises:
            FieldError: A field cannot be used, or the prompt must not be drawn.
        """
        wish = edit_wish(request, self.catalog, given, watermark=self.watermark, presets=self._presets())
        self.admit(key_id, request.prompt)
        if request.negative_prompt is not None:
            self._admit_negative(key_id, request.negative_prompt)
        return wish

    def _admit_negative(self, key_id: str, text: str) -> None:
        """Refuse words that must not be drawn here either: they are kept in the picture's settings, for all to read."""
        try:
            self.admit(key_id, text)
        except FieldError as error:
            raise FieldError(str(error), param="negative_prompt", code=error.code) from None

    def _presets(self) -> dict[str, int]:
        return {str(name): steps for name, steps in self.config.quality.items()}

    def submit(
        self,
        wish: Wish,
        *,
        owner: str,
        job_class: JobClass = "interactive",
        priority: int = 0,
        deadline_at: float | None = None,
        on_preview: Callable[[Preview], None] = unseen,
        bounded: bool = True,
    ) -> list[Ticket]:
        """Let the pictures of a wish wait for the device; see ``Dispatcher.submit``."""
        asked = [
            Asked(
                model=wish.served.name,
                order=order,
                owner=owner,
                key="" if order.previews or order.edit else batch_key(order.settings),
                job_class=job_class,
                priority=priority,
                deadline_at=deadline_at,
                on_preview=on_preview,
            )
            for order in wish.orders
        ]
        return self.dispatcher.submit(asked, bounded=bounded)

    async def keep(self, pictures: Sequence[Picture], wish: Wish) -> None:
        """Put pictures on the disk.

        Raises:
            StorageError: They cannot be written.
        """
        for picture, order in zip(pictures, wish.orders, strict=True):
            digest = picture.settings.pixel_sha256
            assert digest is not None
            await asyncio.to_thread(self.store.put, picture.data, digest, order.output_format)
