"""One heap: what many threads once needed and gave back lies in no heaps of their own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from underpaint.runtime.heap import share_one_heap

SCRIPT = """
import ctypes, sys, threading
from underpaint.runtime.heap import share_one_heap

if sys.argv[1] == "one":
    assert share_one_heap({})
everybody = threading.Barrier(8)

def work():
    everybody.wait()
    pieces = [bytes(1000) for _ in range(2000)]
    everybody.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
info = ctypes.create_string_buffer(200_000)
libc = ctypes.CDLL(None)
libc.fmemopen.restype = ctypes.c_void_p
libc.fmemopen.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
file = libc.fmemopen(info, len(info), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
print(info.value.count(b"<heap nr="))
"""
needs_gnu = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such heaps")


def heaps(how: str) -> int:
    """Return how many heaps a process has whose eight threads worked at one time."""
    environment = {"PYTHONMALLOC": "malloc"}
    command = [sys.executable, "-c", SCRIPT, how]
    return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


@needs_gnu
def test_threads_share_one_heap_that_had_one_each():
    assert heaps("many") > 2
    assert heaps("one") == 1


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_an_operator_who_decides_about_heaps_is_obeyed(name):
    assert not share_one_heap({name: "4"})
