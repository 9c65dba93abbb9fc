"""A network in a loop of diffusers some of whose calls are skipped, with answers continued from those before.

It sits at the boundary of the network, so whatever computes inside (torch, compiled code, a graph) may stay there.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from underpaint.diffusion.output_cache import History, OutputCache
from underpaint.pipelines.around import Beginning, Moment, Surrounding, batch_of, mapped


class CachedNetwork(Surrounding):
    """Computes some calls and extrapolates the others; see ``diffusion.output_cache``.

    Args:
        network: The network.
        cache: Which calls are skipped.
    """

    def __init__(self, network: nn.Module, cache: OutputCache) -> None:
        super().__init__(network)
        self.cache = cache

    def begin(self, beginning: Beginning) -> None:
        """Forget the drawing before."""
        super().begin(beginning)
        self._histories: dict[tuple[int, int], History] = {}
        self._answers: dict[int, tuple[int, Any]] = {}

    def answer(self, moment: Moment, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Answer a call, computed or continued; a batch of another size is always computed."""
        size, form = self._answers.get(moment.branch, (0, None))
        if size == batch_of(args, kwargs) and not self.cache.computes(moment.step, moment.steps):
            return self._visit(form, moment, keep=False)
        if size != batch_of(args, kwargs):
            self._histories = {key: one for key, one in self._histories.items() if key[0] != moment.branch}
        found = self.network(*args, **kwargs)
        self._answers[moment.branch] = (batch_of(args, kwargs), found)
        return self._visit(found, moment, keep=True)

    def _visit(self, answer: Any, moment: Moment, *, keep: bool) -> Any:
        """Take down every tensor of an answer, or return an answer of its form with every tensor continued."""
        places = iter(range(1_000_000))

        def each(tensor: Tensor) -> Tensor:
            key = (moment.branch, next(places))
            history = self._histories.setdefault(key, History(self.cache.order))
            if keep:
                history.add(moment.time, tensor)
                return tensor
            continued = history.at(moment.time, tensor.shape)
            return tensor if continued is None else continued

        return mapped(answer, each)
