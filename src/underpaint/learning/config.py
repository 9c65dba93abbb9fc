"""Settings of the training loop; imports no torch, so that recipes and stage settings can hold them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from underpaint.core.config import Config
from underpaint.core.errors import InputError

Beta = Annotated[float, Field(ge=0, lt=1)]
SEED_BOUND = 2**63
"""No seed is this large or larger: torch takes none above 64 bits."""
Seed = Annotated[int, Field(ge=0, lt=SEED_BOUND)]
SAID_IF_CHANGED = ("accumulate", "optimizer")
"""Settings that came later: left out where they have their defaults, so that older settings keep their digests."""


class LoopConfig(Config):
    """Settings of one training loop.

    Args:
        steps: Optimizer steps.
        batch_size: Pictures of a micro-batch.
        accumulate: Micro-batches a step, whose gradients are averaged; several processes share them.
        optimizer: ``adamw``; ``adamw8bit`` with moments of 8 bits, a quarter of the state's memory; or ``muon``, which
            orthogonalizes the steps of hidden matrices.
        lr: Peak learning rate.
        warmup: Steps of linear warm-up.
        final_lr: Learning rate at the end, as a share of the peak.
        betas: AdamW's decay rates.
        weight_decay: Decoupled weight decay; applies to matrices and kernels only.
        clip: Largest norm of the gradient, of each network that is trained together apart.
        average_decay: Decay of the weight average.
        seed: Seed of everything random.
        precision: ``bf16`` runs matrix products in bfloat16, ``f32`` does not, ``auto`` takes bfloat16 where the
            hardware has it.
        validate_every: Steps between validations.
        save_every: Steps between saved states.
        sample_every: Steps between sample grids.
    """

    steps: int = Field(ge=1)
    batch_size: int = Field(default=32, ge=1)
    accumulate: int = Field(default=1, ge=1)
    optimizer: Literal["adamw", "adamw8bit", "muon"] = "adamw"
    lr: float = Field(default=1e-3, gt=0)
    warmup: int = Field(default=100, ge=0)
    final_lr: float = Field(default=0.02, ge=0, le=1)
    betas: tuple[Beta, Beta] = (0.9, 0.95)
    weight_decay: float = Field(default=0.05, ge=0)
    clip: float = Field(default=1.0, gt=0)
    average_decay: float = Field(default=0.999, ge=0, lt=1)
    seed: Seed = 0
    precision: Literal["auto", "f32", "bf16"] = "auto"
    validate_every: int = Field(default=500, ge=1)
    save_every: int = Field(default=250, ge=1)
    sample_every: int = Field(default=1000, ge=1)

    @property
    def pictures_a_step(self) -> int:
        """Pictures that one optimizer step learns from."""
        return self.batch_size * self.accumulate

    def in_parts(self, parts: int) -> Self:
        """Return the same loop with every micro-batch cut into smaller ones: less memory, or work for more processes.

        Args:
            parts: Number of parts, a divisor of ``batch_size``.

        Raises:
            InputError: It does not divide the batch.
        """
        if parts < 1 or self.batch_size % parts:
            raise InputError(f"a batch of {self.batch_size} cannot be cut into {parts} equal parts; choose a divisor")
        return self.model_copy(update={"batch_size": self.batch_size // parts, "accumulate": self.accumulate * parts})

    @model_serializer(mode="wrap")
    def _leave_out_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = handler(self)
        fields = type(self).model_fields
        return {k: v for k, v in values.items() if k not in SAID_IF_CHANGED or v != fields[k].default}
