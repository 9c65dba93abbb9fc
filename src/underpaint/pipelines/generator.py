"""Text to pictures in one call: ``underpaint.load().generate("a smiling cat", seed=7)``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.progress import Progress, Report, silent
from underpaint.pipelines.engine_choice import Asked, choose, own_graph, warn_of_bfloat16
from underpaint.pipelines.exported import load_exported
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.finishing import finish, other_model
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.opening import load_networks, open_model
from underpaint.pipelines.planning import TRANSPARENT, Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import OnStage, Settings

if TYPE_CHECKING:
    from underpaint.pipelines.drawer import Drawer
    from underpaint.pipelines.editing.mask import Mask
    from underpaint.pipelines.editing.reading import Source
    from underpaint.pipelines.editing.request import EditRequest
    from underpaint.pipelines.text_to_picture import PicturePipeline

BATCH_SIZE = 8
"""Pictures handed to the pipeline at once."""


class Generator:
    """A loaded model that draws.

    Args:
        model: What the model says about itself.
        pipeline: Its networks, ready to draw.
    """

    def __init__(self, model: Model, pipeline: Drawer) -> None:
        self.model = model
        self.pipeline = pipeline

    @property
    def networks(self) -> PicturePipeline:
        """The pipeline where it is one of networks in torch.

        Raises:
            InputError: A graph draws, which has no networks to look into.
        """
        from underpaint.pipelines.text_to_picture import PicturePipeline

        if not isinstance(self.pipeline, PicturePipeline):
            raise InputError(f"{self.model.name} is drawn by a graph; load it with engine='torch' for its networks")
        return self.pipeline

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles that can be asked for."""
        return self.model.styles

    def unread(self, caption: str) -> str:
        """Return the end of a canonical caption that lies beyond the longest text the model reads; empty if none."""
        return self.pipeline.unread(caption)

    def unknown_words(self, caption: str) -> list[str]:
        """Return the words of a canonical caption that the model reads as unknown, without any meaning of their own."""
        return self.pipeline.unknown_words(caption)

    def generate(
        self,
        prompt: str | Sequence[str],
        *,
        style: str | None = None,
        n: int = 1,
        seed: int | None = None,
        guidance: float | None = None,
        temperature: float | None = None,
        steps: int | None = None,
        background: str = TRANSPARENT,
        report: Report = silent,
    ) -> list[Image.Image]:
        """Draw pictures; equal arguments with a seed give equal pixels, alone or among others.

        Args:
            prompt: What to draw, in English; or several prompts.
            style: One of ``styles``; None for no particular one.
            n: Pictures per prompt.
            seed: Seed of the first picture of each prompt; the next ones, and those of the same prompt given again,
                count up. None draws one at random.
            guidance: Strength of the pull towards the prompt, 0 to 20; None for the model's default.
            temperature: Factor on the sampling temperatures, 0 to 10; None for 1.
            steps: Steps of the residual refiner; None for the model's default.
            background: ``transparent``, ``white``, ``black`` or a color as ``#ffcc00``.
            report: Called after each picture.

        Returns:
            Images in the order of the prompts, RGBA if transparent, else RGB; ``image.info["underpaint"]`` holds the
            ``Settings`` of each and ``image.info["parameters"]`` their JSON. ``underpaint.save`` keeps them.

        Raises:
            InputError: A prompt or another argument cannot be used.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        for text in prompts:
            if not isinstance(text, str):
                raise InputError(f"a prompt must be a string, got {type(text).__name__}")
        options = Options(
            style=style,
            seed=seed,
            n=n,
            guidance=guidance,
            temperature=temperature,
            steps=steps,
            background=background,
        )
        planned = plan(self.model, [PromptRow.model_construct(prompt=text) for text in prompts], options)
        images: list[Image.Image] = []
        for image in self.draw(planned):
            images.append(image)
            report(Progress(task="draw", done=len(images), total=len(planned), unit="pictures"))
        return images

    def edit(
        self,
        picture: Source,
        request: EditRequest | str | None = None,
        *,
        mask: Source | Mask | None = None,
        report: Report = silent,
    ) -> list[Image.Image]:
        """Draw a picture anew, as a whole or within a mask; equal arguments with a seed give equal pixels.

        Args:
            picture: A PNG, JPEG or WebP file (its path or its bytes), or an image, of any size.
            request: What is asked for (``pipelines.editing.request.EditRequest``); a string is a prompt, None asks for
                variations.
            mask: A PNG as large as the picture, transparent where it shall be drawn anew, or what
                ``pipelines.editing.mask.read_mask`` returned; None for the whole picture.
            report: Called after each picture.

        Returns:
            Images, as ``generate`` returns them.

        Raises:
            InputError: Picture, mask or request cannot be used, or the model cannot edit.
            UnreadableImage: Picture or mask is damaged.
            InputTooLarge: Picture or mask has too many bytes or pixels.
        """
        from underpaint.pipelines.editing.asking import edit

        return edit(self.model, self.pipeline, picture, request, mask, report)

    def draw(
        self, settings: Sequence[Settings], *, batch_size: int = BATCH_SIZE, on_stage: OnStage | None = None
    ) -> Iterator[Image.Image]:
        """Draw pictures from complete settings, one after the other as they are finished.

        Args:
            settings: What to draw, for example ``image.info["underpaint"]`` of an earlier picture.
            batch_size: Pictures handed to the pipeline at once; does not change any picture.
            on_stage: Called as each stage of a batch begins.

        Raises:
            InputError: ``batch_size`` is below 1.
            ArtifactError: The settings are those of another model.
        """
        if batch_size < 1:
            raise InputError(f"the batch size must be at least 1, got {batch_size}")
        for one in settings:
            if one.model_sha256 != self.model.digest:
                raise ArtifactError(other_model(one, self.model))
            if one.edit is not None:
                raise InputError(
                    "these settings are those of an edit, which needs the picture that was edited: use edit"
                )
        for start in range(0, len(settings), batch_size):
            batch = settings[start : start + batch_size]
            pixels = self.pipeline.draw([one.request for one in batch], on_stage=on_stage)
            yield from (finish(picture, one, self.pipeline.engine) for picture, one in zip(pixels, batch, strict=True))


def load(
    model: str | Path | None = None, *, engine: Asked = "auto", device: str | None = None, threads: int = 1
) -> Generator:
    """Load a model.

    Args:
        model: The folder of a saved pipeline or of an exported model, the name of a shipped model, or the address of a
            diffusers pipeline (``docs/diffusers.md``); None for the model that comes with underpaint.
        engine: ``onnx`` or ``openvino`` run an exported graph, ``torch`` the networks themselves; ``auto`` takes the
            graph where there is one and its engine is installed.
        device: ``cpu``, ``cuda``, ...; None is the CPU, where equal settings give equal pixels.
        threads: CPU threads to draw with. Another number than 1 may round a few pixels by one level.

    Raises:
        InputError: There is no such model or device, or the engine cannot draw with it.
        ArtifactError: The model is incomplete, damaged, or differs from its manifest.
        MissingDependency: No engine that could draw with it is installed.

    Warns:
        PerformanceWarning: The model is made for bfloat16, which this processor is not known to multiply.
    """
    return load_opened(open_model(model), engine=engine, device=device, threads=threads)


def load_opened(
    model: Model,
    *,
    engine: Asked | None = None,
    settings: Sequence[Settings] = (),
    device: str | None = None,
    threads: int = 1,
    report: Report = silent,
) -> Generator:
    """Load the networks of a model that ``open_model`` returned; see ``load``.

    Args:
        model: What to load.
        engine: As in ``load``; None runs the model as what it is: networks by torch, an exported graph by its engine.
        settings: What shall be drawn, where it is known; with ``auto`` an engine that can draw it is taken.
        device: As in ``load``.
        threads: As in ``load``.
        report: Told of loading that takes seconds.

    Raises:
        InputError: There is no such device, or the engine cannot draw with the model.
        ArtifactError: The model is incomplete, damaged, or differs from its manifest.
        MissingDependency: No engine that could draw with it is installed.

    Warns:
        PerformanceWarning: As in ``load``.
    """
    warn_of_bfloat16(model, device, stacklevel=3)  # the line that called load
    as_it_is = "torch" if own_graph(model) is None else "auto"
    choice = choose(model, engine or as_it_is, settings=settings, device=device)
    if isinstance(choice.model, ExportedModel):
        return Generator(model, load_exported(choice.model, threads, report))
    from underpaint.runtime.device import choose_device

    pipeline = load_networks(model, choose_device(device or "cpu"))
    pipeline.threads = threads
    return Generator(model, pipeline)
