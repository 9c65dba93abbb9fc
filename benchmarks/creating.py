"""The creators' tools on pictures that somebody may bring: how long each takes, and how much it changes.

    python benchmarks/creating.py --data artifacts/stickers-64
    python benchmarks/creating.py --data artifacts/stickers-64 --others

Every edit goes from the bytes of a file to marked pixels, by the exported graph and by torch in turn. Pictures from
words and sheets are marked too, and timed in turn with one edit, with which they can be compared. A time is the median
with the interval of an order statistic. Outside a mask every bit must stay: pixels that do not are counted over all
pictures, and any ends the run. Writes ``benchmarks/results/creating.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from creating_inputs import Given, all_given
from creating_tools import TOOLS, Tool, changed_outside, file_of, mask_for
from machine import print_table, write_document
from PIL import Image

from underpaint.metrics.interval import order_statistic
from underpaint.metrics.perceptual import feature_distance
from underpaint.models.extractor import Extractor
from underpaint.models.randconv import load_randconv
from underpaint.pipelines.editing.asking import editor_of
from underpaint.pipelines.editing.mask import read_mask
from underpaint.pipelines.editing.planning import plan_edits
from underpaint.pipelines.editing.reading import read_original
from underpaint.pipelines.generator import Generator, load
from underpaint.pipelines.marks import PUBLIC
from underpaint.pipelines.planning import Options, plan
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.stickers.look import Contour, Look
from underpaint.pipelines.stickers.making import make_stickers
from underpaint.pipelines.stickers.moods import USUAL
from underpaint.pipelines.stickers.picture import read_pictures
from underpaint.pipelines.stickers.series import Series, plan_first, plan_others, series_of
from underpaint.pipelines.upscaling.picture import upscale
from underpaint.pipelines.upscaling.resampling import premultiplied

RESULTS = Path(__file__).parent / "results" / "creating.json"
ENGINES = ("onnx", "torch")
PLACES = ("whatsapp", "telegram", "signal", "discord", "line")
PACK = 3
"""Stickers of a pack that is timed."""
CLEARLY = 16
"""Levels, of 255, by which a pixel has to differ to count as changed."""
SHOWN = ("photograph", "drawing", "sketch", "sticker")
"""Kinds of pictures that the table has a column for."""
EDIT = "other words, strength 0.8"
"""The tool that is timed in turn with what is no edit."""
REPEATS = 8
"""How often what is no edit is timed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Edited:
    """What became of a picture.

    Args:
        before: ``[S, S, 4]`` uint8, as the model was given it.
        after: ``[S, S, 4]`` uint8, marked.
        inside: Where it may change, ``[S, S]`` bool.
        ms: How long it took, from the bytes of the file.
    """

    before: np.ndarray
    after: np.ndarray
    inside: np.ndarray
    ms: float


def edit(generator: Generator, given: Given, tool: Tool) -> Edited:
    """Draw a picture anew, as the command does, and take its time."""
    file, mask_image = file_of(given), None if tool.shape is None else mask_for(tool.shape, given.image.size)
    began = time.perf_counter()
    original = read_original(file, generator.model.index.image_size)
    mask = None if mask_image is None else read_mask(mask_image, original)
    (settings,) = plan_edits(generator.model, original, tool.ask(given), mask)
    (image,) = editor_of(generator.model, generator.pipeline, original, mask).draw([marked(settings)])
    ms = (time.perf_counter() - began) * 1000
    inside = np.ones(original.pixels.shape[:2], dtype=bool) if mask is None else mask.inside
    return Edited(before=original.pixels, after=np.asarray(image.convert("RGBA")), inside=inside, ms=ms)


def marked(settings: Settings) -> Settings:
    """Return the settings of the same picture with a mark: its own, or the public one."""
    return settings.model_copy(update={"watermark": settings.watermark or PUBLIC})


def from_words(generator: Generator, words: str, seed: int) -> Image.Image:
    """Draw a marked picture from words."""
    (settings,) = plan(generator.model, [PromptRow(prompt=words)], Options(seed=seed))
    (image,) = generator.draw([marked(settings)])
    return image


def sheet(generator: Generator, series: Series) -> list[Image.Image]:
    """Draw a sheet of marked pictures, as the command does."""
    first = marked(plan_first(generator.model, series, Options(style="gradient", seed=4)))
    (drawn,) = generator.draw([first])
    original = read_original(drawn, generator.model.index.image_size)
    planned = plan_others(generator.model, original, first, series)
    return [drawn, *editor_of(generator.model, generator.pipeline, original).draw(planned)]


def changes(edited: Sequence[Edited], extractor: Extractor) -> dict[str, Any]:
    """Return how much edits changed, on the mean over pictures, where they might."""
    before, after = (np.stack([getattr(one, name) for one in edited]) for name in ("before", "after"))
    off = np.abs(premultiplied(after) - premultiplied(before)) * 255  # [N, S, S, 4]
    inside = np.stack([one.inside for one in edited])
    shares = [(off[k][inside[k]].max(axis=-1) > CLEARLY).mean() for k in range(len(edited))]
    distances = feature_distance(extractor.maps(after), extractor.maps(before))
    return {
        "pictures": len(edited),
        "clearly_changed_share": round(float(np.mean(shares)), 3),
        "distance": round(float(distances.mean()), 3),
    }


def told_of(times_ms: Sequence[float]) -> dict[str, Any]:
    """Return the median of times, its 95 % interval, and their number."""
    interval = order_statistic(times_ms, 0.5)
    digits = {"median_ms": np.median(times_ms), "low_ms": interval.low, "high_ms": interval.high}
    return {name: round(float(value), 1) for name, value in digits.items()} | {"n": len(times_ms)}


def alike(pairs: Sequence[Sequence[Edited]]) -> dict[str, Any]:
    """Return how far the pictures of two engines agree, in levels of premultiplied values, as they are seen."""
    off = [np.abs(premultiplied(one.after) - premultiplied(other.after)).max() * 255 for one, other in pairs]
    return {
        "pictures": len(off),
        "within_one_level": int(sum(value < 1.5 for value in off)),
        "most_levels": round(float(max(off)), 1),
    }


def edits(generators: dict[str, Generator], pictures: Sequence[Given], extractor: Extractor) -> dict[str, Any]:
    """Measure every tool on every picture that it is for, the engines in turn."""
    found: dict[str, Any] = {}
    for name, tool in TOOLS.items():
        asked = [given for given in pictures if given.kind in tool.kinds]
        drawn = [[edit(generator, given, tool) for generator in generators.values()] for given in asked]
        by_kind = {
            kind: changes([row[0] for row, given in zip(drawn, asked, strict=True) if given.kind == kind], extractor)
            for kind in dict.fromkeys(given.kind for given in asked)
        }
        every = [one for row in drawn for one in row]
        outside = {"pictures": len(every), "pixels": int(sum((~one.inside).sum() for one in every))}
        found[name] = {
            "ms": {engine: told_of([row[k].ms for row in drawn]) for k, engine in enumerate(generators)},
            "engines_agree": alike(drawn),
            "outside_mask": outside | {"changed": sum(changed_outside(o.before, o.after, o.inside) for o in every)},
            "change": by_kind,
        }
    return found


def others(generators: dict[str, Generator], given: Sequence[Given]) -> dict[str, Any]:
    """Measure what is no edit of one picture, in turn with one that is: sheets, enlargements, files for messengers."""
    stickers = [one.image for one in given]
    look, pack = Look(contour=Contour(color="white")), read_pictures(list(stickers[:PACK]))
    moods = series_of("a smiling face", USUAL)

    def packed(place: str) -> object:
        return list(make_stickers(pack, [place], look))

    work: dict[str, Callable[[], object]] = {}
    for name, generator in generators.items():
        work[f"edit, {EDIT}, {name}"] = partial(edit, generator, given[0], TOOLS[EDIT])
        work[f"picture from words, {name}"] = partial(from_words, generator, "red heart", seed=1)
        work[f"sheet of {len(USUAL)} moods and the first picture, {name}"] = partial(sheet, generator, moods)
    work |= {f"upscale to {size}": partial(upscale, stickers[0], size, watermark="public") for size in (256, 512)}
    work |= {f"pack of {PACK} for {place}": partial(packed, place) for place in PLACES}
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(REPEATS + 1):
        for name, do in work.items():
            began = time.perf_counter()
            do()
            times[name].append((time.perf_counter() - began) * 1000)
    return {name: told_of(spent[1:]) for name, spent in times.items()}


def show(document: dict[str, Any]) -> None:
    """Print the tables."""
    rows = []
    for name, tool in document["edits"].items():
        times = [f"{t['median_ms']:.0f} ({t['low_ms']:.0f} to {t['high_ms']:.0f})" for t in tool["ms"].values()]
        shares = [tool["change"].get(kind, {}).get("distance", "") for kind in SHOWN]
        outside = tool["outside_mask"]
        rows.append([name, *times, *map(str, shares), f"{outside['changed']} of {outside['pixels']:,}"])
    print_table(["tool", "graph, ms", "torch, ms", "photographs", "drawings", "sketches", "stickers", "outside"], rows)
    print()
    times = document["others"].items()
    print_table(["", "ms"], [[n, f"{t['median_ms']:.0f} ({t['low_ms']:.0f} to {t['high_ms']:.0f})"] for n, t in times])


def main() -> None:
    """Measure, write, and fail if a mask did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data set of stickers at 64 px")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--others", action="store_true", help="measure what is no edit, and keep the edits of --out")
    args = parser.parse_args()
    generators = {engine: load(engine=engine) for engine in ENGINES}
    pictures = all_given(args.data, generators[ENGINES[0]])
    for generator in generators.values():
        edit(generator, pictures[0], next(iter(TOOLS.values())))
    document: dict[str, Any] = {"pictures": {given.name: given.kind for given in pictures}}
    if args.others:
        document["edits"] = json.loads(args.out.read_text(encoding="utf-8"))["edits"]
    else:
        document["edits"] = edits(generators, pictures, load_randconv())
    document["others"] = others(generators, [given for given in pictures if given.kind == "sticker"])
    show(document)
    write_document(args.out, "creating", **document)
    changed = sum(tool["outside_mask"]["changed"] for tool in document["edits"].values())
    if changed:
        sys.exit(f"{changed:,} pixels outside a mask changed")


if __name__ == "__main__":
    main()
