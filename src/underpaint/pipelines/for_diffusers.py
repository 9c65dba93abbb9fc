"""underpaint's own models inside diffusers: a pipeline class that reads our folders, and the file that holds it.

    from underpaint.pipelines.for_diffusers import FILE
    pipe = DiffusionPipeline.from_pretrained(FOLDER, custom_pipeline=FILE, trust_remote_code=True)
    pipe("a smiling cat", generator=torch.Generator().manual_seed(7)).images[0]

``UnderpaintPipeline.from_pretrained(FOLDER)`` does the same. The file is a part of the package and of no model's
folder: folders hold no code, and the code that reads them is always the one that is installed. diffusers cannot load
our components one by one, so the pipeline reads its folder whole as soon as it is told where that lies.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from underpaint.adapters.diffusers.locating import EXTRA
from underpaint.adapters.require import require
from underpaint.core.artifact import MANIFEST, staging
from underpaint.core.errors import ArtifactError, InputError
from underpaint.pipelines.model_folder import COMPONENTS, Model, open_model
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.saved import PIPELINE_CLASSES, load_pipeline
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.text_to_picture import TextToPicture

FILE = str(Path(__file__).resolve())
"""What diffusers takes as ``custom_pipeline``."""
PLACE = "_name_or_path"
CALLED = {"n": "num_images_per_prompt", "steps": "num_inference_steps", "guidance": "guidance_scale"}
"""What the user of diffusers calls an option, where it has another name there."""

Base: Any = require("diffusers", extra=EXTRA).DiffusionPipeline


class UnderpaintPipeline(Base):
    """A model of underpaint (hybrid, flow, few-step, GAN) as a pipeline of diffusers; its parts are components.

    Args:
        parts: Components by name; those that ``from_pretrained`` finds in a folder of ours are read later.
    """

    _optional_components = [*COMPONENTS]

    def __init__(
        self,
        text_tokenizer: Any = None,
        text_encoder: Any = None,
        autoencoder: Any = None,
        quantizer: Any = None,
        transformer: Any = None,
        residual: Any = None,
        flow_transformer: Any = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        self._model: Model | None = None
        self._native: TextToPicture | None = None
        self.register_modules(
            text_tokenizer=text_tokenizer,
            text_encoder=text_encoder,
            autoencoder=autoencoder,
            quantizer=quantizer,
            transformer=transformer,
            residual=residual,
            flow_transformer=flow_transformer,
            generator=generator,
        )

    @classmethod
    def extract_init_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> tuple[dict, dict, dict]:
        """Leave the components and settings of a folder to ``register_to_config``, which learns where it lies."""
        return {}, {key: value for key, value in kwargs.items() if key not in config_dict}, {}

    def register_to_config(self, **kwargs: Any) -> None:
        """Take settings; with the place of a folder its components are read."""
        super().register_to_config(**kwargs)
        if kwargs.get(PLACE) is not None:
            self._read(Path(str(kwargs[PLACE])))

    def _read(self, folder: Path) -> None:
        """Read the components of a folder.

        Raises:
            InputError: It is no folder here.
            ArtifactError: It is incomplete, damaged, or differs from its manifest.
        """
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder here; fetch it first: hf download {folder} --local-dir FOLDER")
        self._model = open_model(folder)
        self._native = load_pipeline(self._model, torch.device("cpu"))
        self.register_modules(text_tokenizer=self._native.text_tokenizer, **self._native.modules)

    @property
    def _drawing(self) -> tuple[Model, TextToPicture]:
        """What draws, with the components as they are now.

        Raises:
            ArtifactError: No folder has been read.
        """
        if self._model is None or self._native is None:
            raise ArtifactError("this pipeline has no model yet; make it with from_pretrained(FOLDER)")
        kind, _ = PIPELINE_CLASSES[type(self._native).__name__]
        names = ["text_tokenizer", *self._native.modules]
        absent = {} if "residual" in names or kind.__name__ != "HybridPipeline" else {"residual": None}
        parts: dict[str, Any] = {name: getattr(self, name) for name in names} | absent
        return self._model, kind(**parts, config=self._native.config)

    @property
    def device(self) -> torch.device:
        """Where the networks lie."""
        networks = [part for name in COMPONENTS if isinstance(part := getattr(self, name), nn.Module)]
        return next(networks[0].parameters()).device if networks else torch.device("cpu")

    def to(self, *args: Any, **kwargs: Any) -> UnderpaintPipeline:
        """Move the networks to a device, or to another type of numbers, as ``torch.nn.Module.to`` does."""
        for name in COMPONENTS:
            if isinstance(part := getattr(self, name), nn.Module):
                part.to(*args, **kwargs)
        return self

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        style: str | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        temperature: float | None = None,
        num_images_per_prompt: int = 1,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
    ) -> Any:
        """Draw pictures, the very ones that ``underpaint.load(FOLDER).generate`` draws.

        Args:
            prompt: What to draw; or several prompts.
            style: One of the model's styles.
            num_inference_steps: Steps of the diffusion part; None for the model's default.
            guidance_scale: Strength of the pull towards the prompt, by underpaint's count: 0 is the conditional model
                alone. None for the model's default.
            temperature: Factor on the sampling temperatures; None for 1.
            num_images_per_prompt: Pictures per prompt, with seeds that count up.
            generator: Its ``initial_seed()`` is the seed of the first picture of each prompt; or one a prompt. None
                draws seeds at random.
            output_type: ``pil`` (RGBA), ``np`` (``[B, H, W, 4]`` in [0, 1]) or ``pt`` (``[B, 4, H, W]``).
            return_dict: Whether to return an ``ImagePipelineOutput`` rather than a tuple.

        Raises:
            InputError: A prompt or another argument cannot be used.
        """
        if output_type not in ("pil", "np", "pt"):
            raise InputError(f"the output type must be pil, np or pt, got {output_type!r:.40}")
        model, native = self._drawing
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        options = Options(
            style=style,
            n=num_images_per_prompt,
            guidance=guidance_scale,
            temperature=temperature,
            steps=num_inference_steps,
        )
        planned = _planned(model, prompts, seeds_of(generator, len(prompts)), options)
        images = _converted(native.draw([one.request for one in planned]), output_type)
        return require("diffusers", extra=EXTRA).ImagePipelineOutput(images=images) if return_dict else (images,)

    def save_pretrained(self, save_directory: str | Path, **_others: Any) -> None:
        """Copy the folder that was read; a changed pipeline is saved by underpaint itself.

        Raises:
            ArtifactError: No folder has been read.
            StorageError: The folder exists already or cannot be written.
        """
        if self._model is None:
            raise ArtifactError("this pipeline has no model yet; make it with from_pretrained(FOLDER)")
        with staging(Path(save_directory)) as folder:
            for file in (*self._model.manifest.files, MANIFEST):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._model.folder / file, folder / file)


def seeds_of(generator: torch.Generator | Sequence[torch.Generator] | None, count: int) -> list[int | None]:
    """Return the first seed of each of ``count`` prompts; None where it is to be drawn at random.

    Raises:
        InputError: There are several generators, but not one a prompt.
    """
    if generator is None:
        return [None] * count
    if isinstance(generator, torch.Generator):
        return [generator.initial_seed()] * count
    if len(generator) != count:
        raise InputError(f"there are {len(generator)} generators for {count} prompts; give one, or one a prompt")
    return [one.initial_seed() for one in generator]


def _planned(model: Model, prompts: Sequence[str], seeds: Sequence[int | None], options: Options) -> list[Settings]:
    """Return the settings of all pictures; a prompt that comes again goes on with its seeds where one is shared."""
    shared = seeds[0] if len(set(seeds)) == 1 and seeds else None
    rows = [
        PromptRow.model_construct(prompt=text, seed=None if shared is not None else seed)
        for text, seed in zip(prompts, seeds, strict=True)
    ]
    return plan(model, rows, options, first_seed=shared, called=lambda name: CALLED.get(name, name))


def _converted(pictures: Sequence[np.ndarray], output_type: str) -> Any:
    if output_type == "pil":
        return [Image.fromarray(picture) for picture in pictures]
    values = np.stack(pictures).astype(np.float32) / 255.0  # [B, H, W, 4]
    return values if output_type == "np" else torch.from_numpy(values).permute(0, 3, 1, 2)  # [B, 4, H, W]
