"""A hybrid pipeline's editing as one function of tensors, and the graph that tracing it gives.

Picture, free cells and all words are inputs, so that one graph serves every strength, mask and mixture. Words that are
not asked for are fed as those of the prompt, and a flag or a share of 0 leaves them out. Inputs that nothing reads, as
the words to draw away from where nothing is guided, are none of the graph's.

Shapes: ``S`` side of the picture.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from underpaint.diffusion.guidance import acts
from underpaint.models.pixels import from_straight, to_straight_levels
from underpaint.models.text_encoder import TextStates, Words
from underpaint.pipelines.editing.graph_inputs import AGAINST, FREE, MIXED, NEGATIVE, ORIGINAL, SHARE, WORDLESS, named
from underpaint.pipelines.editing.kept import Asked, redrawn
from underpaint.pipelines.editing.words import mixed
from underpaint.pipelines.exported_folder import GUIDANCE, MASK, STYLE, TEMPERATURE, WEIGHT, WORDS
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.numbers import Numbers
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.optimize.export.tracing import trace_module

TEXT = (WORDS, WEIGHT, MASK)


def chosen(first: TextStates, second: TextStates, use_second: Tensor) -> TextStates:
    """Return one of two texts by a flag ``[1]`` bool that is not known yet."""
    tokens = torch.where(use_second[:, None, None], second.tokens, first.tokens)
    use = use_second[:, None]
    mask = (first.mask & ~use) | (second.mask & use)  # engines choose no truth values by "where"
    return TextStates(tokens, mask, torch.where(use, second.pooled, first.pooled))


class UnrolledEdit(nn.Module):
    """The editing of one picture between words and pixels as a module of tensors alone.

    Args:
        pipeline: What draws.
        request: Its steps are unrolled.
    """

    def __init__(self, pipeline: HybridPipeline, request: DrawRequest) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(pipeline.modules)
        self._pipeline, self._numbers = pipeline, pipeline.numbers([request])
        self._sizes = [side * side for side in pipeline.quantizer.config.schedule]
        guidance = (GUIDANCE,) if acts(self._numbers.guidance) else ()
        extra = (ORIGINAL, FREE, WORDLESS, SHARE, NEGATIVE)
        self.names = (*TEXT, STYLE, TEMPERATURE, *guidance, *extra)
        self.names += tuple(named(beginning, name) for beginning in (MIXED, AGAINST) for name in TEXT)
        self.names += tuple(stream.name for stream in pipeline.streams)

    def _text(self, given: dict[str, Tensor], names: tuple[str, ...]) -> TextStates:
        return self._pipeline.text_encoder.read(Words(*(given[name] for name in names)))

    def _asked(self, given: dict[str, Tensor]) -> Asked:
        mixed_in, against = (self._text(given, tuple(named(one, name) for name in TEXT)) for one in (MIXED, AGAINST))
        null = self._pipeline.network.null_embedding
        text = mixed(self._text(given, TEXT), mixed_in, share=given[SHARE]).without(given[WORDLESS], null)
        nothing = text.without(torch.ones_like(given[WORDLESS]), null)
        return Asked(text=text, style=given[STYLE], against=chosen(nothing, against, given[NEGATIVE]))

    def forward(self, *values: Tensor) -> Tensor:
        """Draw ``[1, S, S, 4]`` uint8, straight alpha, from tensors in the order of ``names``."""
        given = dict(zip(self.names, values, strict=True))
        numbers = Numbers(
            size=1,
            guidance=given.get(GUIDANCE, 0.0),
            temperature=given[TEMPERATURE],
            steps=self._numbers.steps,
            noise=given.__getitem__,
        )
        free = given[FREE].split(self._sizes)
        picture = from_straight(given[ORIGINAL])
        return to_straight_levels(redrawn(self._pipeline, picture, self._asked(given), numbers, free))

    def example(self, request: DrawRequest) -> tuple[Tensor, ...]:
        """Return inputs of the right shapes, in the order of ``names``."""
        pipeline, encoder = self._pipeline, self._pipeline.text_encoder
        ids, mask = pipeline.text_tokenizer.encode_batch([request.caption], encoder.config.max_tokens)
        words = encoder.look_up(torch.from_numpy(ids), torch.from_numpy(mask))
        text = dict(zip(TEXT, (words.vectors, words.weight, words.mask), strict=True))
        given = {
            **text,
            **{named(beginning, name): value for beginning in (MIXED, AGAINST) for name, value in text.items()},
            STYLE: pipeline.style_index([request.style]),
            TEMPERATURE: torch.tensor(1.0),
            GUIDANCE: torch.tensor(1.0),
            ORIGINAL: torch.zeros(1, pipeline.image_size, pipeline.image_size, 4, dtype=torch.uint8),
            FREE: torch.ones(sum(self._sizes), dtype=torch.bool),
            WORDLESS: torch.zeros(1, dtype=torch.bool),
            SHARE: torch.tensor(0.0),
            NEGATIVE: torch.zeros(1, dtype=torch.bool),
        }
        given |= {stream.name: torch.from_numpy(stream.draw([request.seed])) for stream in pipeline.streams}
        return tuple(given[name] for name in self.names)


def trace_edit(pipeline: HybridPipeline, request: DrawRequest, target: Path) -> None:
    """Write the graph of a pipeline's editing as an ONNX file.

    Args:
        pipeline: On the CPU.
        request: Its steps are unrolled.
        target: The file.
    """
    unrolled = UnrolledEdit(pipeline, request)
    trace_module(unrolled, unrolled.example(request), unrolled.names, target)
