"""A learned style as a folder of its own, beside the model that it was learned on; without torch.

    adapter.safetensors    what is added to the model before (``pipelines.adapter``)
    manifest.json          kind "adapter": its parent "model" is the digest of the model before

The folder is named like a model. The model before is looked for among the shipped ones, by its digest; one that lies
elsewhere is named behind it: ``artifacts/my-style/adapter?base=artifacts/base``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote

from underpaint.core.artifact import MANIFEST, Manifest, read_manifest, verify
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, InputError
from underpaint.pipelines.model_folder import Model, open_model, shipped_models

KIND = "adapter"
FILE = "adapter.safetensors"
MARK, BASE = "?", "base"


class AdapterSettings(Config):
    """What a learned style says about itself.

    Args:
        base: Name of the model before, for people; its digest is what counts.
        styles: The styles that it adds.
    """

    base: str
    styles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AdaptedModel(Model):
    """A model and a style that was learned on it, neither loaded.

    Args:
        base: The model before.
        adapter: Folder of the style.
    """

    base: Model
    adapter: Path

    @property
    def address(self) -> str:
        """What opens it again, in any process."""
        return f"{self.adapter.resolve()}{MARK}{BASE}={quote(self.base.address)}"


def is_adapter(folder: Path) -> bool:
    """Tell whether a folder is a learned style by itself."""
    if not (folder / MANIFEST).is_file():
        return False
    try:
        return read_manifest(folder).kind == KIND
    except ArtifactError:
        return False


def open_adapted(folder: Path, options: str = "") -> AdaptedModel:
    """Read what a learned style says about itself, and find the model that it was learned on.

    Args:
        folder: The style's folder.
        options: ``base=MODEL``, the model before; empty looks among the shipped models.

    Raises:
        InputError: There is no such model, it is another one than the style was learned on, or another option is given.
        ArtifactError: The style or the model is incomplete, damaged, or differs from its manifest.
    """
    manifest = verify(folder, kind=KIND)
    settings = AdapterSettings.parse(manifest.config, source=str(folder / MANIFEST))
    base = _find_base(folder, settings, manifest.parents["model"], _base_in(options, folder))
    sampling = {**base.index.sampling, "styles": [*base.styles, *settings.styles]}
    return AdaptedModel(
        name=folder.resolve().parent.name if folder.resolve().name == KIND else folder.resolve().name,
        folder=base.folder,
        manifest=_manifest(base.manifest, manifest),
        index=base.index.model_copy(update={"sampling": sampling}),
        components=base.components,
        shared=base.shared,
        base=base,
        adapter=folder,
    )


def _manifest(base: Manifest, style: Manifest) -> Manifest:
    """Return the style's manifest with the files that the networks are read from and what is known of both."""
    figures = {**base.figures, **style.figures}
    return style.model_copy(update={"files": base.files, "figures": figures})


def _base_in(options: str, folder: Path) -> str | None:
    values = dict(parse_qsl(options, keep_blank_values=True))
    if options and (set(values) != {BASE} or not values[BASE]):
        raise InputError(
            f"{folder} is a learned style, which takes the option {BASE}=MODEL alone (the model that it was learned "
            f"on), not {options!r:.80}"
        )
    return values.get(BASE)


def _find_base(folder: Path, settings: AdapterSettings, digest: str, name: str | None) -> Model:
    """Return the model that a style was learned on; only one with its digest will do."""
    if name is not None:
        model = open_model(name)
        if model.digest != digest:
            raise InputError(
                f"{folder} was learned on {settings.base} ({digest[:12]}), but {model.name} is {model.digest[:12]}; "
                f"name the model that it was learned on: {folder}{MARK}{BASE}=MODEL"
            )
        return model
    for shipped in shipped_models().values():
        if read_manifest(shipped).digest == digest:
            return open_model(shipped)
    raise InputError(
        f"{folder} was learned on {settings.base} ({digest[:12]}), which is none of the models that come with this "
        f"version ({', '.join(shipped_models()) or 'none'}); name its folder: {folder}{MARK}{BASE}=MODEL"
    )
