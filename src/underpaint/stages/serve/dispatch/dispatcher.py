"""One device and all who wait for it: when it is free, it takes the batch whose turn it is.

All of it runs in the event loop of the server; the drawing itself is done by engine processes. While a batch is drawn,
the one before may still be finished (marked, made files of), by the same process. A process that is lost is started
again, and what it had not finished is drawn once more, each picture alone, so that one that kills its process takes no
others with it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

from underpaint.core.errors import DeadlineExceeded, EngineLost, InputError, UnderpaintError
from underpaint.stages.serve.batching.fairness import JobClass
from underpaint.stages.serve.batching.filling import Plan, Unit
from underpaint.stages.serve.batching.waiting import Formed, Waiting
from underpaint.stages.serve.dispatch.company import Company, Window
from underpaint.stages.serve.dispatch.costs import Costs
from underpaint.stages.serve.dispatch.engines import Engine, Engines
from underpaint.stages.serve.dispatch.limits import Limits, check_deadline
from underpaint.stages.serve.dispatch.loading import Loading
from underpaint.stages.serve.dispatch.ticket import Asked, Ticket
from underpaint.stages.serve.dispatch.turns import Turn, Turns
from underpaint.stages.serve.engine.orders import Picture, Preview
from underpaint.stages.serve.engine.pool import Notice, unnoticed

TRIES = 2


class Dispatcher:
    """Draws what is asked for, fairly and in batches. Use it in one event loop.

    Args:
        engines: What draws.
        limits: How much may wait.
        max_batch_s: Longest batch.
        notice: Told of batches and of lost engines.
    """

    def __init__(
        self, engines: Engines, limits: Limits | None = None, *, max_batch_s: float = 10.0, notice: Notice = unnoticed
    ) -> None:
        self._engines, self._limits, self._notice = engines, limits or Limits(), notice
        self._costs, self._loading = Costs(engines, max_batch_s), Loading(engines, notice)
        self._waiting = Waiting(self._plan_of)
        self._tickets: dict[str, Ticket] = {}
        self._drawing: list[Ticket] = []
        self._turns, self._company = Turns(), Company()
        self._serving: dict[asyncio.Task[None], str | None] = {}
        self._bell, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()

    @property
    def drawing(self) -> int:
        """Pictures that are being drawn."""
        return len(self._drawing)

    def waiting_by_class(self) -> Counter[JobClass]:
        """Return how many pictures wait in each class."""
        return Counter(ticket.unit.job_class for ticket in self._tickets.values() if ticket.started_at is None)

    def backlog_s(self, job_class: JobClass | None = None) -> float:
        """Return the device-seconds that wait, of one class or of all."""
        return sum(
            ticket.unit.cost_s
            for ticket in self._tickets.values()
            if ticket.started_at is None and job_class in (None, ticket.unit.job_class)
        )

    def cost_s(self, model: str, key: str = "") -> float:
        """Return the device-seconds that one picture will probably take."""
        return self._costs.picture_s(model, key)

    def submit(self, asked: Sequence[Asked], *, bounded: bool = True) -> list[Ticket]:
        """Let the pictures of one request wait, or none of them.

        Args:
            asked: Pictures of one owner and class.
            bounded: Whether the limits hold; not for what was accepted before, such as durable jobs.

        Raises:
            QueueFull: Too much waits already.
            DeadlineUnmeetable: They cannot be there in time.
        """
        first, now = asked[0], time.time()
        costs_s = [self.cost_s(one.model, one.key) for one in asked]
        if bounded:
            self._check(first, costs_s, now)
        tickets = [self._ticket(one, cost_s, now) for one, cost_s in zip(asked, costs_s, strict=True)]
        for ticket in tickets:
            self._tickets[ticket.unit.id] = ticket
            self._waiting.add(ticket.unit)
        self._idle.clear()
        self._company.come(len(tickets))
        self._bell.set()
        return tickets

    def _check(self, first: Asked, costs_s: Sequence[float], now: float) -> None:
        backlog_s = self.backlog_s(first.job_class)
        self._limits.check(first.job_class, backlog_s, costs_s)
        waiting = Counter(ticket.unit.owner for ticket in self._tickets.values())
        self._limits.check_owner(first.owner, waiting, len(costs_s), costs_s[0])
        check_deadline(first.deadline_at, now, backlog_s + sum(costs_s))

    def _ticket(self, asked: Asked, cost_s: float, now: float) -> Ticket:
        unit = Unit(
            id=secrets.token_hex(8),
            owner=asked.owner,
            job_class=asked.job_class,
            key=asked.key and f"{asked.model} {asked.key}",
            arrived_at=now,
            cost_s=cost_s,
            deadline_at=asked.deadline_at,
            priority=asked.priority,
        )
        return Ticket(asked=asked, unit=unit, done=asyncio.get_running_loop().create_future(), created_at=now)

    def cancel(self, tickets: Sequence[Ticket]) -> None:
        """Draw these no more, if they are not drawn yet."""
        for ticket in tickets:
            if self._waiting.cancel(ticket.unit.id):
                self._tickets.pop(ticket.unit.id, None)
            elif ticket in self._drawing and not ticket.done.done():
                self._dropping(ticket)
            ticket.done.cancel()
        self._notice_idle()

    def _dropping(self, ticket: Ticket) -> None:
        process = self._engines.running(ticket.asked.model)
        if process is not None:
            process.drop(self._drawing.index(ticket))

    async def run(self) -> None:
        """Serve who waits, for ever."""
        try:
            while True:
                await self._bell.wait()
                self._bell.clear()
                while len(self._waiting):
                    turn = await self._turns.take()
                    await self._wait_for_company()
                    await self._begin(turn)
        finally:
            for task in self._serving:
                task.cancel()

    async def _begin(self, turn: Turn) -> None:
        """Let the batch whose turn it is be drawn; one of another model only when that of the last is all finished."""
        formed = self._take()
        task = asyncio.create_task(self._serve(formed, turn))
        self._serving[task] = self._tickets[formed.batch[0].id].asked.model if formed.batch else None
        task.add_done_callback(self._serving.pop)
        if not formed.batch and len(self._waiting):
            await asyncio.wait(self._serving)

    def _may_lead(self, unit: Unit) -> bool:
        model = self._tickets[unit.id].asked.model
        return all(other in (None, model) for other in self._serving.values())

    def _notice_idle(self) -> None:
        if not self._tickets:
            self._idle.set()

    async def _wait_for_company(self) -> None:
        try:
            await self._company.wait(lambda: self._waiting.upcoming(time.time()))
        except Exception as error:
            self._fail_all("waiting for company", error)

    def _take(self) -> Formed:
        """Return what is drawn next."""
        try:
            return self._waiting.take(time.time(), self._may_lead)
        except Exception as error:
            self._fail_all("forming a batch", error)
            return Formed()

    def _fail_all(self, during: str, error: Exception) -> None:
        """Let a mistake of ours fail what waits, and not the server."""
        self._notice("defect", during=during, reason=repr(error))
        for ticket in self._tickets.values():
            ticket.fail(error)
        self._tickets.clear()
        self._waiting = Waiting(self._plan_of)
        self._notice_idle()

    async def settled(self) -> None:
        """Return when nothing waits and nothing is drawn."""
        await self._idle.wait()

    def _plan_of(self, unit: Unit) -> Plan:
        asked = self._tickets[unit.id].asked
        return self._costs.plan(asked.model, asked.key, unit.cost_s)

    async def _serve(self, formed: Formed, turn: Turn) -> None:
        for unit in formed.expired:
            self._tickets.pop(unit.id).fail(DeadlineExceeded("the deadline passed while this waited; allow more time"))
        tickets = [self._tickets[unit.id] for unit in formed.batch]
        for ticket in tickets:
            ticket.started_at = time.time()
        try:
            if tickets:
                await self._draw(tickets, formed, turn)
        except Exception as error:
            for ticket in tickets:
                ticket.fail(error)
        finally:
            turn.let_go()
            for ticket in tickets:
                self._tickets.pop(ticket.unit.id, None)
            self._notice_idle()

    async def _draw(self, tickets: list[Ticket], formed: Formed, turn: Turn) -> None:
        """Draw a batch; what a lost or refusing engine left over is drawn again, each picture alone."""
        try:
            seconds = await self._attempt(tickets, turn)
        except (EngineLost, InputError) as error:
            again = [ticket for ticket in tickets if not ticket.done.done()]
            if isinstance(error, InputError) and len(tickets) == 1:
                raise
            for ticket in again:
                await self._alone(ticket)
            return
        self._learn(tickets, formed, seconds)
        for ticket in tickets:
            ticket.fail(EngineLost("the engine drew no picture and gave no reason; this is a defect of ours"))

    async def _alone(self, ticket: Ticket) -> None:
        while not ticket.done.done() and ticket.tries < TRIES:
            try:
                await self._attempt([ticket], await self._turns.take())
            except UnderpaintError as error:
                if ticket.tries >= TRIES or not isinstance(error, EngineLost):
                    ticket.fail(error)

    async def _attempt(self, tickets: list[Ticket], turn: Turn) -> float:
        for ticket in tickets:
            ticket.tries += 1
        try:
            engine = await self._loading.ready(tickets[0].asked.model)
            return await self._drawn(engine, [ticket for ticket in tickets if not ticket.done.done()], turn)
        finally:
            turn.let_go()

    async def _drawn(self, engine: Engine, wanted: list[Ticket], turn: Turn) -> float:
        self._drawing, windows = wanted, list[Window]()

        def free(in_s: float) -> None:
            if any(ticket.tries > 1 for ticket in wanted):
                return  # it may end its process again, and should take nothing with it
            windows.append(self._company.begin(len(wanted), in_s))
            turn.let_go()

        try:
            orders = [ticket.asked.order for ticket in wanted]
            return await engine.draw(orders, partial(_hand_over, wanted), free) if wanted else 0.0
        except EngineLost as lost:
            self._loading.notice_loss(engine, wanted[0].asked.model, lost)
            raise
        finally:
            for window in windows:
                self._company.end(window)
            if self._drawing is wanted:
                self._drawing = []

    async def load(self, model: str) -> None:
        """Load a model, so that it is there again before somebody asks for it.

        Raises:
            UnderpaintError: As ``Loading.ready`` raises it.
        """
        await self._loading.ready(model)

    def _learn(self, tickets: Sequence[Ticket], formed: Formed, seconds: float) -> None:
        """Correct what is charged and what is expected by what the device took."""
        model, key = tickets[0].asked.model, tickets[0].asked.key
        self._waiting.correct(formed.batch, seconds - formed.seconds)
        self._notice("batch", model=model, size=len(tickets), seconds=seconds)
        if not any(ticket.done.cancelled() for ticket in tickets):
            self._costs.learn(model, key, len(tickets), seconds)


def _hand_over(tickets: Sequence[Ticket], number: int, what: Picture | Preview) -> None:
    """Give whoever waits for it what came of an order."""
    if isinstance(what, Preview):
        tickets[number].asked.on_preview(what)
    else:
        tickets[number].succeed(what)
