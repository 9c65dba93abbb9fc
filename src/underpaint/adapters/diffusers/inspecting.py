"""What a diffusers model is before anything of it is loaded: its class, what it can be asked for, its files.

Any pipeline goes that draws one picture from words: whose call takes a prompt, steps and a generator, and needs no
picture or anything else besides.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from underpaint.adapters.diffusers.locating import EXTRA, INDEX, SMALL
from underpaint.adapters.diffusers.options import Options, file_and_scale
from underpaint.adapters.diffusers.safety import read_index, read_json, refuse_code, refuse_library
from underpaint.adapters.diffusers.schedulers import check_scheduler, is_flow
from underpaint.adapters.diffusers.weights import choose_variant, weights_of
from underpaint.adapters.require import require
from underpaint.core.errors import ArtifactError, InputError

NEEDED = ("prompt", "num_inference_steps", "generator", "output_type")
FOREIGN = ("image", "mask_image", "control_image", "video", "num_frames", "audio_length_in_s", "image_embeds")
"""Parameters of calls that draw from something else than words, or draw something else than one picture."""
NETWORKS = ("transformer", "unet")
SIDE_WITHOUT_SETTING = 128
"""Side of the latent where the network's settings do not tell it (FLUX)."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about a model that is not loaded.

    Args:
        folder: Where it lies.
        class_name: The pipeline's class in diffusers.
        parameters: Names that its call takes, with their defaults.
        network: Name of the component that draws.
        width: Of its pictures in pixels.
        height: Of its pictures in pixels.
        flow: Whether it learned a flow rather than noise.
        variant: Variant of the weights; None for the plain ones.
        files: What decides its pictures, relative to the folder, POSIX.
        lora: Files of low-rank weights with their scales.
    """

    folder: Path
    class_name: str
    parameters: dict[str, Any]
    network: str
    width: int
    height: int
    flow: bool
    variant: str | None
    files: tuple[str, ...]
    lora: tuple[tuple[Path, float], ...]


def inspect_model(folder: Path, options: Options) -> Facts:
    """Look through a model's small files.

    Args:
        folder: Where it lies.
        options: How it shall be loaded.

    Raises:
        InputError: An option does not fit it, or it is no text-to-image pipeline.
        ArtifactError: It is incomplete, damaged, unsafe, or of a class that is not installed.
        MissingDependency: diffusers or transformers is not installed.
    """
    index = read_index(folder)
    refuse_code(folder, index)
    parameters = parameters_of(index, folder)
    components = {key: value for key, value in index.items() if _is_component(value)}
    heavy = [name for name, (library, kind) in components.items() if _has_weights(folder, name, library, kind)]
    network = next((name for name in NETWORKS if name in heavy), None)
    if network is None:
        raise InputError(f"{folder} has no {' or '.join(NETWORKS)}, so it cannot be drawn with; name another model")
    _check_options(folder, options, parameters, index["_class_name"])
    variant = choose_variant([folder / name for name in heavy], options.variant)
    width, height = options.sides or (_side(folder, network),) * 2
    return Facts(
        folder=folder,
        class_name=index["_class_name"],
        parameters=parameters,
        network=network,
        width=width,
        height=height,
        flow=is_flow(_scheduler(folder)),
        variant=variant,
        files=_files(folder, components, heavy, variant, allow_pickle=options.allow_pickle),
        lora=tuple(_lora(one) for one in options.lora),
    )


def _is_component(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and None not in value


def _pipeline_class(index: dict[str, Any], folder: Path) -> Any:
    diffusers = require("diffusers", extra=EXTRA)
    name = index["_class_name"]
    kind = getattr(diffusers, name, None)
    if not (isinstance(kind, type) and name.endswith("Pipeline")):
        raise ArtifactError(
            f"{folder / INDEX}: the installed diffusers {diffusers.__version__} has no pipeline {name!r:.80}; the "
            f"model was saved with {index.get('_diffusers_version', 'an unknown version')}: pip install -U diffusers"
        )
    return kind


def parameters_of(index: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the parameters of a pipeline's call with their defaults.

    Args:
        index: Content of its ``model_index.json``.
        folder: Where it lies, for messages.

    Raises:
        InputError: It is no text-to-image pipeline.
        ArtifactError: Its class is not installed.
    """
    kind, name = _pipeline_class(index, folder), index["_class_name"]
    taken = {key: one for key, one in inspect.signature(kind.__call__).parameters.items() if key != "self"}
    lacking = [key for key in NEEDED if key not in taken]
    foreign = [key for key in FOREIGN if key in taken]
    required = [key for key, one in taken.items() if one.default is one.empty and key not in ("prompt", "kwargs")]
    if lacking or foreign or required:
        why = f"takes no {lacking[0]!r}" if lacking else f"takes {(foreign or required)[0]!r} as well"
        raise InputError(f"{name} is no text-to-image pipeline: its call {why}; name one that draws from words alone")
    return {key: None if one.default is one.empty else one.default for key, one in taken.items()}


def _has_weights(folder: Path, name: str, library: str, kind: str) -> bool:
    """Tell whether a component is a network.

    Raises:
        ArtifactError: Its class is foreign or not installed, or its folder is missing.
    """
    found = _class_of(folder, name, library, kind)
    if not any((folder / name).glob("*")):
        raise ArtifactError(f"{folder / name} is missing, but {INDEX} lists it; fetch the folder again, whole")
    return isinstance(found, type) and issubclass(found, nn.Module)


def classes_of(folder: Path, index: dict[str, Any]) -> dict[str, Any]:
    """Return the class of every component; None for an old feature extractor, which has a new name.

    Args:
        folder: The model's, for messages.
        index: Content of its ``model_index.json``.

    Raises:
        ArtifactError: A class is foreign or not installed.
    """
    return {name: _class_of(folder, name, *value) for name, value in index.items() if _is_component(value)}


def _class_of(folder: Path, name: str, library: str, kind: str) -> Any:
    diffusers, transformers = require("diffusers", extra=EXTRA), require("transformers", extra=EXTRA)
    inner = getattr(diffusers.pipelines, library, None)
    source = {"diffusers": diffusers, "transformers": transformers}.get(library, inner)
    refuse_library(folder, name, library, known=source is not None)
    found = getattr(source, kind, None)
    if found is None and not kind.endswith("FeatureExtractor"):
        version = getattr(source, "__version__", diffusers.__version__)
        raise ArtifactError(
            f"{folder / INDEX}: the component {name!r} is a {kind!r:.80}, which the installed {library} {version} does "
            f"not have: pip install -U {library if library == 'transformers' else 'diffusers'}"
        )
    return found


def _scheduler(folder: Path) -> dict[str, Any]:
    return read_json(folder / "scheduler" / "scheduler_config.json")


def _check_options(folder: Path, options: Options, parameters: dict[str, Any], name: str) -> None:
    """Refuse options that the pipeline cannot follow."""
    if options.scheduler is not None:
        check_scheduler(options.scheduler, _scheduler(folder))
    if options.negative is not None and "negative_prompt" not in parameters:
        raise InputError(f"{name} takes no negative prompt; leave it out")
    if options.sides is not None and not {"height", "width"} <= parameters.keys():
        raise InputError(f"{name} takes no size; leave it out")


def _side(folder: Path, network: str) -> int:
    """Return the side of a model's pictures in pixels, from the settings of its network and its autoencoder."""
    side = read_json(folder / network / "config.json").get("sample_size") or SIDE_WITHOUT_SETTING
    autoencoder = folder / "vae" / "config.json"
    if not isinstance(side, int) or not autoencoder.is_file():
        raise InputError(f"{folder} does not tell the size of its pictures; give it with --size WIDTHxHEIGHT")
    settings = read_json(autoencoder)
    levels = settings.get("block_out_channels") or settings.get("encoder_block_out_channels") or [0]
    return side * 2 ** (len(levels) - 1)


def _files(
    folder: Path, components: dict[str, Any], heavy: list[str], variant: str | None, *, allow_pickle: bool
) -> tuple[str, ...]:
    small = [path for name in components for pattern in SMALL for path in (folder / name).glob(pattern)]
    small = [path for path in small if not path.name.endswith(".index.json")]
    weights = [path for name in heavy for path in weights_of(folder / name, variant, allow_pickle=allow_pickle)]
    return tuple(sorted({path.relative_to(folder).as_posix() for path in (folder / INDEX, *small, *weights)}))


def _lora(text: str) -> tuple[Path, float]:
    file, scale = file_and_scale(text)
    if not Path(file).is_file():
        raise InputError(f"there is no file of low-rank weights {file!r:.200}; check the path")
    return Path(file), scale
