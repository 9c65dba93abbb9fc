"""Which files of a component are its weights: plain ones, one of several variants, or pickles if they are allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from underpaint.adapters.diffusers.safety import refuse_pickle
from underpaint.core.errors import ArtifactError, InputError

FILE = re.compile(
    r"(?:diffusion_pytorch_model|pytorch_model|model)(?:\.(?P<before>[a-z]\w*))?(?:-\d{5}-of-\d{5})?"
    r"(?:\.(?P<behind>[a-z]\w*))?\.(?P<kind>safetensors|bin)"
)


def variants_of(folder: Path, kind: str = "safetensors") -> dict[str, list[Path]]:
    """Return the weights of a component by variant; the plain ones have an empty name."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"*.{kind}")):
        if match := FILE.fullmatch(path.name):
            found.setdefault(match["before"] or match["behind"] or "", []).append(path)
    return found


def choose_variant(folders: Iterable[Path], asked: str | None) -> str | None:
    """Return the variant that the components shall be loaded in; None for the plain weights.

    Args:
        folders: Those of the components with weights.
        asked: What the user wants; None takes the plain weights, or the only variant of a component without.

    Raises:
        InputError: No component has the variant asked for, or there are several and none is asked for.
    """
    held = {folder: variants for folder in folders if (variants := variants_of(folder))}
    known = sorted({name for variants in held.values() for name in variants if name})
    if asked is not None:
        if asked not in known:
            raise InputError(
                f"there are no weights of the variant {asked!r}; choose one of {', '.join(known) or 'none'}"
            )
        return asked
    lacking = [variants for variants in held.values() if "" not in variants]
    if not lacking:
        return None
    if len(lacking[0]) > 1:
        raise InputError(f"the weights come in several variants; choose one with --variant: {', '.join(known)}")
    return next(iter(lacking[0]))


def weights_of(folder: Path, variant: str | None, *, allow_pickle: bool) -> list[Path]:
    """Return the files of a component's weights that will be read.

    Args:
        folder: The component's.
        variant: What ``choose_variant`` returned.
        allow_pickle: Whether pickles may be taken where there are no safetensors.

    Raises:
        ArtifactError: There are none, or only pickles.
    """
    for kind in ("safetensors", "bin") if allow_pickle else ("safetensors",):
        found = variants_of(folder, kind)
        for name in (variant or "", ""):
            if name in found:
                return [*found[name], *sorted(folder.glob("*.index*.json"))]
    if not folder.is_dir():
        raise ArtifactError(f"{folder} is missing; fetch the folder again, whole")
    refuse_pickle(folder)
    raise ArtifactError(f"{folder} has no weights; fetch the folder again, whole")
