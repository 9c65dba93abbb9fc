"""Laws of engines that are given out: what a caller is told of one that cannot be, and what the log is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from underpaint.core.errors import ArtifactError, EngineLost, EngineUnavailable, InputError, SetupError
from underpaint.stages.serve.dispatch.loading import Loading


class Gone:
    """Models that cannot be loaded.

    Args:
        error: Why.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error

    def known(self, name: str) -> Any:
        return None

    def running(self, name: str) -> Any:
        return None

    async def ready(self, name: str) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (EngineLost("/secret ended"), EngineUnavailable),
        (InputError("/secret is gone"), ArtifactError),
        (SetupError("too little memory"), SetupError),
    ],
)
def test_a_caller_is_told_the_kind_and_no_place_and_the_log_the_reason(error, kind):
    told: list[tuple[str, Any]] = []
    loading = Loading(Gone(error), lambda event, **facts: told.append((event, facts["reason"])))
    with pytest.raises(kind) as raised:
        asyncio.run(loading.ready("m"))
    assert "secret" not in str(raised.value)
    assert told == [("model_unavailable", str(error))]
