from __future__ import annotations

from pathlib import Path

from underpaint.runtime.capacity import Cache, Capacity, read_capacity


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


CACHE = "sys/devices/system/cpu/cpu0/cache/index{}/{}"
FILES = {
    "proc/meminfo": "MemTotal:       24684096 kB\nMemFree:  1 kB\n",
    "proc/self/cgroup": "0::/\n",
    **{CACHE.format(3, name): text for name, text in {"level": "3", "type": "Unified", "size": "32768K"}.items()},
    **{CACHE.format(0, name): text for name, text in {"level": "1", "type": "Data", "size": "32K"}.items()},
    CACHE.format(7, "level"): "2",
}


def test_sizes_are_bytes_and_a_cache_without_a_size_is_left_out(tmp_path):
    capacity = read_capacity(machine(tmp_path, FILES))
    assert capacity.ram_bytes == 24684096 * 1024
    assert capacity.caches == (
        Cache(level=1, kind="data", bytes=32 * 1024),
        Cache(level=3, kind="unified", bytes=32 * 1024**2),
    )


def test_the_limit_of_a_container_counts_where_it_is_lower(tmp_path):
    root = machine(tmp_path, {**FILES, "sys/fs/cgroup/memory.max": "536870912"})
    assert read_capacity(root).usable_bytes == 536870912
    assert Capacity(ram_bytes=100, limit_bytes=200).usable_bytes == 100


def test_nodes_are_counted(tmp_path):
    nodes = {f"sys/devices/system/node/node{index}/cpulist": "0" for index in range(2)}
    assert read_capacity(machine(tmp_path, {**FILES, **nodes})).numa_nodes == 2


def test_without_files_nothing_is_known(tmp_path):
    assert read_capacity(tmp_path) == Capacity()
    assert Capacity().usable_bytes is None


def test_this_machine_has_memory():
    assert (read_capacity().ram_bytes or 0) > 1e8
