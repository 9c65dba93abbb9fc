"""What is never done for a foreign model: running its code. A folder that asks for it is refused with what it asks.

diffusers runs code of a folder where ``model_index.json`` names a module of the folder as the pipeline's or a
component's class, transformers where a ``config.json`` has an ``auto_map``; a pickle runs code as it is opened.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from underpaint.adapters.diffusers.locating import INDEX
from underpaint.core.errors import ArtifactError

ASKING = ("custom_pipeline", "_custom_pipeline", "trust_remote_code")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack")
ADVICE = "code of a model is never run here; take a model that needs none"


def read_index(folder: Path) -> dict[str, Any]:
    """Return the content of ``model_index.json``.

    Raises:
        ArtifactError: It is missing or no JSON object.
    """
    return read_json(folder / INDEX)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        ArtifactError: It is missing, or holds none.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))  # settings of schedulers hold -Infinity
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; fetch the folder again, whole") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}); fetch the folder again, whole") from None
    if not isinstance(values, dict):
        raise ArtifactError(f"{path} holds no JSON object; fetch the folder again")
    return values


def refuse_code(folder: Path, index: dict[str, Any]) -> None:
    """Refuse a folder that asks for code of its own to be run.

    Args:
        folder: The model.
        index: Its ``model_index.json``.

    Raises:
        ArtifactError: It does; the message says where and what.
    """
    name = index.get("_class_name")
    if not isinstance(name, str):
        raise ArtifactError(f"{folder / INDEX} names a pipeline of its own code, _class_name = {name!r:.100}; {ADVICE}")
    for key in ASKING:
        if index.get(key):
            raise ArtifactError(f"{folder / INDEX} asks for code to be run, {key} = {index[key]!r:.100}; {ADVICE}")
    for path in sorted(folder.glob("*/*config.json")):
        if asked := read_json(path).get("auto_map"):
            raise ArtifactError(f"{path} asks for code to be run, auto_map = {asked!r:.100}; {ADVICE}")


def refuse_library(folder: Path, component: str, library: str, known: bool) -> None:
    """Refuse a component whose class does not come from diffusers or transformers.

    Raises:
        ArtifactError: It does not.
    """
    if known and not (folder / component / f"{library}.py").exists():
        return
    raise ArtifactError(
        f"{folder / INDEX}: the component {component!r} is a class of {library!r:.60}, not of diffusers or "
        f"transformers; {ADVICE}"
    )


def refuse_pickle(folder: Path) -> None:
    """Refuse a component whose weights are a pickle, or missing.

    Args:
        folder: The component's.

    Raises:
        ArtifactError: In either case.
    """
    found = sorted(path.name for path in folder.glob("*") if path.suffix in PICKLES)
    if found:
        raise ArtifactError(
            f"{folder} has no safetensors, only {', '.join(found):.200}; a pickle can run code as it is opened. Take a "
            "revision with safetensors, or, if you trust its source, add --allow-pickle"
        )
    raise ArtifactError(f"{folder} has no weights; fetch the folder again, whole")
