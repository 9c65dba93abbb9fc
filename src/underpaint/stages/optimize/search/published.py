"""The published JSON Schema of ``frontier.json``, made from its records.

Run ``python -m underpaint.stages.optimize.search.published`` in a checkout to write it again after the records have
changed.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from underpaint.stages.optimize.search.frontier_file import SCHEMA, Frontier

FOLDER, NAME = "schema", "frontier-1.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def frontier_schema() -> dict[str, Any]:
    """Return the JSON Schema that the records give."""
    return {"$schema": DIALECT, "$id": f"urn:{SCHEMA.replace('/', ':')}"} | Frontier.model_json_schema()


def text_of(schema: dict[str, Any]) -> str:
    """Return a schema as it stands in a file."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def published_schema() -> dict[str, Any]:
    """Return the JSON Schema that ships with the package."""
    file = resources.files(__package__ or "") / FOLDER / NAME
    return json.loads(file.read_text(encoding="utf-8"))


def main() -> None:
    """Write the schema into the checkout."""
    path = Path(__file__).parent / FOLDER / NAME
    path.write_text(text_of(frontier_schema()), encoding="utf-8")


if __name__ == "__main__":
    main()
