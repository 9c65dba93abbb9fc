"""What the content credential of a drawn picture says, in the words of C2PA.

One action, ``c2pa.created`` by a trained model, with that model as its ingredient, or for an edit two, ``c2pa.opened``
with the picture that was edited and ``c2pa.edited`` with the model; one more if the pixels carry a watermark; what may
be mined or trained from the picture; and ``Generation``, which ties all of it to the settings and the pixels. The
library that signs takes words that the standard does not know, so what is read is checked here again.

Source: C2PA Technical Specification 2.3 (actions, ingredients); CAWG Training and Data Mining Assertion 1.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field, ValidationError

from underpaint.core.config import Config, problems_of
from underpaint.runtime.xmp import EDITED_TYPE, SOURCE_TYPE, SYSTEM

Use = Literal["allowed", "notAllowed"]

ACTIONS = "c2pa.actions.v2"
MINING = "cawg.training-mining"
GENERATION = "org.underpaint.generation"
CREATED, OPENED, EDITED, WATERMARKED = "c2pa.created", "c2pa.opened", "c2pa.edited", "c2pa.watermarked.unbound"
"""``unbound``: the mark holds no identifier that leads to a credential."""
MINED = ("cawg.ai_generative_training", "cawg.ai_inference", "cawg.ai_training", "cawg.data_mining")
MODEL, PICTURE = "model", "picture"
"""Labels of the ingredients."""
GRAPHS: Mapping[str | None, Sequence[str]] = {
    "torch": ("c2pa.types.model.pytorch",),
    "onnx": ("c2pa.types.model.onnx",),
    "openvino": ("c2pa.types.model.openvino.topology", "c2pa.types.model.openvino.parameter"),
}
"""What computes to what C2PA calls such a model."""
SHA256 = r"^[0-9a-f]{64}$"


class Generation(Config):
    """What ties a credential to a model, to settings and to pixels.

    Args:
        model: The model's name.
        model_sha256: The digest of its manifest.
        settings_sha256: SHA-256 of the settings' text as it stands in the file.
        pixel_sha256: SHA-256 of the drawn pixels (rows of 8-bit RGBA or RGB), before any lossy format.
        size: Width and height in pixels, as ``64x64``.
        watermark: The mark in the pixels; None if there is none.
    """

    schema_version: Literal[1] = 1
    model: str = Field(max_length=200)
    model_sha256: str = Field(pattern=SHA256)
    settings_sha256: str = Field(pattern=SHA256)
    pixel_sha256: str = Field(pattern=SHA256)
    size: str = Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")
    watermark: str | None = Field(default=None, max_length=60)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a credential says, and what of it is not as we write it.

    Args:
        program: The name of the program that wrote it; None if it says none.
        version: Its version; None if it says none.
        generation: What ties it to model, settings and pixels; None unless underpaint wrote it well.
        problems: What is missing or unknown, each a sentence; none are looked for in other programs' credentials.
    """

    program: str | None
    version: str | None
    generation: Generation | None
    problems: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether it says that underpaint wrote it."""
        return self.program == SYSTEM

    @classmethod
    def read(cls, manifest: Mapping[str, Any]) -> Self:
        """Read a manifest as the library gives it out, from whatever program it is."""
        program, version = _program(manifest)
        if program != SYSTEM:
            return cls(program=program, version=version, generation=None)
        found = dict(_assertions(manifest))
        generation, problem = _generation(found.get(GENERATION))
        problems = [*_action_problems(found.get(ACTIONS)), *([problem] if problem else [])]
        return cls(program=program, version=version, generation=generation, problems=tuple(problems))


def definition(
    generation: Generation,
    *,
    version: str,
    engine: str | None,
    when: datetime,
    mining: Use,
    edited: str | None = None,
) -> dict[str, Any]:
    """Return the manifest to be signed.

    Args:
        generation: What ties it to model, settings and pixels.
        version: Of underpaint.
        engine: What computed the picture: ``torch``, ``onnx``, ``openvino``; None if nobody knows.
        when: The time of drawing, with its zone.
        mining: Whether others may mine the picture, and train on it.
        edited: SHA-256 of the pixels of the picture that was edited; None if it was drawn from words alone.
    """
    agent = {"name": SYSTEM, "version": version}
    facts = {"softwareAgent": agent, "when": when.isoformat(timespec="seconds")}
    by_model = facts | {"parameters": {"ingredientIds": [MODEL]}}
    opened = {"action": OPENED, **facts, "parameters": {"ingredientIds": [PICTURE]}}
    made = [{"action": CREATED, "digitalSourceType": SOURCE_TYPE, **by_model}]
    if edited is not None:
        made = [opened, {"action": EDITED, "digitalSourceType": EDITED_TYPE, **by_model}]
    marked = [{"action": WATERMARKED, "softwareAgent": agent}] if generation.watermark else []
    return {
        "claim_generator_info": [agent],
        "ingredients": [_model(generation, engine), *([] if edited is None else [_picture(edited)])],
        "assertions": [
            {"label": ACTIONS, "data": {"actions": [*made, *marked]}},
            {"label": MINING, "data": {"entries": {name: {"use": mining} for name in MINED}}},
            {"label": GENERATION, "data": generation.model_dump(mode="json")},
        ],
    }


def _model(generation: Generation, engine: str | None) -> dict[str, Any]:
    """Return the model as what went into the picture."""
    return {
        "label": MODEL,
        "title": generation.model,
        "format": "application/octet-stream",
        "relationship": "inputTo",
        "instance_id": f"urn:sha256:{generation.model_sha256}",
        "data_types": [{"type": name} for name in ("c2pa.types.generator", *GRAPHS.get(engine, ()))],
    }


def _picture(sha256: str) -> dict[str, Any]:
    """Return the picture that was edited as what went into this one."""
    return {
        "label": PICTURE,
        "title": "the picture that was edited",
        "format": "application/octet-stream",
        "relationship": "parentOf",
        "instance_id": f"urn:sha256:{sha256}",
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _program(manifest: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return name and version of the program that wrote a manifest."""
    infos = manifest.get("claim_generator_info")
    info = infos[0] if isinstance(infos, list) and infos and isinstance(infos[0], dict) else {}
    return _text(info.get("name")), _text(info.get("version"))


def _assertions(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield label and data of what a manifest asserts."""
    listed = manifest.get("assertions")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and isinstance(one.get("label"), str):
            yield one["label"], one.get("data")


def _generation(data: object) -> tuple[Generation | None, str | None]:
    """Return what ties a credential to its picture, or why it cannot be read."""
    if not isinstance(data, dict):
        return None, f"the credential says nothing of model, settings and pixels ({GENERATION})"
    try:
        return Generation.model_validate(data), None
    except ValidationError as error:
        return None, f"the credential's {GENERATION} cannot be read: {problems_of(error):.300}"


def _action_problems(data: object) -> Iterator[str]:
    """Yield what is wrong with the actions of a credential that says that underpaint wrote it."""
    listed = data.get("actions") if isinstance(data, dict) else None
    actions = [one if isinstance(one, dict) else {} for one in listed] if isinstance(listed, list) else []
    names = [one.get("action") for one in actions]
    made = [name for name in names if name != WATERMARKED]
    if made not in ([CREATED], [OPENED, EDITED]) or names not in (made, [*made, WATERMARKED]):
        yield f"the credential names actions that underpaint does not write: {names!r:.120}"
    elif actions[len(made) - 1].get("digitalSourceType") != (SOURCE_TYPE if made == [CREATED] else EDITED_TYPE):
        yield "the credential does not say that a trained model made the picture"
