"""A small heap: no thread has one of its own, and what is large and was freed is the system's again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from underpaint.runtime.heap import keep_heap_small

SCRIPT = """
import ctypes, sys, threading
from underpaint.runtime.heap import keep_heap_small

if sys.argv[1] == "one":
    assert keep_heap_small({})
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
def test_threads_keep_heap_small_that_had_one_each():
    assert heaps("many") > 2
    assert heaps("one") == 1


LARGE = """
import ctypes, sys
from underpaint.runtime.heap import keep_heap_small

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = (ctypes.c_void_p,)
if sys.argv[1] == "small":
    assert keep_heap_small({})
libc.free(libc.malloc(20_000_000))

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

before, kept = resident(), []
for _ in range(20):
    piece = libc.malloc(1_000_000)
    ctypes.memset(piece, 1, 1_000_000)
    kept.append(libc.malloc(1000))
    libc.free(piece)
large = [libc.malloc(500_000) for _ in range(20)]
for piece in large:
    ctypes.memset(piece, 1, 500_000)
kept += [libc.malloc(1000) for _ in range(200)]
for piece in large:
    libc.free(piece)
print(resident() - before)
"""


def grown(how: str) -> int:
    """Return the bytes that a process holds after it freed 10 MB of large pieces, between which small ones stay."""
    command = [sys.executable, "-c", LARGE, how]
    return int(subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout)


@needs_gnu
def test_large_pieces_that_were_freed_are_given_back_though_small_ones_lie_behind_them():
    assert grown("large") > 5_000_000
    assert grown("small") < 2_000_000


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"])
def test_an_operator_who_decides_about_heaps_is_obeyed(name):
    assert not keep_heap_small({name: "4"})
