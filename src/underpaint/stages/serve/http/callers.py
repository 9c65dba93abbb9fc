"""Who calls: the holder of the key, or anybody on this machine where there is none."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

from underpaint.stages.serve.http.errors import ApiError
from underpaint.stages.serve.security.gatekeeper import Gatekeeper
from underpaint.stages.serve.security.keys import bearer

Role = Literal["user", "operator"]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls.

    Args:
        key_id: A name for the key, never the key itself.
        role: ``user`` draws and sees its own jobs, ``operator`` all.
    """

    key_id: str
    role: Role

    @property
    def owner(self) -> str | None:
        """Whose jobs it may see; None for everybody's."""
        return None if self.role == "operator" else self.key_id


Authenticate = Callable[[Mapping[str, str]], Caller]
"""From the headers of a request to who calls; raises ``ApiError`` with 401 or 403."""

LOCAL = Caller(key_id="local", role="operator")


def everybody(_headers: Mapping[str, str]) -> Caller:
    """Let everybody in: for a server that only this machine reaches."""
    return LOCAL


def refuse(_headers: Mapping[str, str]) -> Caller:
    """Let nobody in.

    Raises:
        ApiError: Always.
    """
    raise ApiError(
        401,
        "invalid_api_key",
        "the key is missing or wrong; send it as 'Authorization: Bearer KEY'",
        headers={"www-authenticate": "Bearer"},
    )


def holder_of(key: str) -> Authenticate:
    """Return what lets in whoever holds one key.

    Args:
        key: The key.
    """

    def authenticate(headers: Mapping[str, str]) -> Caller:
        given = bearer(headers.get("authorization"))
        if given is None or not hmac.compare_digest(given.encode(), key.encode()):
            return refuse(headers)
        return Caller(key_id="key", role="operator")

    return authenticate


def holders_of(gatekeeper: Gatekeeper, key: str | None) -> Authenticate:
    """Return what lets in whoever holds a key of a file, or the one key of the settings.

    Args:
        gatekeeper: Knows the keys of the file.
        key: The one key; None if there is none.
    """
    single = refuse if key is None else holder_of(key)

    def authenticate(headers: Mapping[str, str]) -> Caller:
        record = gatekeeper.holder(headers.get("authorization"))
        return single(headers) if record is None else Caller(key_id=record.id, role=record.role)

    return authenticate


async def caller_of(request: Request) -> Caller:
    """Return who calls, and note it for the log.

    Raises:
        ApiError: The caller may not call.
        RateLimited: The caller comes too soon.
    """
    caller = request.app.state.authenticate(request.headers)
    request.scope.setdefault("state", {})["key_id"] = caller.key_id
    return caller


async def require_operator(request: Request) -> Caller:
    """Return who calls, an operator.

    Raises:
        ApiError: The caller may not call, or is none.
    """
    caller = await caller_of(request)
    if caller.role != "operator":
        raise ApiError(403, "role_required", "this needs a key with the role operator")
    return caller


CallerOf = Annotated[Caller, Depends(caller_of)]
"""A parameter that holds who calls; whoever may not call is refused."""
OperatorOf = Annotated[Caller, Depends(require_operator)]
"""A parameter that holds who calls, and must be an operator."""
