"""A saved model as a folder: where it lies, what it says about itself, and whether it is whole; without torch.

    model_index.json       the pipeline's class, picture size, sampling settings, and the class of each component
    <component>/           config.json and model.safetensors; the text tokenizer has tokenizer.json
    manifest.json          kind "pipeline": hashes of all files, parents, settings and figures of the training

This is the folder layout of diffusers. The models that are shipped lie in ``underpaint/weights/<name>``. A folder may
share components with one of them, which its index names with its digest: those that it has no files of lie there.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from underpaint.core.absent import is_workspace
from underpaint.core.artifact import MANIFEST, FileEntry, Manifest, read_manifest, verify
from underpaint.core.config import Config, is_none, parse_json
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.progress import Report, silent

KIND = "pipeline"
INDEX = "model_index.json"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
DEFAULT_MODEL = "stickers-64"
SHIPPED = Path(__file__).parents[1] / "weights"
TRAINED = "pipeline"
"""The folder inside a training's workspace that holds the finished model."""
LIBRARY = "underpaint"
AGAIN = "make or download the model again"

COMPONENTS: dict[str, str] = {
    "text_tokenizer": "TextTokenizer",
    "text_encoder": "TextEncoder",
    "autoencoder": "Autoencoder",
    "quantizer": "MultiScaleQuantizer",
    "transformer": "ScaleTransformer",
    "residual": "ResidualRefiner",
    "flow_transformer": "FlowTransformer",
    "generator": "GanGenerator",
}
"""Component to class; there are no others."""


@dataclass(frozen=True)
class Layout:
    """What a pipeline of one class is made of.

    Args:
        required: Components that must be there.
        optional: Components that may be missing.
        steps: The sampling setting that says how many steps it takes; None if it takes none.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    steps: str | None = None


PIPELINES: dict[str, Layout] = {
    "HybridPipeline": Layout(
        ("text_tokenizer", "text_encoder", "autoencoder", "quantizer", "transformer"), ("residual",), "residual_steps"
    ),
    "FlowPipeline": Layout(("text_tokenizer", "text_encoder", "autoencoder", "flow_transformer"), steps="steps"),
    "GanPipeline": Layout(("text_tokenizer", "text_encoder", "generator")),
}
"""The classes of pipelines that can be opened."""


class Shares(Config):
    """Names the model that came with the package in which the components lie that a folder has no files of.

    Args:
        model: Its name.
        sha256: Its digest.
    """

    model: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Index(Config):
    """What ``model_index.json`` says, apart from the components.

    Args:
        pipeline: Name of the pipeline's class.
        version: Version of underpaint that wrote it.
        image_size: Side of the pictures in pixels.
        sampling: The pipeline's settings: styles, guidance, temperatures.
        shares: Where the other components lie; None where the folder has all of them.
    """

    pipeline: str = Field(alias="_class_name")
    version: str = Field(alias="_underpaint_version")
    shares: Shares | None = Field(default=None, alias="_shares", exclude_if=is_none)
    image_size: int = Field(ge=1, le=4096)
    sampling: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A saved model that has not been loaded.

    Args:
        name: The folder's name, or that of the training's workspace.
        folder: Where it lies.
        manifest: Its manifest.
        index: What its index says.
        components: Names of the components that it has.
        shared: The model in which the components lie that the folder has no files of; None if it has all of them.
    """

    name: str
    folder: Path
    manifest: Manifest
    index: Index
    components: tuple[str, ...]
    shared: Model | None = None

    @property
    def digest(self) -> str:
        """What identifies the model: SHA-256 over its manifest's lasting fields."""
        return self.manifest.digest

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles it draws."""
        return tuple(self.index.sampling.get("styles", ()))

    @property
    def steps(self) -> str | None:
        """The sampling setting that says how many steps it takes; None if it takes none."""
        layout = PIPELINES[self.index.pipeline]
        absent = set(layout.optional) - set(self.components)
        return None if "residual" in absent else layout.steps

    @property
    def address(self) -> str:
        """What opens it again, in any process."""
        return str(self.folder.resolve())

    @property
    def size(self) -> str:
        """Size of its pictures, as ``64x64``."""
        return f"{self.index.image_size}x{self.index.image_size}"

    @property
    def parts(self) -> tuple[str, ...]:
        """The components that are read when it draws."""
        return self.components

    @property
    def files(self) -> dict[str, FileEntry]:
        """Name to size and hash of all files that it draws with, those of shared components too."""
        shared = {} if self.shared is None else self.shared.files
        lent = [part for part in self.parts if self.home_of(part) is not self]
        return self.manifest.files | {name: one for name, one in shared.items() if name.split("/")[0] in lent}

    def home_of(self, component: str) -> Model:
        """Return the model in whose folder a component lies: itself, or the one that it shares the component with."""
        if self.shared is None or any(name.startswith(f"{component}/") for name in self.manifest.files):
            return self
        return self.shared.home_of(component)

    def folder_of(self, component: str) -> Path:
        """Return the folder of a component."""
        return self.home_of(component).folder / component

    def part(self, component: str, file: str) -> tuple[Path, str]:
        """Return path and recorded hash of a component's file.

        Raises:
            ArtifactError: The manifest where the component lies does not list it.
        """
        home, name = self.home_of(component), f"{component}/{file}"
        if name not in home.manifest.files:
            raise ArtifactError(f"{home.folder / MANIFEST} does not list {name}: the model is incomplete; {AGAIN}")
        return home.folder / name, home.manifest.files[name].sha256


def shipped_models() -> dict[str, Path]:
    """Return name and folder of the models that came with the package; an evaluator lies beside them and is none."""
    return {
        path.name: path
        for path in sorted(SHIPPED.glob("*"))
        if (path / MANIFEST).is_file() and (path / INDEX).is_file()
    }


def find_folder(model: str | Path | None, others: Iterable[str] = ()) -> Path:
    """Return the folder of a model.

    Args:
        model: A path (of a saved model or of a training's workspace), the name of a shipped model, or None for the
            default model.
        others: What else can be named where the model was asked for, such as shipped graphs.

    Raises:
        InputError: There is no such folder or shipped model.
        ArtifactError: No model is asked for and none came with the package.
    """
    shipped = shipped_models()
    if model is None:
        if DEFAULT_MODEL not in shipped:
            raise ArtifactError(
                f"the model {DEFAULT_MODEL!r} is missing from this installation ({SHIPPED / DEFAULT_MODEL}); install "
                "underpaint again, or name a trained model with -m FOLDER"
            )
        return shipped[DEFAULT_MODEL]
    if str(model) in shipped and not Path(model).is_dir():
        return shipped[str(model)]
    if Path(model).is_dir():
        trained = Path(model) / TRAINED
        return trained if (trained / MANIFEST).is_file() and not (Path(model) / INDEX).is_file() else Path(model)
    known = [*shipped, *others]
    close = difflib.get_close_matches(str(model), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"shipped models: {', '.join(known) or 'none'}"
    raise InputError(f"there is no model folder {str(model)!r:.200}; {hint}")


def _read_index(folder: Path) -> tuple[Index, tuple[str, ...]]:
    """Read the index and check every component's class against the table."""
    path = folder / INDEX
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); make or download the model again") from None
    layout = PIPELINES.get(values.get("_class_name", "")) if isinstance(values, dict) else None
    if layout is None:
        raise ArtifactError(f"{path} describes none of the pipelines that can be opened here: {', '.join(PIPELINES)}")
    present = [name for name in COMPONENTS if values.get(name) not in (None, [None, None])]
    missing = [name for name in layout.required if name not in present]
    if missing:
        raise ArtifactError(f"{path} lacks the component {missing[0]!r}; make or download the model again")
    foreign = [name for name in present if name not in (*layout.required, *layout.optional)]
    if foreign:
        raise ArtifactError(
            f"{path}: a {values['_class_name']} has no component {foreign[0]!r}; update underpaint if the model is "
            "newer"
        )
    for name in present:
        if values[name] != [LIBRARY, COMPONENTS[name]]:
            raise ArtifactError(
                f"{path}: the component {name!r} is {values[name]!r:.100}, but only {COMPONENTS[name]} of underpaint "
                "can stand there; update underpaint if the model is newer"
            )
    try:
        index = Index.parse({k: v for k, v in values.items() if k not in COMPONENTS}, source=str(path))
    except InputError as error:
        raise ArtifactError(f"{error}; make or download the model again") from None
    return index, tuple(present)


def open_model(model: str | Path | None = None, others: Iterable[str] = (), *, kind: str = KIND) -> Model:
    """Read what a saved model says about itself and check its small files; its weights are read by ``saved.load``.

    Args:
        model: A path, the name of a shipped model, or None for the default model.
        others: As in ``find_folder``.
        kind: The kind of artifact that it must be.

    Raises:
        InputError: There is no such model.
        ArtifactError: It is incomplete, damaged, or differs from its manifest; the message names the file.
    """
    folder = find_folder(model, others)
    if not (folder / MANIFEST).is_file():
        raise ArtifactError(_why_no_model(folder))
    manifest = verify(folder, kind=kind, only=(INDEX,))
    index, components = _read_index(folder)
    opened = Model(
        name=_name_of(folder),
        folder=folder,
        manifest=manifest,
        index=index,
        components=components,
        shared=_shared_with(folder, index),
    )
    _check_small_files(opened)
    return opened


def open_lender(name: str, digest: str, folder: Path, again: str = AGAIN) -> Model:
    """Open the model that came with the package in which components of another folder lie.

    Args:
        name: Its name.
        digest: What identifies it.
        folder: The other folder; named in the error.
        again: What to do if it is not there, but install another version.

    Raises:
        ArtifactError: It is damaged, is not in this installation, or is another one by now.
    """
    place = shipped_models().get(name)
    here = None if place is None else read_manifest(place, kind=KIND).digest
    if place is None or here != digest:
        found = "no model of that name" if here is None else f"{name} ({here[:12]})"
        raise ArtifactError(
            f"{folder} draws with the weights of {name} ({digest[:12]}), which this installation does not have (it has "
            f"{found}); install the version of underpaint that has it, or {again}"
        )
    return open_model(place)


def verify_whole(model: Model, report: Report = silent) -> None:
    """Compare all files that a model draws with with their manifests, those of the model that it shares with too.

    Raises:
        ArtifactError: A file is missing, unlisted, truncated or changed; the message names it.
    """
    verify(model.folder, report=report)
    if model.shared is not None:
        verify_whole(model.shared, report)


def _shared_with(folder: Path, index: Index) -> Model | None:
    """Return the model that an index names as the place of components."""
    if index.shares is None:
        return None
    lender = open_lender(index.shares.model, index.shares.sha256, folder)
    if lender.shared is not None:
        raise ArtifactError(
            f"{folder} shares components with {lender.name}, which shares its own with {lender.shared.name}; {AGAIN}, "
            f"sharing with {lender.shared.name}"
        )
    return lender


def _check_small_files(model: Model) -> None:
    """Compare the settings of a model's own components with the manifest; shared ones must be there."""
    small = {name: TOKENIZER if name == "text_tokenizer" else CONFIG for name in model.components}
    own = tuple(f"{name}/{file}" for name, file in small.items() if model.home_of(name) is model)
    verify(model.folder, only=own)
    for name, file in small.items():
        model.part(name, file)


def _why_no_model(folder: Path) -> str:
    """Return what is wrong with a folder without a manifest, and what to do next."""
    others = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}") if (path.parent / INDEX).is_file())
    if others:
        return f"{folder} is no model of underpaint, but holds some; choose one: {', '.join(map(str, others))}"
    if is_workspace(folder):
        return (
            f"{folder} holds no model yet: the training there is not finished; run the same 'underpaint train' command "
            "again to go on with it"
        )
    return (
        f"{folder} is no model of underpaint: it has no {MANIFEST}; pass the folder that 'underpaint train' or "
        "'underpaint export' wrote, or leave out -m"
    )


def _name_of(folder: Path) -> str:
    """Return the folder's name, or its workspace's if a training wrote it."""
    folder = folder.resolve()
    return folder.parent.name if folder.name == TRAINED else folder.name


def check_style(style: str | None, model: Model) -> str | None:
    """Return the model's spelling of a style.

    Args:
        style: What the user wrote, or None for no particular style.
        model: The model that shall draw.

    Raises:
        InputError: The model has no such style; the message lists them.
    """
    if style is None or style in model.styles:
        return style
    folded = {name.casefold(): name for name in model.styles}
    wanted = style.strip().casefold()
    if wanted in folded:
        return folded[wanted]
    close = difflib.get_close_matches(wanted, folded, n=1)
    nearest = f"did you mean {folded[close[0]]!r}? " if close else ""
    raise InputError(
        f"unknown style {style!r:.60}; {nearest}{model.name} draws {', '.join(model.styles) or 'no styles'}"
    )
