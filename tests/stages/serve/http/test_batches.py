"""Files and batches, as the real OpenAI client handles them."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import openai
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def sdk(server) -> openai.OpenAI:
    return server.openai()


def line(name: str, **body: Any) -> dict[str, Any]:
    body = {"prompt": "a red heart", **body}
    return {"custom_id": name, "method": "POST", "url": "/v1/images/generations", "body": body}


def upload(sdk: openai.OpenAI, *lines: Any) -> str:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    return sdk.files.create(file=("lines.jsonl", text.encode()), purpose="batch").id


def begin(sdk: openai.OpenAI, *lines: Any, **how: Any) -> Any:
    return sdk.batches.create(
        input_file_id=upload(sdk, *lines),
        endpoint="/v1/images/generations",
        completion_window="24h",
        **how,
    )


def ended(sdk: openai.OpenAI, batch: str) -> Any:
    end = time.monotonic() + 60
    while (found := sdk.batches.retrieve(batch)).status not in ("completed", "failed", "cancelled", "expired"):
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def rows(sdk: openai.OpenAI, file: str | None) -> list[dict[str, Any]]:
    return [] if file is None else [json.loads(one) for one in sdk.files.content(file).text.splitlines()]


def test_every_line_is_answered_as_it_would_have_been_alone(sdk):
    lines = [line("first", seed=1), line("second", seed=2, style="flat", n=2, response_format="url")]
    batch = begin(sdk, *lines, metadata={"for": "a test"})
    assert (batch.object, batch.status, batch.metadata) == ("batch", "validating", {"for": "a test"})
    done = ended(sdk, batch.id)
    assert (done.status, done.error_file_id) == ("completed", None)
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (2, 2, 0)
    assert done.created_at <= done.in_progress_at <= done.finalizing_at <= done.completed_at
    first, second = rows(sdk, done.output_file_id)
    assert [first["custom_id"], second["custom_id"]] == ["first", "second"]
    assert (first["response"]["status_code"], first["error"]) == (200, None)
    plain = sdk.images.generate(prompt="a red heart", extra_body={"seed": 1})
    assert first["response"]["body"]["data"][0]["b64_json"] == plain.data[0].b64_json
    assert all(one["url"].startswith("http://127.0.0.1") for one in second["response"]["body"]["data"])
    assert sdk.files.retrieve(done.output_file_id).purpose == "batch_output"


def test_if_one_line_is_wrong_none_is_drawn_and_all_mistakes_are_named(sdk):
    lines = [
        line("good"),
        line("good"),
        "{",
        {**line("stream"), "body": {"prompt": "a cat", "stream": True}},
        {**line("elsewhere"), "url": "/v1/images/edits"},
        line("too large", size="1x1", n=99),
        {"custom_id": "bare"},
    ]
    failed = ended(sdk, begin(sdk, *lines).id)
    assert (failed.status, failed.request_counts.total, failed.output_file_id) == ("failed", 0, None)
    found = [(one.line, one.code, one.param) for one in failed.errors.data]
    assert found == [
        (2, "duplicate_custom_id", "custom_id"),
        (3, "invalid_json_line", None),
        (4, "unknown_field", "body.stream"),
        (5, "mismatched_url", "url"),
        (6, "invalid_value", "body.n"),
        (7, "missing_field", "method"),
    ]
    assert failed.errors.data[4].message.startswith("2 mistakes: (1) body.n must be")
    assert "size '1x1'" in failed.errors.data[4].message


def test_an_empty_file_is_a_failed_batch(sdk):
    assert ended(sdk, begin(sdk, "").id).errors.data[0].code == "empty_file"


def test_a_batch_that_is_cancelled_keeps_what_is_finished(sdk):
    batch = begin(sdk, *(line(f"line {number}", n=5) for number in range(8)))
    while sdk.batches.retrieve(batch.id).request_counts.completed == 0:
        time.sleep(0.05)
    assert sdk.batches.cancel(batch.id).status == "cancelling"
    done = ended(sdk, batch.id)
    assert done.status == "cancelled"
    answers, errors = rows(sdk, done.output_file_id), rows(sdk, done.error_file_id)
    assert 1 <= len(answers) == done.request_counts.completed < 8
    assert len(answers) + len(errors) == 8 and {one["error"]["code"] for one in errors} == {"job_cancelled"}
    with pytest.raises(openai.ConflictError):
        sdk.batches.cancel(ended(sdk, begin(sdk, line("one")).id).id)


def test_somebody_who_waits_goes_before_a_batch(sdk):
    batch = begin(sdk, *(line(f"line {number}", n=5) for number in range(4)))
    while sdk.batches.retrieve(batch.id).request_counts.completed == 0:
        time.sleep(0.05)
    sdk.images.generate(prompt="a red heart")
    assert sdk.batches.retrieve(batch.id).status == "in_progress"
    sdk.batches.cancel(batch.id)
    ended(sdk, batch.id)


def test_batches_are_listed_the_latest_first(sdk):
    ids = [begin(sdk, line("one"), metadata={"n": str(number)}).id for number in range(3)]
    page = sdk.batches.list(limit=2)
    assert [batch.id for batch in page.data] == ids[:0:-1] and page.has_more
    assert [batch.id for batch in sdk.batches.list(limit=1, after=ids[1]).data] == ids[:1]
    for batch in ids:
        ended(sdk, batch)


def test_files_are_kept_returned_and_forgotten(sdk):
    file = sdk.files.create(file=("lines.jsonl", b"\x00bytes"), purpose="batch")
    assert (file.bytes, file.filename, file.purpose) == (6, "lines.jsonl", "batch")
    assert sdk.files.content(file.id).content == b"\x00bytes"
    assert sdk.files.delete(file.id).deleted
    for call in (sdk.files.retrieve, sdk.files.content, sdk.files.delete):
        with pytest.raises(openai.NotFoundError, match="there is no file"):
            call(file.id)


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"input_file_id": "file-nothing"}, "file_id", "file_not_found"),
        ({"endpoint": "/v1/chat/completions"}, "endpoint", "invalid_value"),
        ({"endpoint": "/v1/images/edits"}, "file_id", "file_not_found"),
        ({"completion_window": "1h"}, "completion_window", "invalid_value"),
        ({"extra_body": {"priority": 1}}, "priority", "unknown_field"),
    ],
)
def test_what_cannot_be_done_names_its_field(sdk, change, param, code):
    good = {"input_file_id": "x", "endpoint": "/v1/images/generations", "completion_window": "24h"}
    with pytest.raises(openai.APIStatusError) as refused:
        sdk.batches.create(**{**good, **change})
    error: Any = refused.value.body
    assert (error["param"], error["code"]) == (param, code)


def test_a_file_of_another_purpose_is_no_batch(sdk):
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    file = sdk.files.create(file=("picture.png", picture.getvalue()), purpose="vision")
    with pytest.raises(openai.BadRequestError, match="purpose vision"):
        sdk.batches.create(input_file_id=file.id, endpoint="/v1/images/generations", completion_window="24h")
