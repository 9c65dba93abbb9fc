"""A diffusers model as one of ours: it gets the manifest, the index and the digest that its folder lacks.

The digest covers every file that is read and every option, so that equal digests draw equal pictures; the folder's
name and place are no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from underpaint import __version__
from underpaint.adapters.diffusers.inspecting import Facts, inspect_model
from underpaint.adapters.diffusers.locating import find_folder
from underpaint.adapters.diffusers.options import Options, read_address, write_address
from underpaint.core.artifact import FileEntry, Manifest, manifest_of
from underpaint.core.config import Config
from underpaint.pipelines.file_hashes import entry_of
from underpaint.pipelines.model_folder import KIND, Index, Model

STAGE = "diffusers"


class DiffusersSettings(Config):
    """What besides its files decides a diffusers model's pictures.

    Args:
        class_name: The pipeline's class.
        options: How it is loaded; places of files are left out.
        lora: SHA-256 of each file of low-rank weights, and its scale.
        width: Of the pictures in pixels.
        height: Of the pictures in pixels.
    """

    class_name: str
    options: Options
    lora: tuple[tuple[str, float], ...] = ()
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class DiffusersModel(Model):
    """A diffusers model that has not been loaded.

    Args:
        facts: What its small files say.
        options: How it is loaded.
    """

    facts: Facts
    options: Options

    @property
    def steps(self) -> str | None:
        """The sampling setting that says how many steps it takes."""
        return "steps"

    @property
    def address(self) -> str:
        """What opens it again, in any process."""
        lora = [f"{path.resolve()}:{scale:g}" for path, scale in self.facts.lora]
        return write_address(str(self.folder.resolve()), self.options.model_copy(update={"lora": tuple(lora)}))

    @property
    def size(self) -> str:
        """Size of its pictures, as ``512x512``."""
        return f"{self.facts.width}x{self.facts.height}"


def open_diffusers(address: str) -> DiffusersModel:
    """Read what a diffusers model says about itself, and hash what will be read of it.

    Args:
        address: A folder or a hub's id, with options (``adapters.diffusers.options``).

    Raises:
        InputError: There is no such model, it draws no pictures from words, or an option does not fit it.
        ArtifactError: It is incomplete, damaged, unsafe, or cannot be fetched.
        MissingDependency: diffusers is not installed.
    """
    name, options = (address, Options()) if Path(address).is_dir() else read_address(address)
    folder = find_folder(name, variant=options.variant, allow_pickle=options.allow_pickle)
    facts = inspect_model(folder, options)
    files = {file: entry_of(folder / file) for file in facts.files}
    sampling = {"guidance": facts.parameters.get("guidance_scale"), "steps": facts.parameters["num_inference_steps"]}
    index: dict[str, Any] = {"_class_name": facts.class_name, "_underpaint_version": __version__, "sampling": sampling}
    return DiffusersModel(
        name=_name_of(name, folder),
        folder=folder,
        manifest=_manifest(facts, options, files),
        index=Index.parse({**index, "image_size": facts.width}, source=str(folder)),
        components=tuple(sorted({file.split("/")[0] for file in files if "/" in file})),
        facts=facts,
        options=options,
    )


def resized(model: DiffusersModel, side: int) -> DiffusersModel:
    """Return a model that draws squares of another size, otherwise as it is.

    Args:
        model: The model.
        side: Of the pictures in pixels.

    Raises:
        InputError: It cannot be asked for a size.
    """
    name, options = read_address(model.address)
    other = options.model_copy(update={"size": f"{side}x{side}"})
    return replace(open_diffusers(write_address(name, other)), name=model.name)


def _name_of(name: str, folder: Path) -> str:
    return folder.resolve().name if Path(name).is_dir() else name


def _manifest(facts: Facts, options: Options, files: dict[str, FileEntry]) -> Manifest:
    """Return the manifest that the folder would have if a stage of ours had written it."""
    settings = DiffusersSettings(
        class_name=facts.class_name,
        options=options.model_copy(update={"lora": (), "variant": None, "size": None}),
        lora=tuple((entry_of(path).sha256, scale) for path, scale in facts.lora),
        width=facts.width,
        height=facts.height,
    )
    packages = ("diffusers", "transformers", "torch")
    return manifest_of(files, kind=KIND, stage=STAGE, config=settings, parents={}, packages=packages)
