"""What can be evaluated: a native model or its exported graph, a folder of pictures, or any function that draws.

A subject says who it is and draws what is asked for. A folder draws nothing: it brings its pictures along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from underpaint.core.config import digest_of
from underpaint.core.errors import InputError
from underpaint.pipelines.engine_choice import own_graph
from underpaint.pipelines.exported import check_numbers
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.evaluate.drawing.pictures import Pixels
from underpaint.stages.evaluate.drawing.running import (
    batch_of,
    device_of,
    name_of,
    networks,
    what_draws,
    with_its_graph,
)
from underpaint.stages.evaluate.drawing.wishes import Wish
from underpaint.stages.evaluate.record import SubjectRecord

if TYPE_CHECKING:
    from underpaint.pipelines.generator import Generator

Draw = Callable[[list[Wish]], Sequence[Image.Image | Pixels]]
"""A function that draws: wishes (``prompt``, ``style``, ``seed``) to pictures in the same order."""


class Subject(Protocol):
    """What draws."""

    @property
    def styles(self) -> tuple[str, ...] | None:
        """The styles it knows; None if it takes any."""
        ...

    @property
    def identity(self) -> str:
        """SHA-256 of what decides its pictures, options included; empty if unknown, so that nothing is cached."""
        ...

    def record(self) -> SubjectRecord:
        """Say who it is."""
        ...

    def draw(self, wishes: Sequence[Wish]) -> Iterator[Pixels]:
        """Draw pictures ``[H, W, 4]`` straight alpha, one after the other, in the order asked for."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a native model draws; None is the model's own default.

    Args:
        guidance: Strength of the pull towards the prompt.
        temperature: Factor on the sampling temperatures.
        steps: Steps of the residual refiner.
    """

    guidance: float | None = None
    temperature: float | None = None
    steps: int | None = None

    def described(self) -> dict[str, float]:
        """Return what differs from the defaults."""
        return {name: value for name, value in vars(self).items() if value is not None}


def request_of(wish: Wish, sampling: Sampling) -> DrawRequest:
    """Return a wish as a native pipeline takes it."""
    return DrawRequest(
        caption=wish.prompt,
        style=wish.style,
        seed=wish.seed or 0,
        guidance=sampling.guidance,
        temperature=sampling.temperature,
        steps=sampling.steps,
    )


@dataclass
class ModelSubject:
    """A native model, run by torch, or an exported one, run by its engine.

    Args:
        model: The opened model.
        sampling: How it draws.
        alter: Changes the loaded networks in place (a known-bad control, an optimization); None for none.
        alteration: Names ``alter``; part of the identity.
        device: Where it runs; None for the CPU.
        weights: SHA-256 of the weights and settings in memory, where they may differ from the folder's.
    """

    model: Model
    sampling: Sampling = field(default_factory=Sampling)
    alter: Callable[[Any], None] | None = None
    alteration: str = ""
    device: str | None = None
    weights: str = ""
    _generator: Generator | None = None

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles it knows."""
        return self.model.styles

    @property
    def identity(self) -> str:
        """SHA-256 over the model or its graph, how it draws, and the kind of device."""
        device = (self.device or "cpu").split(":")[0]
        return digest_of([what_draws(self.model), self.weights, self.sampling.described(), self.alteration, device])

    @property
    def generator(self) -> Generator:
        """The loaded model."""
        if self._generator is None:
            from underpaint.pipelines.generator import load_opened

            self._generator = load_opened(self.model, device=self.device)
            if self.alter is not None:
                self.alter(networks(self._generator))
        return self._generator

    def check(self) -> None:
        """Refuse before any work what an exported graph cannot draw.

        Raises:
            InputError: It shall draw with other steps than it was unrolled for, or with a guidance that it lacks.
        """
        if (graph := own_graph(self.model)) is not None:
            check_numbers(DrawRequest(caption="", seed=0, **vars(self.sampling)), graph.edge)

    def record(self) -> SubjectRecord:
        """Say who it is."""
        settings = self.sampling.described()
        name = name_of(self.model) + "".join(f" {key} {value:g}" for key, value in settings.items())
        return SubjectRecord(
            name=f"{name} {self.alteration}".strip(),
            identity=digest_of([self.model.digest, self.weights]) if self.weights else what_draws(self.model),
            kind="model",
            lineage=self.model.manifest.parents,
            figures={**self.model.manifest.figures, "sampling": settings},
        )

    def draw(self, wishes: Sequence[Wish]) -> Iterator[Pixels]:
        """Draw pictures one after the other."""
        size = batch_of(self.generator)
        for start in range(0, len(wishes), size):
            batch = wishes[start : start + size]
            yield from self.generator.pipeline.draw([request_of(wish, self.sampling) for wish in batch])


def loaded_subject(generator: Generator) -> ModelSubject:
    """Return a loaded model as a subject: what is in memory counts, not what its folder holds.

    A graph cannot be changed in memory, so its folder says all.
    """
    generator = with_its_graph(generator)
    if isinstance(generator.model, ExportedModel):
        return ModelSubject(model=generator.model, _generator=generator)
    pipeline = networks(generator)
    digest = hashlib.sha256(pipeline.config.model_dump_json().encode())
    for name, module in pipeline.modules.items():
        for key, tensor in module.state_dict().items():
            digest.update(f"{name}.{key}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch_bytes()).numpy().tobytes())
    return ModelSubject(
        model=generator.model, device=device_of(generator).type, weights=digest.hexdigest(), _generator=generator
    )


def torch_bytes() -> Any:
    """Return torch's type of bytes; torch is imported only where a model is loaded already."""
    import torch

    return torch.uint8


def rgba(picture: Image.Image | Pixels) -> Pixels:
    """Return a picture as ``[H, W, 4]`` uint8; one without alpha is opaque.

    Raises:
        InputError: It is no picture.
    """
    if isinstance(picture, Image.Image):
        return np.asarray(picture.convert("RGBA"))
    values = np.asarray(picture)
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[2] not in (3, 4):
        raise InputError(
            f"a drawn picture must be a PIL image or a uint8 array [H, W, 3 or 4], got {values.dtype} {values.shape}"
        )
    if values.shape[2] == 4:
        return values
    return np.concatenate([values, np.full_like(values[..., :1], 255)], axis=2)


@dataclass(frozen=True, kw_only=True)
class CallableSubject:
    """A function that draws.

    Args:
        function: Called with a few wishes at a time.
        name: For people.
        digest: Names what decides its pictures (weights, settings), so that they are cached; empty for no caching.
        batch_size: Wishes a call.
    """

    function: Draw
    name: str = "callable"
    digest: str = ""
    batch_size: int = 8

    @property
    def styles(self) -> None:
        """It takes any style."""
        return

    @property
    def identity(self) -> str:
        """SHA-256 over the name of what decides its pictures; empty for none."""
        return hashlib.sha256(f"callable:{self.name}:{self.digest}".encode()).hexdigest() if self.digest else ""

    def record(self) -> SubjectRecord:
        """Say who it is."""
        return SubjectRecord(name=self.name, identity=self.identity, kind="callable")

    def draw(self, wishes: Sequence[Wish]) -> Iterator[Pixels]:
        """Draw pictures.

        Raises:
            InputError: The function returned another number of pictures than asked for, or something else.
        """
        for start in range(0, len(wishes), self.batch_size):
            batch = list(wishes[start : start + self.batch_size])
            pictures = self.function(batch)
            if len(pictures) != len(batch):
                raise InputError(f"{self.name} was asked for {len(batch)} pictures and returned {len(pictures)}")
            yield from map(rgba, pictures)


def altered(subject: ModelSubject, alteration: str, alter: Callable[[Any], None]) -> ModelSubject:
    """Return the same model, whose networks are changed after loading; the subject itself stays as it is."""
    return replace(subject, alter=alter, alteration=alteration, _generator=None)


def open_subject(model: str | Path | None, sampling: Sampling | None = None, device: str | None = None) -> ModelSubject:
    """Open a model as a subject; see ``pipelines.opening.open_model``.

    Raises:
        InputError: It cannot draw as it shall.
    """
    subject = ModelSubject(model=open_model(model), sampling=sampling or Sampling(), device=device)
    subject.check()
    return subject
