"""The facts of one synthetic data set that its card, its datasheet and its notices are written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from underpaint.stages.data.facts import CREATOR, CardFacts
from underpaint.stages.data.sources import Evidence
from underpaint.stages.data.synthetic.audit import SyntheticAudit
from underpaint.stages.data.synthetic.config import SyntheticConfig


@dataclass(frozen=True, kw_only=True)
class SyntheticFacts(CardFacts):
    """Everything that the papers of a synthetic data set may state.

    Args:
        parents: Role to digest of what the pictures come from: the model, its data set.
    """

    config: SyntheticConfig
    audit: SyntheticAudit
    parents: Mapping[str, str]

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.config.name

    @property
    def description(self) -> str:
        """A sentence; it states the number of samples."""
        return (
            f"Synthetic: {len(self.samples)} small drawings with transparent background in the styles "
            f"{', '.join(self.styles)}, drawn by the model {self.config.model} from {self.counts['captions']} "
            "different English captions, split by concept."
        )

    @property
    def keywords(self) -> list[str]:
        """Words to find the data set by."""
        return ["synthetic", "stickers", "emoji", "text-to-image", "illustrations", *self.styles]

    @property
    def creator(self) -> str:
        """Who made the data set."""
        return CREATOR

    @property
    def published(self) -> str:
        """When, as YYYY-MM-DD."""
        return self.config.date

    @property
    def captions_by(self) -> str:
        """Who wrote the captions."""
        return "the prompts that the model was given"

    @property
    def evidence(self) -> Evidence:
        """The evidence for the model, which drew everything."""
        (model,) = self.sources
        return model
