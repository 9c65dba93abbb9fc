"""A network that something else computes: to its pipeline it looks like the real one, and holds no weights.

Settings and whatever else a pipeline looks up come from a *skeleton*, the real class with tensors that have shapes but
no numbers; what it computes is handed over as tensors by path (``calls``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.adapters.diffusers.calls import OUT, Call, bind

Run = Callable[[Call], dict[str, Tensor]]
"""Computes the answer of a network as tensors by path."""


class Answer(Mapping[str, Any]):
    """What a network answers by name, which may also be read as an attribute or by number.

    Args:
        values: Name to tensor, or to a tuple or another answer.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: Any) -> Any:
        """Return a value by name, or by number as in a tuple."""
        return self._values[key] if isinstance(key, str) else tuple(self._values.values())[key]

    def __getattr__(self, name: str) -> Any:
        """Return a value by name.

        Raises:
            AttributeError: The network did not answer that.
        """
        if name.startswith("_") or name not in self._values:
            raise AttributeError(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._values)


def put_together(tensors: Mapping[str, Tensor]) -> Any:
    """Return an answer as the pipeline expects it: a tensor, a tuple, or something with names.

    Args:
        tensors: Tensors by path, as ``calls.answered`` gives them.
    """
    tree: dict[str, Any] = {}
    for path, tensor in tensors.items():
        *folders, last = path.split(".")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = tensor
    return _shaped(tree[OUT])


def _shaped(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    children = {name: _shaped(child) for name, child in value.items()}
    return tuple(children.values()) if all(name.isdigit() for name in children) else Answer(children)


class _Computed(nn.Module):
    """The place where the answer comes from, which can be watched like any module."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def forward(self, call: Call) -> Any:
        """Return the answer to a call."""
        return put_together(self.run(call))


class StandIn(nn.Module):
    """Stands in a pipeline where a network was.

    Args:
        skeleton: The network on the device ``meta``.
        entry: The method by which the pipeline calls it.
        run: What computes instead.
    """

    dtype = torch.float32
    device = torch.device("cpu")

    def __init__(self, skeleton: nn.Module, entry: str, run: Run) -> None:
        nn.Module.__init__(self)  # super() would look for the class below
        vars(self)["_skeleton"], vars(self)["_entry"] = skeleton, entry
        self.decoder = _Computed(run)
        self.place = nn.Parameter(torch.empty(0), requires_grad=False)

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The class that it stands for: pipelines check it."""
        return type(vars(self)["_skeleton"])

    def __getattr__(self, name: str) -> Any:
        """Return what the skeleton has under this name."""
        try:
            return nn.Module.__getattr__(self, name)
        except AttributeError:
            return getattr(vars(self)["_skeleton"], name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute what the network would."""
        return self.decoder(bind(vars(self)["_skeleton"], vars(self)["_entry"], args, kwargs))

    def decode(self, *args: Any, **kwargs: Any) -> Any:
        """Compute what an autoencoder would make of a latent."""
        return self.forward(*args, **kwargs)
