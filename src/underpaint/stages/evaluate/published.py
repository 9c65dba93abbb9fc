"""The published JSON Schema of ``report.json``, made from its records.

Run ``python -m underpaint.stages.evaluate.published`` in a checkout to write it again after the records have changed.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from underpaint.stages.evaluate.record import SCHEMA, Report

FOLDER, NAME = "schema", "evaluation-1.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema that the records give."""
    return {"$schema": DIALECT, "$id": f"urn:{SCHEMA.replace('/', ':')}"} | Report.model_json_schema()


def text_of(schema: dict[str, Any]) -> str:
    """Return a schema as it stands in a file."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def published_schema() -> dict[str, Any]:
    """Return the JSON Schema that ships with the package."""
    file = resources.files("underpaint.stages.evaluate") / FOLDER / NAME
    return json.loads(file.read_text(encoding="utf-8"))


def main() -> None:
    """Write the schema into the checkout."""
    path = Path(__file__).parent / FOLDER / NAME
    path.write_text(text_of(report_schema()), encoding="utf-8")


if __name__ == "__main__":
    main()
