"""Laws of looking at everything of one's own over one connection."""

from __future__ import annotations

import asyncio
from typing import Any

from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.jobs.desk import JobDesk
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.queue import open_queue
from underpaint.stages.serve.queue.telling import Place
from underpaint.stages.serve.service import Service


def test_a_quiet_caller_looks_at_no_change_of_others_twice(tiny_model, tmp_path, monkeypatch):
    service = Service(ServeConfig(models={"tiny": str(tiny_model)}, engine="torch", state=tmp_path))
    queue = open_queue(tmp_path / "jobs.sqlite")
    begin = queue.last_change()
    for _ in range(3):
        queue.submit(Submission(owner="bob", request={"prompt": "a dog"}))
    looked_from: list[Place] = []
    look = queue.changes

    def changes(after: Place, *how: Any, **more: Any) -> Any:
        looked_from.append(after)
        service.is_draining = len(looked_from) == 2
        return look(after, *how, **more)

    monkeypatch.setattr(queue, "changes", changes)

    async def run() -> list[Any]:
        return [change async for change in JobDesk(service, queue).changes(begin, "ann", with_previews=False)]

    assert asyncio.run(run()) == []
    assert looked_from == [begin, queue.last_change()]
    queue.close()
