"""From what made a picture to the request that draws it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.engine.catalog import Catalog

EDITED = ("strength", "seam")
"""What a request to edit says of the edit besides the picture, its mask and what is drawn away from."""


def request_for(settings: Settings | Mapping[str, Any], release: str, catalog: Catalog) -> dict[str, Any]:
    """Return a request in the form of ``/v1/images/generations``, or of an edit without its picture and mask.

    Args:
        settings: What made the picture.
        release: The weights that drew it; the request names them where they are served.
        catalog: What is served.
    """
    made = settings.model_dump(mode="json") if isinstance(settings, Settings) else dict(settings)
    served = next((one for one in catalog.by_name.values() if one.release == release), None)
    asked = {
        "prompt": made["prompt"],
        "model": None if served is None else release,
        "style": made["style"],
        "seed": made["seed"],
        "steps": made["steps"] if served is not None and served.model.steps is not None else None,
        "guidance": made["guidance"],
        "temperature": made["temperature"],
        "background": "transparent" if made["background"] == "transparent" else "opaque",
    }
    if edit := made.get("edit"):
        asked |= {name: edit[name] for name in EDITED} | {"negative_prompt": edit.get("negative")}
    return {name: value for name, value in asked.items() if value is not None}


def is_served(release: str, catalog: Catalog) -> bool:
    """Tell whether the same pixels can be drawn here."""
    return any(one.release == release for one in catalog.by_name.values())
