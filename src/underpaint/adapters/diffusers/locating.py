"""Where a diffusers model lies: a folder, or a repository of the hub, of which only what is loaded is fetched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from underpaint.adapters.pretrained import HUB_ID
from underpaint.adapters.require import require
from underpaint.core.config import parse_json
from underpaint.core.errors import ArtifactError, InputError

EXTRA = "diffusers"
INDEX = "model_index.json"
SMALL = ("*.json", "*.txt", "*.model")
WEIGHTS = "*.safetensors"
PICKLES = ("*.bin",)
OTHERS = ("*flax*", "*openvino*", "*.onnx*", "*.non_ema*")


def is_hub_id(name: str) -> bool:
    """Tell whether a name can be that of a repository, and not a mistyped path: its owner is no folder here."""
    match = HUB_ID.fullmatch(name)
    return match is not None and not Path(name).exists() and not Path(match["repo"].split("/")[0]).is_dir()


def find_folder(name: str, *, variant: str | None = None, allow_pickle: bool = False) -> Path:
    """Return the folder of a model; fetch it from the hub if it is no folder.

    Args:
        name: A folder, or ``owner/name`` on the hub, if need be with ``@revision``.
        variant: The variant of the weights, which is fetched only if asked for.
        allow_pickle: Whether pickles are fetched too.

    Raises:
        InputError: It is neither.
        MissingDependency: ``huggingface_hub`` is not installed.
        ArtifactError: The hub cannot be reached, refuses, or has no such repository.
    """
    if Path(name).is_dir():
        return Path(name)
    match = HUB_ID.fullmatch(name)
    if match is None:
        raise InputError(
            f"{name!r:.200} is neither a folder nor a repository of the hub (owner/name, or owner/name@revision); "
            "check the path"
        )
    hub = require("huggingface_hub", extra=EXTRA)
    repository, revision = match["repo"], match["revision"]
    try:
        index = Path(hub.hf_hub_download(repository, INDEX, revision=revision))
        components = [
            key for key, value in parse_json(index.read_text(encoding="utf-8")).items() if _is_component(value)
        ]
        wanted = [f"{name}/{what}" for name in components for what in (*SMALL, WEIGHTS, *PICKLES * allow_pickle)]
        left = OTHERS if variant else (*OTHERS, "*.fp16*", "*.bf16*")
        return Path(
            hub.snapshot_download(
                repository, revision=revision, allow_patterns=[INDEX, *wanted], ignore_patterns=list(left)
            )
        )
    except (OSError, ValueError) as error:
        raise ArtifactError(_explained(repository, error)) from None


def _is_component(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)


def _explained(repository: str, error: Exception) -> str:
    """Say why a repository could not be fetched, and what to do."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    elsewhere = f"hf download {repository} --local-dir FOLDER, and name FOLDER instead"
    if "GatedRepoError" in kinds:
        return (
            f"{repository} is gated: its owner wants you to accept conditions first; accept them on the page of the "
            "model, log in with: hf auth login, and run the same command again"
        )
    if "RevisionNotFoundError" in kinds:
        return f"{repository} has no such revision on the hub; check what stands behind the @"
    if "RepositoryNotFoundError" in kinds:
        return f"the hub has no {repository}, or it is private; check the name, or log in with: hf auth login"
    if {"EntryNotFoundError", "LocalEntryNotFoundError"} & kinds == {"EntryNotFoundError"}:
        return f"{repository} has no {INDEX}, so it is no diffusers pipeline; name one that has"
    reason = re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__
    return (
        f"{repository} is no folder here, and the hub cannot be reached ({reason:.200}); go online, or fetch it where "
        f"there is a network ({elsewhere})"
    )
