"""Listening to a pipeline while it draws: which networks it calls, and how."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

from underpaint.adapters.diffusers.calls import Call, answered, bind, entry_of


@contextmanager
def recording(networks: Mapping[str, nn.Module]) -> Iterator[dict[str, list[Call]]]:
    """Note every call of networks during a ``with`` block.

    Args:
        networks: By component name.

    Returns:
        Calls by component, in order; components that are not called have none.
    """
    calls: dict[str, list[Call]] = {name: [] for name in networks}
    for name, network in networks.items():
        vars(network)[entry_of(name)] = _listening(network, entry_of(name), calls[name])
    try:
        yield calls
    finally:
        for name, network in networks.items():
            del vars(network)[entry_of(name)]


def _listening(network: nn.Module, entry: str, calls: list[Call]) -> Callable[..., Any]:
    original = getattr(network, entry)

    def listen(*args: Any, **kwargs: Any) -> Any:
        call = bind(network, entry, args, kwargs)
        answer = original(*args, **kwargs)
        calls.append(dataclasses.replace(call, answers=tuple(answered(answer))))
        return answer

    return listen
