"""A UNet most of whose calls compute the outermost level alone, with what lies below it kept from an earlier call.

What the deep levels say changes slowly from step to step; the outermost level, which sees every detail, is computed
always. The blocks below it are told whether they compute or hand on what is remembered.

Source: DeepCache, arXiv 2312.00858.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field
from torch import Tensor, nn

from underpaint.core.config import Config
from underpaint.models.twin import exchanged
from underpaint.pipelines.around import Beginning, Moment, Surrounding, batch_of
from underpaint.pipelines.optimizing.half import Pipeline
from underpaint.pipelines.optimizing.step_caches import surrounded


class BlockCache(Config):
    """Parameters of ``cache.blocks``.

    Args:
        every: One call of so many computes all levels; 1 skips nothing.
        warm_up: First calls that all compute all levels.
        last: Last calls that do.
    """

    every: int = Field(default=3, ge=1, le=16)
    warm_up: int = Field(default=1, ge=1, le=1000)
    last: int = Field(default=0, ge=0, le=1000)

    def computes(self, call: int, calls: int) -> bool:
        """Tell whether a call computes all levels."""
        return call < self.warm_up or call >= calls - self.last or (call - self.warm_up + 1) % self.every == 0


class Memory:
    """What the deep levels said last, and whether they are asked in this call."""

    def __init__(self) -> None:
        self.shallow = False
        self.branch = 0
        self.said: dict[int, Tensor] = {}


class Deep(nn.Module):
    """A block below the outermost level.

    Args:
        block: The block.
        memory: Shared by all blocks of the network.
        last: Whether it is the one whose output the outermost level reads.
    """

    def __init__(self, block: nn.Module, memory: Memory, *, last: bool = False) -> None:
        super().__init__()
        self.block = block
        self.last, self.residuals = last, 0
        vars(self)["memory"] = memory

    def __getattr__(self, name: str) -> Any:
        """Return what the block has under this name."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("block"), name)

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Compute, or hand on: the input, as many residuals as there are, or what is remembered."""
        if self.memory.shallow:
            kept = self.memory.said[self.memory.branch] if self.last else hidden_states
            return (kept, (kept,) * self.residuals) if self.residuals else kept
        answer = self.block(hidden_states, *args, **kwargs)
        if isinstance(answer, tuple):
            self.residuals = len(answer[1])
        if self.last:
            self.memory.said[self.memory.branch] = answer
        return answer


class CachedCalls(Surrounding):
    """Says call by call whether a UNet computes all levels.

    Args:
        network: The UNet, whatever computes it.
        memory: By which it is told.
        cache: Which calls compute all levels.
    """

    def __init__(self, network: nn.Module, memory: Memory, cache: BlockCache) -> None:
        self._memory = memory
        super().__init__(network)
        self.cache = cache

    def begin(self, beginning: Beginning) -> None:
        """Forget the drawing before."""
        super().begin(beginning)
        self._memory.said.clear()
        self._memory.shallow = False
        self._sizes: dict[int, int] = {}

    def answer(self, moment: Moment, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Answer a call with all levels or the outermost; a batch of another size asks all."""
        size, memory = batch_of(args, kwargs), self._memory
        known = self._sizes.get(moment.branch) == size
        memory.branch, memory.shallow = moment.branch, known and not self.cache.computes(moment.step, moment.steps)
        self._sizes[moment.branch] = size
        return self.network(*args, **kwargs)


class CachedLevels(CachedCalls):
    """A UNet with deep blocks that are told when to compute.

    Args:
        network: The UNet.
        cache: Which calls compute all levels.
    """

    def __init__(self, network: nn.Module, cache: BlockCache) -> None:
        memory = Memory()
        super().__init__(with_deep_blocks(network, memory), memory, cache)


def with_deep_blocks(network: nn.Module, memory: Memory) -> nn.Module:
    """Return a UNet that shares all numbers and whose deep blocks are told by a memory whether they compute."""
    return exchanged(network, _deep_blocks(network, memory))


def _deep_blocks(network: Any, memory: Memory) -> dict[str, nn.Module]:
    """Return what stands in for the blocks below the outermost level, by name."""
    ups = len(network.up_blocks)
    deep: dict[str, nn.Module] = {
        f"down_blocks.{index}": Deep(block, memory) for index, block in enumerate(network.down_blocks) if index
    }
    if network.mid_block is not None:
        deep["mid_block"] = Deep(network.mid_block, memory)
    for index, block in enumerate(network.up_blocks[:-1]):
        deep[f"up_blocks.{index}"] = Deep(block, memory, last=index == ups - 2)
    return deep


def put_block_cache(pipeline: Pipeline, slot: str, params: BlockCache) -> Pipeline:  # noqa: ARG001
    """Return a pipeline of diffusers whose UNet computes all levels in some calls alone."""
    return surrounded(pipeline, lambda network: CachedLevels(network, params))
