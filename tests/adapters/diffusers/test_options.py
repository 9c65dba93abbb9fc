from __future__ import annotations

import pytest

from underpaint.adapters.diffusers.options import Options, file_and_scale, read_address, write_address
from underpaint.core.errors import InputError


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(scheduler="unipc", size="512x768"),
        Options(negative="a & b = c, 100 % gray?", lora=("a b.safetensors:0.5", "c.safetensors")),
        Options(allow_pickle=True, dtype="bfloat16", variant="fp16"),
    ],
)
def test_an_address_is_read_as_it_was_written(options: Options) -> None:
    assert read_address(write_address("owner/name@main", options)) == ("owner/name@main", options)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("x?speed=9", "speed"),
        ("x?size=512", "size"),
        ("x?size=1x1&size=2x2", "twice"),
        ("x?lora=weights.bin", "FILE.safetensors"),
        ("x?dtype=int8", "dtype"),
    ],
)
def test_wrong_options_are_refused(address: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_address(address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.safetensors", ("a.safetensors", 1.0)),
        ("a.safetensors:0.25", ("a.safetensors", 0.25)),
        ("a.safetensors:-1", ("a.safetensors", -1.0)),
        ("C:/a.safetensors", ("C:/a.safetensors", 1.0)),
    ],
)
def test_a_scale_stands_behind_the_file(text: str, expected: tuple[str, float]) -> None:
    assert file_and_scale(text) == expected
