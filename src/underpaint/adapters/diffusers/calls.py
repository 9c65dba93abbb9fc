"""A call of a network taken apart: its tensors by path, and what else it was told, which becomes a part of the graph.

    unet(latents, t, added_cond_kwargs={"text_embeds": e}, return_dict=False)
    tensors    sample, timestep, added_cond_kwargs.text_embeds
    constants  return_dict = False

A pipeline of diffusers decides what it hands to its networks and what it reads of their answers; so both are learned
from it rather than written down here for every class.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.core.errors import InputError

Scalar = bool | int | float | str
OUT = "out"
"""First part of the paths of what a network answers."""
ENTRIES = {"vae": "decode"}
"""Method by which a pipeline calls a component; ``forward`` of all others."""


def entry_of(component: str) -> str:
    """Return the method by which a pipeline calls a component."""
    return ENTRIES.get(component, "forward")


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a network was called with, and what it answered.

    Args:
        bound: The arguments as they were given.
        answers: Paths of the tensors in the answer, in order; empty where it is not known yet.
    """

    bound: inspect.BoundArguments
    answers: tuple[str, ...] = ()

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Tensors by path, in the order of the arguments."""
        return {path: leaf for path, leaf in self._leaves() if isinstance(leaf, Tensor)}

    @property
    def constants(self) -> dict[str, Scalar]:
        """Everything else that says something, by path; random generators are left out, since no network draws.

        Raises:
            InputError: There is something that cannot be written down.
        """
        others = {path: leaf for path, leaf in self._leaves() if not isinstance(leaf, (Tensor, torch.Generator))}
        for path, leaf in others.items():
            if not isinstance(leaf, Scalar):
                raise InputError(f"a network is called with {path} = {leaf!r:.80}, which no graph can hold")
        return others

    def _leaves(self) -> Iterator[tuple[str, Any]]:
        return leaves(_plain(self.bound))

    def with_tensors(self, tensors: Mapping[str, Tensor]) -> inspect.BoundArguments:
        """Return the arguments with other tensors in the places of these."""
        filled = {name: _filled(value, name, tensors) for name, value in _plain(self.bound).items()}
        bound = self.bound.signature.bind_partial(*self.bound.args, **self.bound.kwargs)
        rest = _rest(bound.signature)
        for name in bound.arguments:
            is_rest = name == rest
            bound.arguments[name] = {key: filled[key] for key in bound.arguments[name]} if is_rest else filled[name]
        return bound


def bind(network: nn.Module, entry: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
    """Return a call of a network, whichever arguments were given by place and which by name."""
    method = getattr(type(network), entry).__get__(network)
    return Call(bound=inspect.signature(method).bind(*args, **kwargs))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what lies in nested mappings and sequences with the path to it; None counts as not there."""
    if isinstance(value, Mapping):
        children: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, (list, tuple)):
        children = list(enumerate(value))
    else:
        if value is not None:
            yield path, value
        return
    for key, child in children:
        yield from leaves(child, f"{path}.{key}" if path else str(key))


def answered(answer: Any) -> dict[str, Tensor]:
    """Return the tensors in the answer of a network by path; caches and other things that are none are left out."""
    return {path: leaf for path, leaf in leaves(answer, OUT) if isinstance(leaf, Tensor)}


def _rest(signature: inspect.Signature) -> str | None:
    """Return the name of the parameter that takes all other names."""
    kinds = {parameter.kind: name for name, parameter in signature.parameters.items()}
    return kinds.get(inspect.Parameter.VAR_KEYWORD)


def _plain(bound: inspect.BoundArguments) -> dict[str, Any]:
    """Return arguments by name, those of ``**kwargs`` beside the others."""
    rest = _rest(bound.signature)
    named = {name: value for name, value in bound.arguments.items() if name != rest}
    return {**named, **bound.arguments.get(rest or "", {})}


def _filled(value: Any, path: str, tensors: Mapping[str, Tensor]) -> Any:
    """Return a value with other tensors in it."""
    if isinstance(value, Tensor):
        return tensors[path]
    if isinstance(value, Mapping):
        return {key: _filled(child, f"{path}.{key}", tensors) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_filled(child, f"{path}.{index}", tensors) for index, child in enumerate(value))
    return value
