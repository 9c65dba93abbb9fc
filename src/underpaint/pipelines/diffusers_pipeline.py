"""A loaded diffusers pipeline that draws what ours are asked for.

Every picture has a generator of its own, ``torch.Generator().manual_seed(seed)`` on the CPU, so that it does not depend
on its batch or the device, and is the one that the pipeline itself draws with this generator.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from underpaint.adapters.diffusers.flagged import refuse_flagged
from underpaint.adapters.diffusers.inspecting import Facts
from underpaint.adapters.diffusers.loading import first_line, load_model, networks_of, quiet
from underpaint.core.errors import InputError
from underpaint.pipelines.around import Beginning, begin_drawing
from underpaint.pipelines.diffusers_model import DiffusersModel
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.pipelines.text_to_picture import PicturePipeline, SamplingConfig

FIXED: dict[str, Any] = {"use_resolution_binning": False, "clean_caption": False}
"""Arguments that some calls take: the size asked for is drawn, and the words are canonical already."""


class DiffusersConfig(SamplingConfig):
    """Settings of a diffusers pipeline, as ``model_index.json`` and the call's own defaults give them.

    Args:
        styles: None; such a model knows no styles.
        identity: Digest of the model's manifest.
        guidance: Default of its ``guidance_scale``; None if it takes none.
        steps: Default number of steps.
        negative: What shall not be drawn.
    """

    styles: tuple[str, ...] = ()
    identity: str
    guidance: float | None
    steps: int
    negative: str | None = None


class DiffusersPipeline(PicturePipeline[DiffusersConfig]):
    """Text to picture with a pipeline of diffusers; pictures are opaque.

    Args:
        pipeline: The pipeline, loaded.
        facts: What is known about it.
        config: How it samples.
    """

    def __init__(self, pipeline: Any, facts: Facts, config: DiffusersConfig) -> None:
        super().__init__(config)
        self.pipeline, self.facts = pipeline, facts

    @property
    def image_size(self) -> int:
        """Width of the pictures in pixels."""
        return self.facts.width

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The networks by component name."""
        return networks_of(self.pipeline)

    @property
    def network(self) -> nn.Module:
        """The network that draws."""
        return self.modules[self.facts.network]

    def reads(self, caption: str) -> bool:
        """Tell whether one of the tokenizers reads a caption to its end."""
        tokenizers = [part for name, part in self.pipeline.components.items() if "tokenizer" in name and part]
        longest = self.facts.parameters.get("max_sequence_length")
        for tokenizer in tokenizers:
            limit = min(tokenizer.model_max_length, longest or tokenizer.model_max_length)
            limit = tokenizer.model_max_length if "CLIP" in type(tokenizer).__name__ else limit
            with quiet():
                if len(tokenizer(caption).input_ids) <= limit:
                    return True
        return not tokenizers

    def draw_alike(self, requests: Sequence[DrawRequest], on_stage: OnStage) -> np.ndarray:
        """Draw requests of equal numbers together; see ``PicturePipeline``.

        Raises:
            InputError: A request asks for a style, a temperature, or numbers that the pipeline cannot follow, or the
                pipeline's safety checker flagged a picture.
        """
        for request in requests:
            self._check(request)
        arguments = self._arguments(requests)
        begin_drawing(self.network, Beginning(pictures=len(requests), steps=arguments["num_inference_steps"]))
        on_stage("text")
        with quiet(), self._watched(on_stage):
            try:
                output = self.pipeline(**arguments)
            except (ValueError, TypeError, IndexError) as error:
                raise InputError(f"{self.facts.class_name} cannot draw this: {first_line(error)}") from error
        captions, seeds = [request.caption for request in requests], [request.seed for request in requests]
        refuse_flagged(output, captions, seeds, name=self.facts.class_name)
        return np.stack([self._pixels(image) for image in output.images])  # [B, H, W, 4]

    def _check(self, request: DrawRequest) -> None:
        name = self.facts.class_name
        if request.style is not None:
            raise InputError(f"unknown style {request.style!r}; {name} knows no styles, so write it into the prompt")
        if request.temperature not in (None, 1.0):
            raise InputError(f"{name} knows no temperature, got {request.temperature:g}; leave it out")
        if request.steps is not None and request.steps < 1:
            raise InputError(f"{name} takes at least one step, got {request.steps}")
        if request.guidance is not None and "guidance_scale" not in self.facts.parameters:
            raise InputError(f"{name} takes no guidance, got {request.guidance:g}; leave it out")

    def _arguments(self, requests: Sequence[DrawRequest]) -> dict[str, Any]:
        """Return what the call is handed: what it takes of all there is to say."""
        first, config = requests[0], self.config
        said = {
            **FIXED,
            "prompt": [request.caption for request in requests],
            "negative_prompt": None if config.negative is None else [config.negative] * len(requests),
            "num_inference_steps": config.steps if first.steps is None else first.steps,
            "guidance_scale": config.guidance if first.guidance is None else first.guidance,
            "width": self.facts.width,
            "height": self.facts.height,
            "generator": [torch.Generator().manual_seed(request.seed) for request in requests],
            "output_type": "pil",
        }
        return {key: value for key, value in said.items() if key in self.facts.parameters and value is not None}

    def _pixels(self, image: Any) -> np.ndarray:
        """Return a picture as ``[H, W, 4]`` uint8.

        Raises:
            InputError: It has another size than asked for.
        """
        if image.size != (self.facts.width, self.facts.height):
            raise InputError(
                f"{self.facts.class_name} draws {image.width}x{image.height} when asked for {self.facts.width}x"
                f"{self.facts.height}; ask for a size that it draws, with --size {image.width}x{image.height}"
            )
        return np.asarray(image.convert("RGBA"))

    @contextlib.contextmanager
    def _watched(self, on_stage: OnStage) -> Iterator[None]:
        """Tell when the network begins, and when the decoder does."""
        decoder = getattr(getattr(self.pipeline, "vae", None), "decoder", None)
        hooks = [self.network.register_forward_pre_hook(_once(lambda: on_stage("transformer")))]
        if isinstance(decoder, nn.Module):
            hooks.append(decoder.register_forward_pre_hook(_once(lambda: on_stage("decoder"))))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def _once(tell: Callable[[], None]) -> Callable[[nn.Module, Any], None]:
    """Return a hook that tells the first time that it is called."""
    told: list[bool] = []

    def hook(_module: nn.Module, _inputs: Any) -> None:
        if not told:
            told.append(True)
            tell()

    return hook


def load_diffusers(model: DiffusersModel, device: torch.device) -> DiffusersPipeline:
    """Load a diffusers model, ready to draw.

    Args:
        model: What ``open_diffusers`` returned.
        device: Where the networks shall lie.

    Raises:
        InputError: The scheduler or the low-rank weights do not fit.
        ArtifactError: Something is missing or damaged.
    """
    config = DiffusersConfig(
        identity=model.digest,
        guidance=model.index.sampling["guidance"],
        steps=model.index.sampling["steps"],
        negative=model.options.negative,
    )
    return DiffusersPipeline(load_model(model.facts, model.options, device), model.facts, config)
