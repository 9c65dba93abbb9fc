from __future__ import annotations

import json

import pytest

from underpaint.core.errors import InputError
from underpaint.pipelines.editing_record import EditRecord

LEAST = {"picture_sha256": "0" * 64, "strength": 0.5}


def test_what_is_not_asked_for_is_not_written():
    written = json.loads(EditRecord.model_validate(LEAST).model_dump_json())
    assert written == {**LEAST, "mask_sha256": None, "seam": 0}


def test_a_record_survives_json():
    record = EditRecord.parse(
        LEAST | {"mask_sha256": "1" * 64, "seam": 2, "mix": "a dog", "mix_share": 0.3}, source="x"
    )
    assert EditRecord.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize(
    "wrong",
    [
        {"strength": 1.1},
        {"strength": float("nan")},
        {"picture_sha256": "x"},
        {"mask_sha256": ""},
        {"seam": 17},
        {"negative": ""},
        {"mix_share": -0.1},
        {"kept": 3},
    ],
)
def test_what_no_edit_can_be_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        EditRecord.parse(LEAST | wrong, source="x")
