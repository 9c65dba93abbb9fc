"""Who runs in the race of the best: candidates of the trials, as many as memory holds, and the rivals.

*Rivals* are exports of the same model that are there already: who ships a graph in 8 bits asks whether a search finds
anything better than it, not than networks in torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from underpaint.core.errors import InputError
from underpaint.pipelines.engine_choice import own_graph
from underpaint.pipelines.exported_folder import ExportedModel, shipped_exports
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.optimized_folder import PARENT, OptimizedModel
from underpaint.runtime.capacity import available_memory
from underpaint.stages.optimize.search.record import Trial

MEMORY_SHARE = 0.5
"""Share of the memory that is left which the candidates may take."""
TRIAL_ID = re.compile(r"t-[0-9]+")


def rivals_of(model: Model, named: Sequence[str]) -> tuple[Model, ...]:
    """Return the rivals of a search: the exports in 8 bits that came with the model, and those that the user names.

    Args:
        model: The model before.
        named: Addresses of other exports or optimized models that were made from it.

    Raises:
        InputError: One was made from another model, or is called like another one or like a trial.
        ArtifactError: One is damaged.
    """
    found = [*_shipped(model), *(_named(address, model) for address in named)]
    rivals = list({rival.manifest.digest: rival for rival in found}.values())
    _check_names([rival.name for rival in rivals])
    return tuple(rivals)


def _check_names(names: Sequence[str]) -> None:
    """Refuse names that leave open who is meant, since a search calls its trials ``t-001`` and so on."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two rivals are called {twice}; rename the folder of one of them")
    trial = next((name for name in names if TRIAL_ID.fullmatch(name)), None)
    if trial is not None:
        raise InputError(
            f"a rival is called {trial}, as a trial of the search is; rename its folder to anything but t- and a number"
        )


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


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Someone who runs.

    Args:
        name: A trial's id, or a rival's name.
        address: What opens it.
        digest: What identifies it.
        disk_mb: Size of its files.
        device: Where it draws.
    """

    name: str
    address: str
    digest: str
    disk_mb: float
    device: str


def runner_of(model: Model, device: str, *, name: str | None = None) -> Runner:
    """Return a model as a runner; graphs draw on the processor.

    Args:
        model: The model.
        device: Where networks draw.
        name: What it is called; None for its own name.
    """
    return Runner(
        name=name or model.name,
        address=model.address,
        digest=model.digest,
        disk_mb=disk_mb(model),
        device=device if own_graph(model) is None else "cpu",
    )


def disk_mb(model: Model) -> float:
    """Return the size of the files that a model draws with."""
    return sum(entry.bytes for entry in model.files.values()) / 1e6


def that_fit(trials: Sequence[Trial]) -> list[Trial]:
    """Return the first candidates whose processes fit into the memory that is left, one at least."""
    room, kept = available_memory(), list(trials[:1])
    for trial in trials[1:]:
        needed = sum(one.cost.peak_rss_mb for one in (*kept, trial) if one.cost is not None) * 1e6
        if room is None or needed <= room * MEMORY_SHARE:
            kept.append(trial)
    return kept
