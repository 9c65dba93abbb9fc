"""``GET /v1/models``: what can be drawn with."""

from __future__ import annotations

from fastapi import APIRouter

from underpaint.core.errors import FieldError
from underpaint.stages.serve.answering.schema import ModelList, ModelRow
from underpaint.stages.serve.http.callers import CallerOf
from underpaint.stages.serve.http.openapi import refusals
from underpaint.stages.serve.http.state import AnyServiceOf
from underpaint.stages.serve.service import Service

router = APIRouter(tags=["OpenAI"])


def _rows(service: Service) -> dict[str, ModelRow]:
    served = service.catalog.by_name.values()
    names = dict.fromkeys([*(one.name for one in served), *(one.release for one in served)])
    return {name: ModelRow(id=name, created=int(service.started_at)) for name in names}


@router.get("/v1/models", response_model=ModelList, responses=refusals(401))
async def models(_caller: CallerOf, service: AnyServiceOf) -> ModelList:
    """List names and releases."""
    return ModelList(data=list(_rows(service).values()))


@router.get("/v1/models/{model}", response_model=ModelRow, responses=refusals(400, 401, 404))
async def model(model: str, _caller: CallerOf, service: AnyServiceOf) -> ModelRow:
    """Return one of them."""
    rows = _rows(service)
    if model not in rows:
        raise FieldError(f"there is no model {model!r:.80}; use one of {', '.join(rows)}", param="model", code=MISSING)
    return rows[model]


MISSING = "model_not_found"
