"""The models that are served, by name; opened at once, so that a wrong name is found at the start, and loaded later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from underpaint.core.errors import FieldError, InputError
from underpaint.pipelines.engine_choice import choose, warn_of_bfloat16
from underpaint.pipelines.exported_folder import Edge, ExportedModel
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.opening import open_model
from underpaint.stages.serve.engine.process import Start

RELEASE_DIGITS = 16


def release_of(model: Model) -> str:
    """Return the name of a model's exact weights and settings: ``r-`` and the first digits of its digest."""
    return f"r-{model.digest[:RELEASE_DIGITS]}"


@dataclass(frozen=True, kw_only=True)
class Served:
    """A model that is served.

    Args:
        name: What callers call it.
        model: What it says about itself.
        start: What its engine process is told.
        engine: What will compute.
        edge: What limits its graph, if it runs as one.
    """

    name: str
    model: Model
    start: Start
    engine: str
    edge: Edge | None = None

    @property
    def release(self) -> str:
        """The name of its exact weights and settings."""
        return release_of(self.model)


class Catalog:
    """Served models.

    Args:
        served: The models; the first is drawn with where none is named.
    """

    def __init__(self, served: list[Served]) -> None:
        self.by_name = {one.name: one for one in served}
        self.default = served[0]

    def find(self, name: str | None, size: str | None = None) -> Served:
        """Return a model.

        Args:
            name: What callers call it, or its release; None for the first that draws ``size``, else the default.
            size: Of pictures, as ``64x64``; None or ``auto`` for any.

        Raises:
            FieldError: There is none of this name; the message lists those there are.
        """
        if name is None:
            return next((one for one in self.by_name.values() if one.model.size == size), self.default)
        found = self.by_name.get(name) or next((one for one in self.by_name.values() if one.release == name), None)
        if found is None:
            names = ", ".join([*self.by_name, *dict.fromkeys(one.release for one in self.by_name.values())])
            raise FieldError(
                f"there is no model {name!r:.80}; use one of {names}, or start the server with -m for each that it "
                "shall have",
                param="model",
                code="model_not_found",
            )
        return found


def open_catalog(
    models: Mapping[str, str | None],
    *,
    engine: str = "auto",
    device: str | None = None,
    threads: int = 1,
    sign: bool = False,
) -> Catalog:
    """Open the models that shall be served.

    Args:
        models: Name to address, as ``open_model`` takes it; None for the model that comes with underpaint.
        engine: What shall compute, as ``load`` takes it.
        device: ``cpu``, ``cuda``, ...; None for the CPU.
        threads: CPU threads of each.
        sign: Whether finished pictures are signed.

    Raises:
        InputError: There is no such model, or the engine cannot draw with it.
        ArtifactError: It is incomplete, damaged, or differs from its manifest.
        MissingDependency: No engine that could draw with it is installed.

    Warns:
        PerformanceWarning: One is made for bfloat16, which this processor is not known to multiply.
    """
    served: list[Served] = []
    for name, address in models.items():
        model = open_model(address)
        choice = choose(model, engine, device=device)  # pyright: ignore[reportArgumentType]
        warn_of_bfloat16(model, device, stacklevel=2, name=name)
        start = Start(address=model.address, engine=choice.name, device=device, threads=threads, sign=sign)
        edge = choice.model.edge if isinstance(choice.model, ExportedModel) else None
        served.append(Served(name=name, model=model, start=start, engine=choice.name, edge=edge))
    if not served:
        raise InputError("no model is named; name one with --model, or leave the option out for the shipped one")
    return Catalog(served)
