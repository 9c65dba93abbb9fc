"""Memory and time of a training step with each option that saves memory, and with all of them together.

    python benchmarks/training_memory.py [--steps 4] [--threads 1] [--device cpu]

What is trained is the generator of the ``nano`` recipe, on random latents and captions, a step of 32 pictures. Every
row is a process of its own: the peak of the process, less what it held when networks and data lay ready. Time is that
of the processor, which other work on the machine disturbs less than the clock's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from machine import print_table, write_document

from underpaint.core.samples import Sample
from underpaint.learning.adamw8bit import state_bytes
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import Run
from underpaint.pipelines.model_folder import open_model
from underpaint.recipes.sticker_64 import generator_nano
from underpaint.runtime.device import choose_device, threads
from underpaint.runtime.memory import MB, bytes_of, device_peak, resident, watch_device
from underpaint.stages.train.conditions import STYLES
from underpaint.stages.train.config import GeneratorTraining
from underpaint.stages.train.generator import GeneratorTrainee
from underpaint.stages.train.latents import Latents
from underpaint.stages.train.start import seed_workspace

WORDS = ("red", "smiling", "small", "cat", "rocket", "apple", "with", "sunglasses")
PARTS = 4
OPTIONS: dict[str, tuple[str, ...]] = {
    "none": (),
    "8-bit moments": ("moments",),
    f"{PARTS} micro-batches": ("parts",),
    "checkpointing": ("checkpointing",),
    "all three": ("moments", "parts", "checkpointing"),
}
"""Name of a row to the options in it."""


def settings(options: tuple[str, ...], steps: int) -> GeneratorTraining:
    """Return the settings of the nano generator with some options on."""
    base = generator_nano(steps)
    loop = LoopConfig.model_validate({**base.loop.model_dump(), "warmup": 0, "precision": "f32"})
    if "parts" in options:
        loop = loop.in_parts(PARTS)
    if "moments" in options:
        loop = loop.model_copy(update={"optimizer": "adamw8bit"})
    return base.model_copy(update={"loop": loop, "gradient_checkpointing": "checkpointing" in options})


def random_sample(number: int) -> Sample:
    """Return a record with a caption of four words."""
    caption = " ".join(WORDS[(number * step) % len(WORDS)] for step in (1, 3, 5, 7))
    values = dict.fromkeys(("cluster", "group", "family", "source", "icon", "license", "level"), "random")
    return Sample(
        id=str(number), name=caption, caption=caption, style=STYLES[number % len(STYLES)], split="train",
        sha256_pixels="0" * 64, phash="0" * 16, weight=1.0, file=f"{number}.png", **values,
    )  # fmt: skip


def random_latents(count: int, channels: int, side: int) -> Latents:
    """Return normal latents ``[count, 1, channels, side, side]``."""
    values = torch.randn(count, 1, channels, side, side, generator=torch.Generator().manual_seed(0))
    return Latents([random_sample(number) for number in range(count)], values.to(torch.float16), torch.ones(count))


def forget_peak() -> None:
    """Make the kernel begin anew to look for this process's peak, where it lets us."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError as error:
        raise SystemExit(f"the peak of the memory cannot be measured here: {error}") from None


def measure(name: str, steps: int, device: torch.device) -> dict[str, float]:
    """Train some steps in this process and return what they took, after a step that is not timed."""
    config = settings(OPTIONS[name], steps + 1)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        seed_workspace(open_model(), out)
        latents = random_latents(64, 16, 8)
        trainee = GeneratorTrainee(config, latents, latents, out / "tokenizer", out / "text-table", device)
        run = Run(trainee, config.loop, out / "state", "benchmark", device)
        trainee.module.train()
        before = resident().now
        forget_peak()
        watch_device(device)
        run._train_step()
        began, began_cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            run._train_step()
        wall, cpu = (time.perf_counter() - began) / steps, (time.process_time() - began_cpu) / steps
        peak = device_peak(device)
    return {
        "peak_growth_mb": (resident().peak - before) / MB,
        **({"device_peak_mb": peak.allocated / MB} if peak else {}),
        "optimizer_mb": state_bytes(run.optimizer) / MB,
        "weights_mb": bytes_of([trainee.module]) / MB,
        "step_cpu_s": cpu,
        "step_wall_s": wall,
    }


def in_own_process(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Measure a row in a process of its own."""
    options = ["--steps", str(args.steps), "--threads", str(args.threads), "--device", args.device]
    command = [sys.executable, __file__, "--row", name, *options]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--row", choices=list(OPTIONS), help="measure one row and print JSON")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "training_memory.json")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table, write JSON."""
    args = parse()
    if args.row:
        with threads(args.threads):
            print(json.dumps(measure(args.row, args.steps, choose_device(args.device))))
        return
    results = {name: in_own_process(name, args) for name in OPTIONS}
    columns = list(results["none"])
    print_table(["options", *columns], [[n, *(f"{row[c]:.2f}" for c in columns)] for n, row in results.items()])
    write_document(
        args.out,
        "training memory",
        device=args.device,
        threads=args.threads,
        steps=args.steps,
        pictures_a_step=settings((), 1).loop.pictures_a_step,
        results=results,
    )


if __name__ == "__main__":
    main()
