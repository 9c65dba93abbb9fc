"""Pretrained networks in the layout of transformers: a folder, or a repository of the Hugging Face hub.

Weights are read from safetensors only. What a folder holds is hashed whole, so that a card names exactly these weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from underpaint.adapters.require import require
from underpaint.core.artifact import hash_file
from underpaint.core.config import digest_of
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.extractor_card import InputSpec, Resize

EXTRA = "evaluate"
FILES = (
    "config.json",
    "preprocessor_config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer*.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
)
HUB_ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
RESAMPLING = {0: None, 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box"}
"""Pillow's numbers of its filters."""


def find_pretrained(name: str) -> Path:
    """Return the folder of a pretrained network; fetch it from the hub if it is no folder.

    Args:
        name: A folder, or ``owner/name`` on the hub, if need be with ``@revision``.

    Raises:
        InputError: It is neither.
        MissingDependency: A hub is asked for and ``huggingface_hub`` is not installed.
        ArtifactError: The hub cannot be reached, or has no such repository.
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
    try:
        return Path(hub.snapshot_download(match["repo"], revision=match["revision"], allow_patterns=list(FILES)))
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ArtifactError(
            f"{name} is no folder here, and fetching it from the hub failed ({reason:.200}); check the network and the "
            f"name, or fetch the folder where there is a network (hf download {match['repo']} --local-dir FOLDER) and "
            "name FOLDER instead"
        ) from None


def read_settings(folder: Path, name: str) -> dict[str, Any]:
    """Return the content of a JSON file of a pretrained network.

    Raises:
        ArtifactError: It is missing or no JSON object.
    """
    path = folder / name
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}); fetch the folder again, whole") from None
    if not isinstance(values, dict):
        raise ArtifactError(f"{path} holds no JSON object; fetch the folder again")
    return values


def require_model_type(settings: dict[str, Any], folder: Path, allowed: tuple[str, ...]) -> None:
    """Check the kind of a pretrained network.

    Raises:
        ArtifactError: It is another kind.
    """
    found = settings.get("model_type")
    if found not in allowed:
        raise ArtifactError(f"{folder} holds a network of the kind {found!r}; needed is {' or '.join(allowed)}")


def weights_digest(folder: Path) -> str:
    """Return the SHA-256 of the weights: of the one file, or over the names and hashes of its shards.

    Raises:
        ArtifactError: There are no safetensors weights.
    """
    shards = sorted(folder.glob("model*.safetensors"))
    if not shards:
        found = [path.name for path in sorted(folder.glob("*.bin"))]
        held = f"; {', '.join(found)} is a pickle, which can run code and is never opened" if found else ""
        raise ArtifactError(
            f"{folder} has no model.safetensors{held}; take a revision that has one (owner/name@refs/pr/NUMBER), or "
            'convert once: python -c "import sys; from transformers import AutoModel; '
            'AutoModel.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[2])" OWNER/NAME FOLDER'
        )
    if len(shards) == 1:
        return hash_file(shards[0])
    return digest_of({path.name: hash_file(path) for path in shards})


def load_network(kind: Any, folder: Path) -> Any:
    """Load a pretrained network in float32, every weight of it, for looking at pictures.

    Args:
        kind: A class of transformers.
        folder: Where it lies.

    Raises:
        ArtifactError: A weight is missing or has another shape, or a file is damaged.
    """
    errors = (OSError, ValueError, RuntimeError, require("safetensors", extra=EXTRA).SafetensorError)
    try:
        with _silenced():
            network, report = kind.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, output_loading_info=True, dtype="float32"
            )
    except errors as error:
        reason = str(error).strip().splitlines()[0]
        raise ArtifactError(f"{folder} cannot be loaded ({reason:.300}); fetch the folder again, whole") from None
    lacking = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if lacking:
        raise ArtifactError(f"{folder} lacks {len(lacking)} weights, the first {lacking[0]}; fetch the folder again")
    return network.eval().requires_grad_(False)


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep transformers from drawing progress bars and from logging; what goes wrong is raised."""
    logging = require("transformers.utils.logging", extra=EXTRA)
    level, drawn = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if drawn:
            logging.enable_progress_bar()


def input_of(folder: Path, standard: InputSpec) -> InputSpec:
    """Return how a network's pictures are prepared, from its ``preprocessor_config.json``.

    Args:
        folder: Where the network lies.
        standard: What holds where the file is missing or silent.

    Raises:
        ArtifactError: The file asks for something that cannot be done here.
    """
    if not (folder / "preprocessor_config.json").is_file():
        return standard
    said = read_settings(folder, "preprocessor_config.json")
    edge, size = _side(said.get("size"), folder), _side(said.get("crop_size"), folder)
    size, resample = size or standard.size, RESAMPLING.get(said.get("resample", 3))
    unusual = [key for key in ("do_resize", "do_center_crop", "do_rescale", "do_normalize") if said.get(key) is False]
    if unusual or resample is None or (edge or size) < size:
        what = ", ".join(f"{key} = false" for key in unusual) or f"size = {edge}, resample = {said.get('resample')}"
        raise ArtifactError(f"{folder / 'preprocessor_config.json'} asks for {what}, which is not supported")
    return InputSpec(
        size=size,
        mean=tuple(said.get("image_mean") or standard.mean or ()) or None,
        std=tuple(said.get("image_std") or standard.std or ()) or None,
        resize=Resize.parse({"filter": resample, "fit": "crop", "edge": edge or size}, source=str(folder)),
    )


def _side(value: Any, folder: Path) -> int | None:
    """Return the one length that a size in a preprocessor's settings gives."""
    if isinstance(value, dict):
        lengths = {value[key] for key in ("shortest_edge", "height", "width") if value.get(key)}
        value = lengths.pop() if len(lengths) == 1 else value
    if value is not None and not isinstance(value, int):
        raise ArtifactError(f"{folder / 'preprocessor_config.json'} has the size {value!r:.80}; one length is needed")
    return value
