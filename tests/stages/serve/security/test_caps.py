from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpaint.core.errors import FieldError
from underpaint.stages.serve.security.caps import Caps, TooLarge, counted, declared, lines_of


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        ("application/json", 2**20),
        ("multipart/form-data; boundary=x", 64 * 2**20),
        ("MULTIPART/FORM-DATA", 64 * 2**20),
        ("multipart/mixed", 2**20),
        ("", 2**20),
        (None, 2**20),
    ],
)
def test_only_a_body_with_files_may_be_large(kind: str | None, limit: int) -> None:
    assert Caps().body_bytes(kind) == limit


@pytest.mark.parametrize("length", [None, "0", "100"])
def test_a_body_that_declares_little_or_nothing_is_read(length: str | None) -> None:
    declared(length, 100)


@pytest.mark.parametrize("length", ["101", "9" * 19])
def test_a_body_that_declares_too_much_is_not_read(length: str) -> None:
    with pytest.raises(TooLarge, match="100 bytes allowed"):
        declared(length, 100)


@pytest.mark.parametrize("length", ["-1", "1e3", "", "0x10", "١٢", "9" * 5000, " 1"])
def test_what_is_no_length_is_refused(length: str) -> None:
    with pytest.raises(FieldError, match="content-length"):
        declared(length, 100)


def test_a_body_that_grows_too_long_is_cut_off_early() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 10
            yield b"x" * 10

    async def read() -> int:
        return sum([len(part) async for part in counted(endless(), 95)])

    with pytest.raises(TooLarge):
        asyncio.run(read())
    assert sent == 100


def test_a_body_at_the_limit_is_read_whole() -> None:
    async def body() -> AsyncIterator[bytes]:
        for part in (b"ab", b"", b"cde"):
            yield part

    async def read() -> bytes:
        return b"".join([part async for part in counted(body(), 5)])

    assert asyncio.run(read()) == b"abcde"


@pytest.mark.parametrize("number", [0, -1, 11])
def test_one_request_is_for_one_to_ten_pictures(number: int) -> None:
    Caps().check_pictures(1)
    Caps().check_pictures(10)
    with pytest.raises(FieldError, match="1 to 10"):
        Caps().check_pictures(number)


@given(st.lists(st.binary(max_size=20)), st.integers(1, 30))
def test_lines_are_the_same_however_the_file_comes(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    expected = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    if not expected[-1]:
        expected.pop()
    again = [data[at : at + size] for at in range(0, len(data), size)]
    found = list(lines_of(parts, caps=Caps()))
    assert found == list(lines_of(again, caps=Caps()))
    assert found == expected or (data.endswith(b"\r") and found[-1] == b"")


def test_a_file_has_so_many_lines_and_no_more() -> None:
    caps = Caps(batch_lines=3)
    assert len(list(lines_of([b"a\nb\nc\n"], caps=caps))) == 3
    assert len(list(lines_of([b"a\nb\nc"], caps=caps))) == 3
    for data in (b"a\nb\nc\nd", b"\n\n\n\n"):
        with pytest.raises(TooLarge, match="3 lines"):
            list(lines_of([data], caps=caps))


def test_a_file_that_is_too_long_is_not_read_to_its_end() -> None:
    caps, given_out = Caps(batch_bytes=2048), []

    def parts() -> Iterator[bytes]:
        for number in range(100):
            given_out.append(number)
            yield b"x" * 99 + b"\n"

    with pytest.raises(TooLarge, match="2,048 bytes"):
        list(lines_of(parts(), caps=caps))
    assert len(given_out) == 21


def test_a_line_without_an_end_is_refused_before_it_is_whole() -> None:
    caps, given_out = Caps(line_bytes=1024), []

    def parts() -> Iterator[bytes]:
        for number in range(100):
            given_out.append(number)
            yield b"x" * 100

    with pytest.raises(TooLarge, match="line 1 has more"):
        list(lines_of(parts(), caps=caps))
    assert len(given_out) == 11
