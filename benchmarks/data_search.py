"""Tools that search a folder for equal and nearly equal pictures, each run as a process in an environment of its own.

    PYTHON benchmarks/data_search.py TOOL FOLDER CACHE JOBS

The last line of the output is JSON: the pairs of files that were found, and the seconds for all (by the clock and of
the processors) and for the search alone; imports do not count. Nothing of the project is imported for the other tools,
so these need only themselves: ``pip install cleanvision scikit-learn`` and ``pip install --no-deps imagededup`` (its
hashes need neither torch nor torchvision, though its package imports both).
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Pair = tuple[str, str]
THUMBNAIL, MAX_DISTANCE, MAX_RMSE = 32, 4, 0.10
"""Side of the pictures that are compared, bits in which their hashes may differ, and how much their pixels may."""
MOST_QUERIES = 1000
"""A tool that compares one picture with all others is asked about so many, evenly spaced; its time is scaled up."""
ALL_QUERIES_UP_TO = 20_000


def files_in(folder: Path) -> list[str]:
    """Return the names of the pictures."""
    return sorted(path.name for path in folder.glob("*.png"))


class Moment(NamedTuple):
    """A moment: by the clock, and by what the processors did for this process and its children that have ended."""

    clock: float
    cpu: float


def now() -> Moment:
    """Return this moment."""
    return Moment(time.perf_counter(), sum(os.times()[:4]))


def outcome(pairs: list[Pair], started: Moment, looked: Moment, scale: float = 1.0) -> dict[str, Any]:
    """Return what a tool found, and how long it took.

    Args:
        pairs: Files that it calls equal or nearly equal.
        started: When it began.
        looked: When all pictures were hashed and the search began.
        scale: How many times the search that was made would have to be made.
    """
    ended = now()
    return {
        "pairs": pairs,
        "seconds": looked.clock - started.clock + scale * (ended.clock - looked.clock),
        "cpu_seconds": looked.cpu - started.cpu + scale * (ended.cpu - looked.cpu),
        "search_seconds": scale * (ended.clock - looked.clock),
        "estimated": scale > 1,
    }


def by_ours(folder: Path, cache: Path, jobs: int) -> dict[str, Any]:
    """Search with this project: fingerprints as a check takes them, then all near pairs."""
    from underpaint.core.samples import Sample
    from underpaint.stages.data.checking.fingerprints import fingerprint
    from underpaint.stages.data.near_duplicates import near_pairs

    started = now()
    files = files_in(folder)
    samples = [Sample.model_construct(file=name, sha256_pixels="") for name in files]
    prints = fingerprint(folder, samples, digest="0" * 64, size=None, cache=cache, jobs=jobs)
    looked = now()
    pairs = [
        (files[a], files[b])
        for one, other, _ in near_pairs(prints.hashes, prints.thumbnails)
        for a, b in zip(one.tolist(), other.tolist(), strict=True)
    ]
    return outcome(pairs, started, looked)


def by_all_pairs(folder: Path, cache: Path, jobs: int) -> dict[str, Any]:
    """Search with ImageHash, one picture after the other, then compare every pair of hashes by NumPy."""
    del cache, jobs
    import imagehash
    import numpy as np
    from PIL import Image

    started = now()
    files = files_in(folder)
    pixels, hashes = np.empty((len(files), THUMBNAIL, THUMBNAIL, 3), np.uint8), np.empty(len(files), np.uint64)
    for position, name in enumerate(files):
        with Image.open(folder / name) as image:
            small = image.convert("RGB").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
        pixels[position], hashes[position] = np.asarray(small), int(str(imagehash.phash(small)), 16)
    looked = now()
    pairs = []
    for one in range(len(files)):
        near = one + 1 + np.nonzero(np.bitwise_count(hashes[one] ^ hashes[one + 1 :]) <= MAX_DISTANCE)[0]
        errors = np.sqrt(((pixels[near] / 255 - pixels[one] / 255) ** 2).mean((1, 2, 3)))
        pairs += [(files[one], files[other]) for other in near[errors < MAX_RMSE].tolist()]
    return outcome(pairs, started, looked)


def by_cleanvision(folder: Path, cache: Path, jobs: int) -> dict[str, Any]:
    """Search with CleanVision: exact duplicates, and near ones, which are those of the same hash."""
    del cache
    from cleanvision import Imagelab  # pyright: ignore[reportMissingImports]

    started = now()
    lab = Imagelab(data_path=str(folder))
    lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, n_jobs=jobs, verbose=False)
    sets = [names for kind in ("exact_duplicates", "near_duplicates") for names in lab.info[kind]["sets"]]
    return {**outcome(sorted(set(pairs_in(sets))), started, started), "search_seconds": None}


def pairs_in(sets: Iterable[Iterable[str]]) -> Iterator[Pair]:
    """Yield all pairs of file names within sets of paths."""
    for paths in sets:
        yield from itertools.combinations(sorted(Path(path).name for path in paths), 2)


def import_hashing() -> Any:
    """Import imagededup's hashes without its networks, which need torchvision."""
    for name, missing in (("utils.models", "CustomModel"), ("methods.cnn", "CNN")):
        module = types.ModuleType(f"imagededup.{name}")
        setattr(module, missing, type(missing, (), {}))
        sys.modules[module.__name__] = module
    from imagededup.methods import hashing  # pyright: ignore[reportMissingImports]

    return hashing


def by_imagededup(folder: Path, cache: Path, jobs: int) -> dict[str, Any]:
    """Search with imagededup: perceptual hashes, and its compiled search by brute force, the default."""
    del cache
    hashing = import_hashing()
    started = now()
    encodings = hashing.PHash(verbose=False).encode_images(image_dir=str(folder), num_enc_workers=jobs)
    looked = now()
    names = sorted(encodings)
    asked = names if len(names) <= ALL_QUERIES_UP_TO else names[:: max(1, len(names) // MOST_QUERIES)]
    found = hashing.HashEval(
        test=encodings,
        queries={name: encodings[name] for name in asked},
        distance_function=hashing.Hashing.hamming_distance,
        verbose=False,
        threshold=MAX_DISTANCE,
        num_dist_workers=jobs,
    ).retrieve_results()
    pairs = sorted({(min(a, b), max(a, b)) for a, others in found.items() for b in others})
    return outcome(pairs, started, looked, len(names) / len(asked))


TOOLS = {
    "underpaint": by_ours,
    "CleanVision": by_cleanvision,
    "imagededup": by_imagededup,
    "ImageHash, all pairs": by_all_pairs,
}
PEERS = ("CleanVision", "imagededup")
"""Tools that run in an environment of their own."""


def main() -> None:
    """Search, and print what was found as the last line."""
    tool, folder, cache, jobs = sys.argv[1:]
    print("\n" + json.dumps(TOOLS[tool](Path(folder), Path(cache), int(jobs))))


if __name__ == "__main__":
    main()
