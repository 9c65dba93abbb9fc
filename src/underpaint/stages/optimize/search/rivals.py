"""The rivals of a search: exports of the same model that are there already, which a candidate should outrun.

Who ships a graph in 8 bits asks whether a search finds anything better than it, not than networks in torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from underpaint.core.errors import InputError
from underpaint.pipelines.exported_folder import ExportedModel, shipped_exports
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.optimized_folder import PARENT, OptimizedModel


def rivals_of(model: Model, named: Sequence[str]) -> tuple[Model, ...]:
    """Return the rivals of a search: the exports in 8 bits that came with the model, and those that the user names.

    Args:
        model: The model before.
        named: Addresses of other exports or optimized models that were made from it.

    Raises:
        InputError: One was made from another model, or two have one name.
        ArtifactError: One is damaged.
    """
    found = [*_shipped(model), *(_named(address, model) for address in named)]
    rivals = list({rival.manifest.digest: rival for rival in found}.values())
    names = [rival.name for rival in rivals]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two rivals are called {twice}; rename the folder of one of them")
    return tuple(rivals)


def _shipped(model: Model) -> Iterator[Model]:
    for address in shipped_exports():
        rival = open_model(address)
        if isinstance(rival, ExportedModel) and rival.edge.precision == "int8" and made_from(rival) == model.digest:
            yield rival


def _named(address: str, model: Model) -> Model:
    rival = open_model(address)
    if made_from(rival) != model.digest:
        raise InputError(
            f"--rival takes what was exported or optimized from {model.name} ({model.digest[:16]}), and {address} was "
            f"not; make one with 'underpaint export {model.name} --int8 --out DIR', or leave it out"
        )
    return rival


def made_from(model: Model) -> str:
    """Return the digest of the model that an exported or optimized one was made from; empty for others."""
    if isinstance(model, ExportedModel):
        return model.edge.model_sha256
    return model.manifest.parents[PARENT] if isinstance(model, OptimizedModel) else ""
