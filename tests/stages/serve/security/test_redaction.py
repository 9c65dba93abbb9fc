from __future__ import annotations

import io
import json
import logging
import time
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpaint.stages.serve.security.keys import KeyLimits, new_key
from underpaint.stages.serve.security.redaction import LONGEST, PATTERNS, RedactingFormatter, redacted

KEY = new_key("ann", role="user", limits=KeyLimits(), now=0.0)[1]
SECRET = KEY.split("_", 2)[2]


def logged(record: object, *args: object, known: tuple[str, ...] = (), **options: object) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter(logging.Formatter("%(levelname)s %(message)s"), known))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.error(record, *args, **options)  # pyright: ignore[reportArgumentType]
    return stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        f"authorization=bearer {KEY}",
        f"{{'authorization': 'Bearer {SECRET}'}}",
        f'{{"Authorization": "Bearer {SECRET}"}}',
        f"the key {KEY} is wrong",
        f"api_key={SECRET} and more",
        f'"api_key": "{SECRET}"',
        f"X-Api-Key: {SECRET}",
        f"GET /v1/images/files/ab.png?expires=1&signature={SECRET}",
        f"postgresql://ann:{SECRET}@db.example/jobs",
        f"password={SECRET}",
        f"Cookie: {SECRET}",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET.replace('-', '').replace('_', '')}",
        f"sk-{SECRET}",
    ],
    ids=count(),
)
def test_secrets_are_left_out_of_any_text(text: str) -> None:
    found = redacted(text)
    assert SECRET not in found
    assert SECRET.replace("-", "").replace("_", "") not in found
    assert "***" in found


def test_the_id_of_a_key_stays_so_that_one_knows_whose_it_was() -> None:
    assert redacted(f"wrong: {KEY}") == f"wrong: {KEY[:16]}***"


@pytest.mark.parametrize(
    "text",
    [
        "request request_id=req_0a1b2c method=POST route=/v1/images/generations status=200 ms=12.5 key=0a1b2c3d4e5f",
        "prompt_tokens=5 total_tokens=69",
        "batch model=stickers-64 size=4 seconds=0.5",
        "http://127.0.0.1:8080/v1/models",
        "up_to_date",
        "sk-1",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_arguments_and_tracebacks_are_cleaned_too() -> None:
    assert SECRET not in logged("refused %s", {"authorization": f"Bearer {KEY}"})
    try:
        raise ValueError(f"cannot use {KEY}")
    except ValueError:
        line = logged("defect", exc_info=True)
    assert "Traceback" in line
    assert SECRET not in line


def test_secrets_of_this_server_are_left_out_wherever_they_stand() -> None:
    assert logged("it is hunter2hunter2!", known=("hunter2hunter2", "it")) == "ERROR it is ***!\n"


def test_lines_of_json_stay_json() -> None:
    values = {"event": f'Bearer {KEY} "quoted" api_key="{SECRET}"', "at": "now", "token": SECRET}
    found = json.loads(redacted(json.dumps(values)))
    assert found.keys() == values.keys()
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    "text", ["token=", "bearer ", "://", "up_", "-----BEGIN ", "://a", "password=a", "-----BEGIN PRIVATE KEY-----a"]
)
def test_the_worst_line_takes_a_moment(text: str) -> None:
    began = time.process_time()
    redacted(text * 20_000)
    assert time.process_time() - began < 0.5


def test_a_line_without_end_is_cut_off() -> None:
    assert len(redacted("x" * 10**6)) < LONGEST + 100


WORDS = "Bearer BASIC sk- Rk_ ghp_ hf_ :// a@ X-Api_Key apikey= password PASSWD: secret= token"
MORE = "signature set-cookie: = : / b1"
PIECES = st.sampled_from(
    [
        *WORDS.split(),
        *MORE.split(),
        " ",
        "up_0123456789ab_abcdefgh",
        "-----BEGIN PRIVATE KEY-----",
        "a" * 20,
        "\u017f",
        "\u212a",
        "\u0131",
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=8).map("".join))
def test_the_quick_look_leaves_out_no_line_that_a_pattern_would_change(text):
    slow = text
    for pattern, replacement in PATTERNS:
        slow = pattern.sub(replacement, slow)
    assert redacted(text) == slow
